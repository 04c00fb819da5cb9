"""The whole bridge on 127.0.0.0/8 with a clock that moves when told: for the tests of call and desk.

:func:`live` runs a story and then looks whether everything was given back.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any, cast

import numpy as np
import uvloop

from bridge.announcer import Announcer, Recording, Utterance
from bridge.call import BridgedCall
from bridge.desk import Desk
from bridge.leg import MediaTotals
from bridge.pin_guard import PinGuard
from bridge.services import Services
from bridge.ticker import Pulse
from conferencing.embedded.engine import EmbeddedEngine, EmbeddedSeat, EmbeddedWaitingSeat
from conferencing.embedded.media import Plane
from conferencing.meeting import MeetingRules
from conferencing.participant import Kind
from config.outcome import Outcome
from config.settings import IvrSettings, LimitsSettings, MediaSettings, SipSettings
from config.texts import Phrase
from media.codecs import PCMU
from media.ports import PortAllocator
from media.rtp import RtpPacket, read_header
from media.sdp import SessionDescription
from rooms.values import Access, Answer, Found, NotFound, Refused, Role, Room
from sip.call import Call, CallState, Direction, IllegalCall, NotAcceptable, Source
from sip.message import Request, parse
from tests.bridge.lines import a_mixer, tone

# Our media: an address that no other test process of this machine uses.
HOST = f"127.13.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
PAIRS = 8

TEAM = Room(1, "team", "Team")
OPEN = Room(2, "lobby", "Lobby", language="en", access=Access.OPEN)
QUIET = Room(3, "quiet", "Quiet", muted_on_entry=True)
SMALL = Room(4, "small", "Small", max_participants=1)
LOCKED = Room(5, "vault", "Vault", locked=True)
FOREIGN = Room(6, "weit", "Weit", language="de", access=Access.OPEN)
PINS = {
    "1111": Found(TEAM),
    "3333": Found(QUIET),
    "4444": Found(SMALL),
    "5555": Found(LOCKED),
    "5050": Found(LOCKED, Role.HOST),
}


class Timer:
    """What ``call_later`` returns."""

    def __init__(self, when: float, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.when = when
        self.callback = callback
        self.args = args
        self.done = False

    def cancel(self) -> None:
        self.done = True


class Time:
    """The loop as the bridge uses it: tasks are real, time is not."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._order = count()
        self._timers: list[tuple[float, int, Timer]] = []
        self.tasks: set[asyncio.Task[Any]] = set()

    def clock(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Timer:
        timer = Timer(self.now + delay, callback, args)
        heapq.heappush(self._timers, (timer.when, next(self._order), timer))
        return timer

    def call_soon(self, callback: Callable[..., object], *args: Any) -> Timer:
        return self.call_later(0.0, callback, *args)

    def create_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    @property
    def pending(self) -> list[Timer]:
        return [timer for _, _, timer in self._timers if not timer.done]

    async def run(self, seconds: float) -> None:
        """Let time pass; what falls due happens in order."""
        until = self.now + seconds
        while self._timers and self._timers[0][0] <= until + 1e-9:
            when, _, timer = heapq.heappop(self._timers)
            self.now = max(self.now, when)
            if not timer.done:
                timer.done = True
                timer.callback(*timer.args)
                await asyncio.sleep(0)
        self.now = until
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class FakeCall(Call):
    """A call without signalling; its far side is played by ``ack``, ``cancel`` and ``bye``."""

    direction = Direction.INBOUND

    def __init__(
        self, call_id: str, invite: Request, offer: SessionDescription | None, source: Source, now: float
    ) -> None:
        self.id = call_id
        self.invite = invite
        self.offer = offer
        self.state = CallState.RECEIVED
        self.received_at = now
        self.outcome = None
        self.answers: list[SessionDescription] = []
        self.rang = 0
        self.endings: list[Outcome] = []
        self._source = source

    @property
    def source(self) -> Source:
        return self._source

    @property
    def local_host(self) -> str:
        return "127.0.0.1"

    @property
    def over(self) -> bool:
        return self.state is CallState.ENDED

    def ring(self) -> None:
        if not self.over:
            self.rang += 1
            self.state = CallState.RINGING

    def answer(self, sdp: SessionDescription) -> None:
        if self.over:
            return
        if self.state not in (CallState.RECEIVED, CallState.RINGING):
            raise IllegalCall(self.state.name)
        self.state = CallState.ANSWERED
        self.answers.append(SessionDescription.parse(sdp.to_bytes()))

    def refuse(
        self, outcome: Outcome, *, retry_after: int | None = None, because: NotAcceptable | None = None
    ) -> None:
        self.hang_up(outcome)

    def hang_up(self, outcome: Outcome = Outcome.COMPLETED) -> None:
        if not self.over:
            self.state = CallState.ENDED
            self.endings.append(outcome)
            self.handler.ended(outcome)

    def reoffer(self, sdp: SessionDescription) -> None:
        raise NotImplementedError  # the bridge never asks for it yet

    def receive_ack(self, ack: Request) -> None:
        raise NotImplementedError

    def _receive_offer(self, request: Request, transaction: object) -> None:
        raise NotImplementedError

    def _ring_alarm(self, alarm: object, now: float) -> None:
        raise NotImplementedError

    def ack(self, answer: SessionDescription | None = None) -> None:
        assert self.state is CallState.ANSWERED
        self.state = CallState.CONFIRMED
        self.handler.confirmed(answer)

    def cancel(self) -> None:
        self.hang_up(Outcome.CANCELLED)

    def bye(self) -> None:
        self.hang_up(Outcome.COMPLETED)


class Phones:
    """Rooms and PINs; ``gate`` makes it wait, ``error`` raise, ``answer`` say that to everything."""

    def __init__(self) -> None:
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None
        self.answer: Answer | None = None
        self.asked: list[tuple[str | None, str | None]] = []

    async def by_pin(self, pin: str) -> Answer:
        return await self._ask(None, pin, PINS.get(pin, NotFound()))

    async def by_slug(self, slug: str) -> Answer:
        rooms = {room.slug: room for room in (TEAM, OPEN, QUIET, SMALL, LOCKED, FOREIGN)}
        return await self._ask(slug, None, Found(rooms[slug]) if slug in rooms else NotFound())

    async def by_slug_and_pin(self, slug: str, pin: str) -> Answer:
        found = PINS.get(pin)
        right = found is not None and found.room.slug == slug
        return await self._ask(slug, pin, found if found and right else Refused(Outcome.WRONG_PIN))

    async def _ask(self, slug: str | None, pin: str | None, answer: Answer) -> Answer:
        self.asked.append((slug, pin))
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.answer or answer


def no_browsers(rules: MeetingRules) -> Plane:
    raise AssertionError("nobody comes by browser")


class Meetings(EmbeddedEngine):
    """The real engine; ``gate`` makes it wait, ``error`` raise; ``lobby`` gives every room a waiting room."""

    gate: asyncio.Event | None = None
    error: Exception | None = None
    lobby = False

    async def enter(
        self, key: str, rules: MeetingRules, participant_id: str, kind: Kind, name: str, *, host: bool
    ) -> EmbeddedSeat | EmbeddedWaitingSeat:
        rules = replace(rules, waiting_room=self.lobby)
        place = await super().enter(key, rules, participant_id, kind, name, host=host)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            if isinstance(place, EmbeddedSeat):
                place.leave()
            raise self.error
        return place


class Voice(Announcer):
    """Notes what is said; each phrase lasts 200 ms."""

    def __init__(self) -> None:
        words = Recording.of(tone(1000.0, 0.2, 8000), tone(1000.0, 0.2, 16000))
        super().__init__({language: dict.fromkeys(Phrase, words) for language in ("fr", "en")}, {}, words)
        self.said: list[tuple[str, Phrase]] = []
        self.error: Exception | None = None

    def say(
        self, language: str, phrases: Sequence[Phrase], name_of: str | None = None, *, last: bool = False
    ) -> Utterance:
        if self.error is not None:
            raise self.error
        self.said += [(language, phrase) for phrase in phrases]
        return super().say(language, phrases, name_of, last=last)

    def heard(self) -> list[Phrase]:
        """What was said since the last time."""
        said, self.said = self.said, []
        return [phrase for _, phrase in said]


class House:
    """The bridge, its directory and its engine."""

    def __init__(
        self,
        *,
        reception: tuple[str, ...] = ("meet",),
        ringing_seconds: float = 0.0,
        ivr: dict[str, Any] | None = None,
        media: dict[str, Any] | None = None,
        limits: dict[str, Any] | None = None,
    ) -> None:
        self.time = Time()
        self.directory = Phones()
        self.engine = Meetings(clock=self.time.clock, random=Random(2), make_plane=no_browsers)
        self.voice = Voice()
        self.mixer = a_mixer(self.engine.take)
        self.ports = PortAllocator(20_000, 20_000 + 2 * PAIRS - 1)
        self.totals = MediaTotals()
        self.guard = PinGuard(LimitsSettings(**(limits or {})))
        self.callers: list[Caller] = []
        self._ids = count(1)
        services = Services(
            loop=cast(asyncio.AbstractEventLoop, self.time),
            clock=self.time.clock,
            random=Random(1),
            media=MediaSettings(**({"address": (HOST,)} | (media or {}))),
            ivr=IvrSettings(**(ivr or {})),
            ports=self.ports,
            mixer=self.mixer,
            announcer=self.voice,
            directory=self.directory,
            engine=self.engine,
            guard=self.guard,
            totals=self.totals,
            pulse=Pulse(),
        )
        self.desk = Desk(services, SipSettings(reception=reception, ringing_seconds=ringing_seconds))

    async def run(self, seconds: float) -> None:
        await self.time.run(seconds)

    async def calls(
        self,
        user: str,
        *,
        sdp: str | None = "",
        display: str = "",
        caller: str = "anna",
        source: str = "127.0.0.1",
        transport: str = "udp",
    ) -> Caller:
        """An INVITE comes in; ``sdp`` "": the phone's own, None: without an offer."""
        where = Source(source, 5060, transport)
        phone = Caller(self, user, sdp, display=display, caller=caller, source=where, number=next(self._ids))
        self.callers.append(phone)
        self.desk.on_call(phone.call)
        await settle()
        return phone

    async def enters(self, user: str = "1111", **options: Any) -> Caller:
        """A caller who dials a PIN, or types it, and is in the meeting."""
        phone = await self.calls(user, **options)
        await phone.confirms()
        assert phone.bridged.room is not None, phone.call.endings
        return phone

    def participants(self) -> dict[str, list[str]]:
        return {meeting.key: [one.name for one in meeting] for meeting in self.engine.meetings()}


class Caller:
    """A telephone with sockets of its own."""

    def __init__(
        self,
        house: House,
        user: str,
        sdp: str | None,
        *,
        display: str,
        caller: str,
        source: Source,
        number: int,
    ) -> None:
        self.house = house
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = int(self.socket.getsockname()[1])
        self._sequence = 1
        self._at = 0
        text = (
            f"INVITE sip:{user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{number}\r\n"
            f'From: "{display}" <sip:{caller}@127.0.0.1>;tag=1\r\nTo: <sip:{user}@127.0.0.1>\r\n'
            f"Call-ID: {number}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        )
        invite = parse(text.encode())
        assert isinstance(invite, Request)
        offer = None if sdp is None else self.sdp() if sdp == "" else SessionDescription.parse(sdp)
        self.call = FakeCall(f"{number:08x}", invite, offer, source, house.time.now)

    def sdp(self, *lines: str, formats: str = "0 101", address: str = "127.0.0.1") -> SessionDescription:
        text = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            f"m=audio {self.port} RTP/AVP {formats}\r\na=rtpmap:101 telephone-event/8000\r\n"
        )
        return SessionDescription.parse(text + "".join(f"{line}\r\n" for line in lines))

    @property
    def bridged(self) -> BridgedCall:
        return cast(BridgedCall, self.call.handler)

    @property
    def theirs(self) -> tuple[str, int]:
        """Where the gateway wants its media."""
        answer = self.call.answers[-1]
        return str(answer.connection), next(media.port for media in answer.medias if media.port)

    async def confirms(self) -> None:
        """The ACK comes, and the voice begins after its half second."""
        assert self.call.answers, self.call.endings
        self.call.ack()
        await self.house.run(0.55)

    async def types(self, keys: str) -> None:
        for key in keys:
            assert self.call.handler.info("application/dtmf-relay", f"Signal={key}\r\nDuration=160".encode())
            await settle()

    def sends(self, payload: bytes, payload_type: int = 0, ssrc: int = 0x5EED) -> None:
        packet = RtpPacket(payload_type, self._sequence, self._at, ssrc, payload)
        self._sequence += 1
        self._at += 160
        self.socket.sendto(packet.to_bytes(), self.theirs)

    async def says(self, frequency: float, seconds: float) -> None:
        """Speak a tone while time passes."""
        pcm = tone(frequency, seconds, 8000)
        for at in range(0, len(pcm) - 159, 160):
            self.sends(PCMU.encoder().encode(pcm[at : at + 160]))
            await self.house.run(0.020)

    def received(self) -> Iterator[RtpPacket]:
        """RTP that has come since the last time."""
        while True:
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            if read_header(data) is not None:
                yield RtpPacket.parse(data)

    def heard(self) -> np.ndarray[Any, np.dtype[np.int16]]:
        payloads = b"".join(packet.payload for packet in self.received())
        return PCMU.decoder().decode(payloads)


Story = Callable[[House], Awaitable[None]]


def live(story: Story, **options: Any) -> None:
    """Run a story, end what it left running, and see that nothing is kept."""

    async def whole() -> None:
        problems: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
        house = House(**options)
        house.desk.ticker.start()
        try:
            await story(house)
            for caller in house.callers:
                caller.call.bye()
            for gate in (house.directory.gate, house.engine.gate):
                if gate is not None:
                    gate.set()
            await settle()
            house.desk.ticker.stop()
        finally:
            for caller in house.callers:
                caller.socket.close()
        assert problems == []
        assert house.desk.calls == {}
        assert not any(house.desk._rounds)
        assert all(len(caller.call.endings) == 1 for caller in house.callers)
        assert house.ports.in_use == 0
        assert len(house.mixer) == 0
        assert house.mixer._rooms == {}
        assert house.mixer._addressed == {}
        assert house.mixer._outside == {}
        assert list(house.engine.meetings()) == []
        assert house.time.tasks == set()
        assert house.time.pending == []

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole())
