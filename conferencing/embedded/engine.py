"""Meetings in this process: telephones' seats, browsers' sessions, and the media between them.

Telephones hear each other through the bridge's mixer; browsers through the meeting's plane.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from conferencing.embedded.media import LocalAudio, MakePlane, Plane, Statistics
from conferencing.embedded.session import Connection, Session, State, Visit
from conferencing.engine import SpeakerFrame
from conferencing.lobby import Decision, Knock
from conferencing.meeting import DEFAULT_LIMITS, Limits, Meeting, MeetingRules
from conferencing.participant import Kind, Participant
from config.outcome import Outcome, PasserelleError

LOOK_SECONDS = 0.2
"""Between looks at who speaks and who is gone."""


@dataclass(slots=True, eq=False)
class Running:
    """A meeting and its media, which begins with the first browser. ``speaking``: as the pages were told."""

    meeting: Meeting
    seats: "set[EmbeddedSeat]" = field(default_factory=set)
    plane: Plane | None = None
    speaking: tuple[str, ...] = ()


class EmbeddedSeat:
    """A telephone's seat in a meeting of this process."""

    def __init__(self, engine: "EmbeddedEngine", running: Running, participant: Participant) -> None:
        self._engine = engine
        self._running = running
        self._audio: LocalAudio | None = None
        self.meeting = running.meeting
        self.participant = participant
        running.seats.add(self)
        if running.plane is not None:
            self.connect(running.plane)

    def connect(self, plane: Plane) -> None:
        """Browsers have come: also who never speaks is to hear them."""
        self._audio = plane.speech(self.participant.id)

    @property
    def wanted(self) -> bool:
        """Whether a browser would hear what is sent."""
        return self._audio is not None and self._audio.wanted

    def send(self, payload: bytes, level: int) -> None:
        """Give the browsers 20 ms of speech, as Opus; ``level`` in dBov."""
        if self._audio is not None:
            self._audio.send(payload, level)

    def leave(self) -> None:
        """Give up the seat; the meeting ends with its last participant."""
        self._running.seats.discard(self)
        if self._audio is not None:
            self._audio.close()
            self._audio = None
        self.meeting.leave(self.participant)
        self._engine.forget_if_deserted(self._running)


class EmbeddedWaitingSeat:
    """A telephone's place in a waiting room (:class:`conferencing.engine.WaitingSeat`)."""

    def __init__(self, engine: "EmbeddedEngine", running: Running, knock_id: str) -> None:
        self._engine = engine
        self._running = running
        self._id = knock_id
        self._decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._taken = False

    async def wait(self) -> EmbeddedSeat:
        """See :meth:`conferencing.engine.WaitingSeat.wait`."""
        decision = await asyncio.shield(self._decision)
        if isinstance(decision, Outcome):
            raise PasserelleError("not admitted", outcome=decision)
        self._taken = True
        return EmbeddedSeat(self._engine, self._running, decision)

    def cancel(self) -> None:
        """See :meth:`conferencing.engine.WaitingSeat.cancel`."""
        if not self._decision.done():
            self._running.meeting.give_up(self._id)
            self._decision.set_result(Outcome.CANCELLED)
        elif not self._taken and isinstance(participant := self._decision.result(), Participant):
            self._running.meeting.leave(participant)
        self._engine.forget_if_deserted(self._running)

    def decided(self, decision: Decision) -> None:
        """A host has spoken."""
        if not self._decision.done():
            self._decision.set_result(decision)


class EmbeddedEngine:
    """The meetings of this process, by key, and the browsers' sessions, by id.

    ``make_plane`` gives a meeting its media, by its room's rules; ``has_room``: whether the process can take
    another picture.
    Times are seconds: ``clock`` monotonic, ``wall`` Unix.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        random: Random,
        make_plane: MakePlane,
        wall: Callable[[], float] = time.time,
        limits: Limits = DEFAULT_LIMITS,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self._clock = clock
        self._random = random
        self._make_plane = make_plane
        self._wall = wall
        self._limits = limits
        self._has_room = has_room
        self._running: dict[str, Running] = {}
        self._looked_at = clock()
        self._draining = False

    def meetings(self) -> Iterator[Meeting]:
        """The running meetings."""
        return iter([running.meeting for running in self._running.values()])

    # Telephones (conferencing.engine.Engine)

    async def enter(
        self, key: str, rules: MeetingRules, participant_id: str, kind: Kind, name: str, *, host: bool
    ) -> EmbeddedSeat | EmbeddedWaitingSeat:
        """See :meth:`conferencing.engine.Engine.enter`. A room's new rules hold from the next entry on."""
        running = self._run(key, rules)
        waiting = EmbeddedWaitingSeat(self, running, participant_id)
        try:
            place = running.meeting.enter(participant_id, kind, name, host=host, decided=waiting.decided)
        finally:
            self.forget_if_deserted(running)
        return waiting if isinstance(place, Knock) else EmbeddedSeat(self, running, place)

    def take(self, meeting: Meeting) -> Sequence[SpeakerFrame]:
        """What the loudest browsers said since the last call."""
        running = self._running.get(meeting.key)
        if running is None or running.plane is None or not (said := running.plane.take()):
            return ()
        return [
            SpeakerFrame(speaker, frame.payload, frame.level, frame.sequence)
            for frame in said
            if (speaker := meeting.get(frame.participant_id)) is not None
        ]

    # Browsers

    def check_door(self, key: str, rules: MeetingRules, *, host: bool, source: str | None = None) -> None:
        """Whether one could come in now. Raises ``PasserelleError`` (ROOM_FULL, ROOM_LOCKED, DRAINING)."""
        if self._draining:
            raise PasserelleError("the service is about to stop", outcome=Outcome.DRAINING)
        running = self._running.get(key)
        meeting = running.meeting if running is not None else self._new_meeting(key, rules)
        meeting.check_door(host=host, source=source)

    def open_session(self, visit: Visit, name: str, connection: Connection) -> Session:
        """A browser comes. Raises ``PasserelleError`` (ROOM_FULL, ROOM_LOCKED)."""
        running = self._run(visit.key, visit.rules)
        plane = running.plane
        if plane is None:
            plane = running.plane = self._make_plane(visit.rules)
            for seat in running.seats:
                seat.connect(plane)
        session = Session(
            self._token(8), self._token(16), visit, running.meeting, plane, self._clock(), name=name
        )
        try:
            session.enter()
        finally:
            self.forget_if_deserted(running)
        self.sessions[session.id] = session
        session.attach(connection, self._clock())
        if self._draining:  # the ticket is older
            session.tell_restart()
        return session

    def resume_session(
        self, session_id: str, secret: str, last: int, connection: Connection
    ) -> Session | None:
        """A browser comes back; ``None`` if it is not known, or not the one it says it is.

        Raises ``PasserelleError`` (OVERLOADED) when it does so all the time.
        """
        session = self._session(session_id, secret)
        if session is not None:
            session.attach(connection, self._clock(), last)
        return session

    def leave_session(self, session_id: str, secret: str) -> None:
        """A browser goes; one that is not known, or not the one it says it is, changes nothing."""
        session = self._session(session_id, secret)
        if session is not None:
            session.go()

    def _session(self, session_id: str, secret: str) -> Session | None:
        session = self.sessions.get(session_id)
        if session is None or not session.has_secret(secret) or session.state is State.GONE:
            return None
        return session

    def begin_drain(self) -> None:
        """Let no more browsers in; those that are there are told, go on, and may come back."""
        self._draining = True
        for session in self.sessions.values():
            session.tell_restart()

    def close(self, reason: str = "restarting") -> None:
        """End every browser's stay, and every wait: the service stops. Nobody comes in from now on."""
        self._draining = True
        for session in tuple(self.sessions.values()):
            session.close(reason)
        for meeting in self.meetings():
            for knock in meeting.lobby:
                meeting.turn_away(knock.id, Outcome.DRAINING)
        self._look_after(self._clock())

    def statistics(self) -> Iterator[tuple[str, str, Statistics]]:
        """Of each browser whose media flows: the key of its meeting, its id, how its media travels."""
        for session in self.sessions.values():
            if (statistics := session.statistics()) is not None:
                yield session.meeting.key, session.id, statistics

    # Time

    def tick(self) -> None:
        """Let time pass; every 20 ms."""
        now = self._clock()
        for running in self._running.values():
            if running.plane is not None:
                running.plane.tick(now)
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._tell_speaking()
            self._look_after(now)

    def _tell_speaking(self) -> None:
        changed = set()
        for running in self._running.values():
            speaking = tuple(running.plane.speaking) if running.plane is not None else ()
            if speaking != running.speaking:
                running.speaking = speaking
                changed.add(running.meeting)
        for session in self.sessions.values() if changed else ():
            if session.meeting in changed:
                session.tell_speaking(self._running[session.meeting.key].speaking)

    def _look_after(self, now: float) -> None:
        for session in tuple(self.sessions.values()):
            session.tick(now)
            if session.state is State.GONE:
                del self.sessions[session.id]
                running = self._running.get(session.meeting.key)
                if running is not None:
                    self.forget_if_deserted(running)

    # Meetings

    def forget_if_deserted(self, running: Running) -> None:
        """A meeting is over when the last of its participants, and of those who wait, is gone."""
        key = running.meeting.key
        if running.meeting.deserted and self._running.get(key) is running:
            del self._running[key]
            if running.plane is not None:
                running.plane.close()

    def _run(self, key: str, rules: MeetingRules) -> Running:
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = Running(self._new_meeting(key, rules))
        running.meeting.rules = rules
        return running

    def _new_meeting(self, key: str, rules: MeetingRules) -> Meeting:
        return Meeting(
            key,
            rules,
            clock=self._clock,
            wall=self._wall,
            limits=self._limits,
            has_room=self._has_room,
        )

    def _token(self, octets: int) -> str:
        return self._random.randbytes(octets).hex()
