"""One call bridged into one meeting: performs what the flow commands and tells it what happens.

The shell around the sans-IO machine of ``bridge.flow``. It owns the call's media (``bridge.call_media``) and
its seat in the meeting, and gives both back when the call ends, however it ends.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars

from bridge import flow
from bridge.call_media import CallMedia
from bridge.channel import Channel
from bridge.directory import rules_of, try_pin
from bridge.flow import Flow, IllegalEventError, State
from bridge.leg import Leg
from bridge.services import Services
from conferencing.engine import Seat, WaitingSeat
from conferencing.events import Changed, LeftAlone, MuteChanged, Reason, Removed
from conferencing.events import Event as MeetingEvent
from conferencing.participant import Kind
from config.masking import mask_number
from config.outcome import Outcome, PasserelleError
from media.dtmf import DtmfError, Way, is_dtmf, parse_info
from media.sdp import SessionDescription
from rooms.values import Found, NotFound, Refused, Role, Room
from sip.call import Call, NotAcceptable

log = structlog.get_logger(__name__)

# Seconds after the ACK for which the voice waits for the caller's first packet.
FIRST_PACKET_PATIENCE = 0.5


@dataclass(frozen=True, slots=True)
class Start:
    """How a call begins: straight into ``found``, or with a question for a PIN (of the room ``slug``)."""

    language: str
    found: Found | None = None
    slug: str | None = None
    wrong_tries: int = 0


class BridgedCall:
    """The owner of one call (a ``sip.call.CallHandler``). ``on_ended(call, outcome)`` is called once."""

    def __init__(
        self, call: Call, services: Services, on_ended: Callable[["BridgedCall", Outcome], None]
    ) -> None:
        self.call = call
        self.over = False
        self.room: Room | None = None
        self.log = log.bind(call=call.id)
        self._services = services
        self._on_ended = on_ended
        self._flow: Flow | None = None
        self._language: str = services.ivr.language
        self._media: CallMedia | None = None
        self._seat: Seat | None = None
        self._waiting: WaitingSeat | None = None
        self._hand = False  # whether it is raised, as the caller was told
        self._stop_listening: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ready_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def leg(self) -> Leg | None:
        """The RTP of the call, once it was agreed on."""
        return self._media.leg if self._media is not None else None

    @property
    def _channel(self) -> Channel | None:
        return self._media.channel if self._media is not None else None

    # From the INVITE to the first word

    async def answer(self, start: Start) -> None:
        """Open the media and say 200. Raises :class:`PasserelleError` when that cannot be done."""
        services = self._services
        self._language = start.language
        self._flow = Flow(services.ivr, found=start.found, slug=start.slug, wrong_tries=start.wrong_tries)
        media = CallMedia(self.call, services, on_key=self._key, on_media=self._ready, on_failed=self._failed)
        await media.open()
        if self.over:  # cancelled meanwhile
            media.close()
            return
        self._media = media
        self.call.answer(media.describe())

    def _key(self, key: str) -> None:
        self._tell(flow.Key(key))

    def _ready(self) -> None:
        """The first RTP came, or half a second has passed since the ACK: the voice may begin."""
        if self._channel is None:  # no ACK yet
            return
        if self._ready_timer is not None:
            self._ready_timer.cancel()
            self._ready_timer = None
            self._tell(flow.Ready())

    # What SIP tells (sip.call.CallHandler)

    def confirmed(self, answer: SessionDescription | None) -> None:
        """The ACK: from now on we send."""
        media = self._media
        if answer is not None and media is not None:
            try:
                media.accept(answer)
            except NotAcceptable as error:
                self.log.info("The answer to our offer cannot be used", problem=str(error))
                self.call.hang_up(Outcome.NO_CODEC)
                return
        leg = media.start() if media is not None else None
        if leg is None:
            self.call.hang_up(Outcome.INTERNAL)
            return
        patience = 0.0 if leg.packets_in else FIRST_PACKET_PATIENCE
        self._ready_timer = self._services.loop.call_later(patience, self._ready)

    def offered(self, offer: SessionDescription) -> SessionDescription:
        """A re-INVITE or UPDATE: hold, resume, another address or codec."""
        if self._media is None:
            raise NotAcceptable
        return self._media.answer(offer)

    def offer_wanted(self) -> SessionDescription:
        """A re-INVITE without SDP (CUCM's hold and resume) gets a full offer."""
        if self._media is None:
            raise NotAcceptable
        return self._media.offer()

    def answered(self, answer: SessionDescription) -> None:
        """The answer to an offer of ours in a running call."""
        if self._media is not None:
            try:
                self._media.accept(answer)
            except NotAcceptable as error:
                self.log.info("The answer to our offer cannot be used; the session stays", problem=str(error))

    def info(self, content_type: str, body: bytes) -> bool:
        """Keys by SIP INFO."""
        if not is_dtmf(content_type):
            return False
        try:
            key = parse_info(body)
        except DtmfError as error:
            self.log.info("A key by INFO was not understood", problem=str(error))
            return True
        if key is not None and self.leg is not None:
            self.leg.pressed(key, Way.INFO, self._services.clock())
        return True

    def ended(self, outcome: Outcome) -> None:
        """The call is over: give everything back, whatever of that fails.

        What waits for the directory or the engine is not cancelled: it finds the call over when it comes
        back, and an answer that came at the same time, a seat perhaps, is not lost.
        """
        self.over = True
        for timer in (self._timer, self._ready_timer):
            if timer is not None:
                timer.cancel()
        for give_back in (self._vacate, self._close_media):
            try:
                give_back()
            except Exception:
                self.log.exception("A call could not be ended cleanly")
        self._on_ended(self, outcome)

    def _close_media(self) -> None:
        if self._media is not None:
            self._media.close()

    # The flow

    def dismiss(self, outcome: Outcome) -> None:
        """Tell the caller why, then hang up."""
        if self._flow is None or self._channel is None:
            self.call.hang_up(outcome)
        else:
            self._tell(flow.Dismissed(outcome))

    def _failed(self, error: Exception) -> None:
        self.log.error("A call failed", exc_info=error)
        self.call.hang_up(Outcome.INTERNAL)

    def _tell(self, event: flow.Event) -> None:
        """What happened, by packet, tick, timer or another call: a bug met here ends this call alone."""
        try:
            self._follow(event)
        except Exception as error:  # noqa: BLE001 - a dispatch boundary
            self._failed(error)

    def _follow(self, event: flow.Event) -> None:
        if self.over or self._flow is None:
            return
        try:
            commands = self._flow.receive(event, self._services.clock())
        except IllegalEventError as error:
            self.log.debug("Nothing to do", problem=str(error))
            return
        self._watch_deadline()
        for command in commands:
            if not self.over:
                self._perform(command)

    def _watch_deadline(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flow is not None and self._flow.deadline is not None:
            wait = max(0.0, self._flow.deadline - self._services.clock())
            self._timer = self._services.loop.call_later(wait, self._expired)

    def _expired(self) -> None:
        self._timer = None
        self._tell(flow.Expired())

    def _perform(self, command: flow.Command) -> None:
        services = self._services
        channel = self._channel
        match command:
            case flow.Say(phrases, name_of, last) if channel is not None:
                words = services.announcer.say(self._language, phrases, name_of, last=last)
                services.mixer.say(channel, words, lambda: self._tell(flow.Spoken()))
            case flow.Hush() if channel is not None:
                services.mixer.hush(channel)
            case flow.PlayMusic() if channel is not None:
                services.mixer.say(channel, services.announcer.music(), lambda: None)
            case flow.LookUp(pin, slug):
                self._spawn(self._look_up(pin, slug))
            case flow.Enter(found):
                self._spawn(self._enter(found))
            case flow.Vacate():
                self._vacate()
            case flow.ToggleMute() if self._seat is not None:
                participant = self._seat.participant
                self._seat.meeting.set_muted(participant, not participant.muted)
            case flow.ToggleHand() if self._seat is not None:
                participant = self._seat.participant
                self._hand = participant.hand is None
                self._seat.meeting.set_hand(participant, self._hand)
                self._tell(flow.HandMoved(self._hand, by_host=False))
            case flow.HangUp(outcome):
                self.call.hang_up(outcome)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a part of the call that waits. Whatever it raises ends this call and no other."""

        async def run() -> None:
            bind_contextvars(call=self.call.id)
            try:
                await work
            except Exception:
                self.log.exception("A call failed")
                self.dismiss(Outcome.INTERNAL)

        task = self._services.loop.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_up(self, pin: str, slug: str | None) -> None:
        answer = await try_pin(self._services, self.call.source.host, pin, slug, seen=True)
        if isinstance(answer, NotFound | Refused):
            self.log.info("A PIN was refused", room=slug)
        self._tell(flow.LookedUp(answer))

    async def _enter(self, found: Found) -> None:
        services, room, channel = self._services, found.room, self._channel
        if channel is None or self.leg is None:
            return
        self._language = services.announcer.language_of(room.language, self._language)
        try:
            seat = await self._take_seat(room, host=found.role is Role.HOST)
        except PasserelleError as error:
            if error.outcome is not Outcome.CANCELLED:
                self.log.info("The meeting cannot be entered", room=room.slug, problem=str(error))
            self._tell(flow.Refusal(error.outcome))
            return
        if self.over:
            seat.leave()
            return
        self._seat = seat
        self.room = room
        self._stop_listening = seat.meeting.listen(self._meeting_changed, seat.participant)
        channel.muted = seat.participant.muted
        services.mixer.enter(channel, seat)
        self.log.info("Joined", room=room.slug, participants=len(seat.meeting))
        self._tell(flow.Entered(len(seat.meeting) - 1, seat.participant.muted))

    async def _take_seat(self, room: Room, *, host: bool) -> Seat:
        """A seat in the meeting, perhaps after some time in its waiting room."""
        place = await self._services.engine.enter(
            room.slug, rules_of(room), self.call.id, Kind.PHONE, self._name(), host=host
        )
        if not isinstance(place, WaitingSeat):
            return place
        self._waiting = place
        if self.over:
            place.cancel()
        self.log.info("Waiting to be let in", room=room.slug)
        self._tell(flow.Waiting())
        seat = await place.wait()
        self._waiting = None
        return seat

    def _name(self) -> str:
        """What the others see: the display name, or the caller's number; trunks give that in either place."""
        caller = self.call.invite.from_
        return mask_number(caller.display or caller.uri.user or "") or "?"

    def _vacate(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.cancel()
        seat, self._seat = self._seat, None
        if seat is None:
            return
        if self._stop_listening is not None:
            self._stop_listening()
        if self._channel is not None:
            self._services.mixer.leave(self._channel)
        seat.leave()
        self.log.info("Left", room=seat.meeting.key, participants=len(seat.meeting))

    def _meeting_changed(self, event: MeetingEvent) -> None:
        """Something that concerns this caller."""
        if self._seat is None:
            return
        match event:
            case MuteChanged(participant, by_host):
                if self._channel is not None:
                    self._channel.muted = participant.muted
                self._tell(flow.Muted(participant.muted, by_host))
            case Changed(participant):
                raised = participant.hand is not None
                if raised is not self._hand:
                    self._hand = raised
                    self._tell(flow.HandMoved(raised, by_host=True))
            case Removed(_, reason):
                self.dismiss(Outcome.MEETING_ENDED if reason is Reason.ENDED else Outcome.REMOVED)
            case LeftAlone() if self._flow is not None and self._flow.state is State.MEETING:
                self._tell(flow.Alone())
