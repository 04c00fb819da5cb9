"""The front desk: takes incoming calls, finds out what they want, and keeps the list of those that run.

``on_call`` is what SIP calls for each admitted INVITE. Routing is pure (``bridge.routing``); what needs a
look-up is asked of the directory here, before the call is answered, so that an unknown name gets a 404. A PIN
that may not be tried now (``bridge.pin_guard``) is read over, and the voice asks for it.
"""

import asyncio
from collections import Counter

import structlog
from structlog.contextvars import bind_contextvars

from bridge.call import BridgedCall, Start
from bridge.directory import try_pin
from bridge.routing import ByPin, BySlug, Destination, Reception, Routes
from bridge.services import Services
from bridge.ticker import TICK, Ticker
from config.counters import Histogram
from config.masking import mask_user
from config.outcome import Outcome, PasserelleError
from config.settings import SipSettings
from rooms.values import Answer, Found, NotFound, Refused, Unavailable
from sip.call import Call, NotAcceptable

log = structlog.get_logger(__name__)

INVITE_BOUNDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
JITTER_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
# Every call is looked after once a second: RTCP, media time-out.
ROUNDS = round(1 / TICK)
RETRY_AFTER = 5  # seconds


class Desk:
    """All bridged calls of the process. ``calls``: those that run, by id."""

    def __init__(self, services: Services, sip: SipSettings) -> None:
        self.calls: dict[str, BridgedCall] = {}
        self.ended: Counter[tuple[str, str]] = Counter()  # by direction and outcome label
        self.invite_seconds = Histogram(INVITE_BOUNDS)
        self.jitter_seconds = Histogram(JITTER_BOUNDS)
        self.ticker = Ticker(services.loop, services.clock, self._tick, services.pulse)
        self._services = services
        self._ringing_seconds = sip.ringing_seconds
        self._routes = Routes(sip.reception, services.ivr.languages)
        self._rounds: list[dict[str, BridgedCall]] = [{} for _ in range(ROUNDS)]
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    def on_call(self, call: Call) -> None:
        """Take an incoming call."""
        bridged = BridgedCall(call, self._services, self._ended)
        call.handler = bridged
        self.calls[call.id] = bridged
        self._count += 1
        self._rounds[self._count % ROUNDS][call.id] = bridged
        task = self._services.loop.create_task(self._answer(bridged))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def dismiss_all(self, outcome: Outcome) -> None:
        """Tell every caller why, then hang up."""
        for bridged in tuple(self.calls.values()):
            bridged.dismiss(outcome)

    async def _answer(self, bridged: BridgedCall) -> None:
        call = bridged.call
        bind_contextvars(call=call.id)
        try:
            start = await self._start(call)
            if self._ringing_seconds and not bridged.over:
                call.ring()
                await asyncio.sleep(self._ringing_seconds)
            if not bridged.over:
                await bridged.answer(start)
            if not bridged.over:
                self.invite_seconds.observe(self._services.clock() - call.received_at)
        except NotAcceptable as error:
            bridged.log.info("Call refused", outcome=error.outcome.label, problem=str(error))
            call.refuse(error.outcome, because=error)
        except PasserelleError as error:
            bridged.log.info("Call refused", outcome=error.outcome.label, problem=str(error))
            call.hang_up(error.outcome)
        except Exception:
            bridged.log.exception("A call failed")
            call.hang_up(Outcome.INTERNAL)

    async def _start(self, call: Call) -> Start:
        """What the dialled name asks for. Raises :class:`PasserelleError` to refuse the call."""
        user = call.invite.uri.user or ""
        destination = self._routes.destination(user)
        language = self._services.ivr.language
        if isinstance(destination, Reception):
            return Start(destination.language or language)
        found = await self._look_up(call, destination)
        if found == Refused(Outcome.PIN_THROTTLED):  # by forgers, perhaps: the PIN is asked for after the ACK
            if isinstance(destination, ByPin):
                return Start(language)
            destination = BySlug(destination.slug)
            found = await self._look_up(call, destination)
        match found:
            case Found(room):
                known = isinstance(destination, ByPin) or destination.pin is not None or not room.pin_needed
                spoken = self._services.announcer.language_of(room.language, language)
                return Start(spoken, found=found) if known else Start(spoken, slug=room.slug)
            case Refused(Outcome.WRONG_PIN) if isinstance(destination, BySlug):
                return Start(language, slug=destination.slug, wrong_tries=1)
            case Refused(outcome):
                raise PasserelleError("the directory refuses the call", outcome=outcome)
            case Unavailable(detail):
                raise PasserelleError(detail, outcome=Outcome.UNAVAILABLE)
            case NotFound() if self._routes.answers_any:
                return Start(language, wrong_tries=0 if _pin_of(destination) is None else 1)
            case _:
                raise PasserelleError(f"nobody is called {mask_user(user)}", outcome=Outcome.NOT_FOUND)

    async def _look_up(self, call: Call, destination: ByPin | BySlug) -> Answer:
        pin = _pin_of(destination)
        slug = destination.slug if isinstance(destination, BySlug) else None
        if pin is not None:
            seen = call.source.transport != "udp"  # no ACK yet: only a connection tells who is there
            return await try_pin(self._services, call.source.host, pin, slug, seen=seen)
        return await self._services.directory.by_slug(slug or "")

    def _ended(self, bridged: BridgedCall, outcome: Outcome) -> None:
        del self.calls[bridged.call.id]
        for calls in self._rounds:
            if calls.pop(bridged.call.id, None) is not None:
                break
        self.ended[bridged.call.direction.value, outcome.label] += 1

    def _tick(self, tick: int) -> None:
        self._services.mixer.tick(tick)
        calls = self._rounds[tick % ROUNDS]
        if calls:
            now = self._services.clock()
            for bridged in tuple(calls.values()):
                self._look_after(bridged, now)

    def _look_after(self, bridged: BridgedCall, now: float) -> None:
        leg = bridged.leg
        if leg is None:
            return
        if leg.silent_for(now) > self._services.media.timeout_seconds:
            bridged.log.info("No media for too long")
            bridged.call.hang_up(Outcome.NO_MEDIA)
        elif leg.report(now):
            self.jitter_seconds.observe(leg.jitter)


def _pin_of(destination: Destination) -> str | None:
    return None if isinstance(destination, Reception) else destination.pin
