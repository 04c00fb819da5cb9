"""Meetings in this process: telephones' seats, browsers' sessions, and the media between them.

Telephones hear each other through the bridge's mixer; browsers through the meeting's plane.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from random import Random

from conferencing.embedded.media import MakePlane, Plane
from conferencing.embedded.session import Connection, Session, State, Visit
from conferencing.engine import SpeakerFrame
from conferencing.lobby import Decision, Knock
from conferencing.meeting import Limits, Meeting, MeetingRules, Reason
from conferencing.participant import Kind, Participant
from config.outcome import Outcome, PasserelleError


class EmbeddedSeat:
    """A telephone's seat in a meeting of this process."""

    def __init__(self, engine: "EmbeddedEngine", meeting: Meeting, participant: Participant) -> None:
        self._engine = engine
        self.meeting = meeting
        self.participant = participant

    @property
    def wanted(self) -> bool:
        """Nobody is behind this engine."""
        return False

    def send(self, payload: bytes, level: int) -> None:
        """Nobody is behind this engine: the frame goes nowhere."""

    def leave(self) -> None:
        """Give up the seat; the meeting ends with its last participant."""
        self.meeting.leave(self.participant)
        self._engine.forget_if_deserted(self.meeting)


class EmbeddedWaitingSeat:
    """A telephone's place in a waiting room (:class:`conferencing.engine.WaitingSeat`)."""

    def __init__(self, engine: "EmbeddedEngine", meeting: Meeting, knock_id: str) -> None:
        self._engine = engine
        self._meeting = meeting
        self._id = knock_id
        self._decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._taken = False

    async def wait(self) -> EmbeddedSeat:
        """See :meth:`conferencing.engine.WaitingSeat.wait`."""
        decision = await asyncio.shield(self._decision)
        if isinstance(decision, Outcome):
            raise PasserelleError("not admitted", outcome=decision)
        self._taken = True
        return EmbeddedSeat(self._engine, self._meeting, decision)

    def cancel(self) -> None:
        """See :meth:`conferencing.engine.WaitingSeat.cancel`."""
        if not self._decision.done():
            self._meeting.give_up(self._id)
            self._decision.set_result(Outcome.CANCELLED)
        elif not self._taken and isinstance(participant := self._decision.result(), Participant):
            self._meeting.leave(participant)
        self._engine.forget_if_deserted(self._meeting)

    def decided(self, decision: Decision) -> None:
        """A host has spoken."""
        if not self._decision.done():
            self._decision.set_result(decision)


class EmbeddedEngine:
    """The meetings of this process, by key, and the browsers' sessions.

    ``make_plane`` gives a meeting its media. Times are seconds: ``clock`` monotonic, ``wall`` Unix.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        random: Random,
        make_plane: MakePlane,
        wall: Callable[[], float] = time.time,
        limits: Limits | None = None,
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self._clock = clock
        self._random = random
        self._make_plane = make_plane
        self._wall = wall
        self._limits = limits or Limits()
        self._meetings: dict[str, Meeting] = {}
        self._planes: dict[str, Plane] = {}

    # Telephones (conferencing.engine.Engine)

    async def enter(
        self, key: str, rules: MeetingRules, participant_id: str, kind: Kind, name: str, *, host: bool
    ) -> EmbeddedSeat | EmbeddedWaitingSeat:
        """See :meth:`conferencing.engine.Engine.enter`. A room's new rules hold from the next entry on."""
        meeting = self._meeting(key, rules)
        waiting = EmbeddedWaitingSeat(self, meeting, participant_id)
        try:
            place = meeting.enter(participant_id, kind, name, host=host, decided=waiting.decided)
        finally:
            self.forget_if_deserted(meeting)
        return waiting if isinstance(place, Knock) else EmbeddedSeat(self, meeting, place)

    def take(self, meeting: Meeting) -> Sequence[SpeakerFrame]:
        """Nobody is behind this engine."""
        return ()

    def meetings(self) -> Iterator[Meeting]:
        """The running meetings."""
        return iter(tuple(self._meetings.values()))

    # Browsers

    def check_door(self, key: str, rules: MeetingRules, *, host: bool) -> None:
        """Whether one could come in now. Raises ``PasserelleError`` (ROOM_FULL, ROOM_LOCKED)."""
        meeting = self._meetings.get(key)
        if meeting is None:
            meeting = Meeting(key, rules, clock=self._clock, wall=self._wall)
        meeting.check_door(host=host)

    def open_session(self, visit: Visit, name: str, connection: Connection) -> Session:
        """A browser comes. Raises ``PasserelleError`` (ROOM_FULL, ROOM_LOCKED)."""
        meeting = self._meeting(visit.key, visit.rules)
        plane = self._planes.get(visit.key) or self._make_plane()
        session = Session(self._token(8), self._token(16), visit, meeting, plane, self._clock())
        try:
            session.enter(name)
        finally:
            self.forget_if_deserted(meeting)
        self._planes[visit.key] = plane
        self.sessions[session.id] = session
        session.attach(connection, self._clock())
        return session

    def resume_session(
        self, session_id: str, secret: str, last: int, connection: Connection
    ) -> Session | None:
        """A browser comes back; ``None`` if it is not known, or not the one it says it is."""
        session = self.sessions.get(session_id)
        if session is None or not session.has_secret(secret) or session.state is State.GONE:
            return None
        session.attach(connection, self._clock(), last)
        return session

    def look_after(self) -> None:
        """Let go of sessions that are over, or silent. Call it every second or so."""
        now = self._clock()
        for session in tuple(self.sessions.values()):
            if session.silent(now):
                session.go(Reason.LOST)
            if session.state is State.GONE:
                del self.sessions[session.id]
                self.forget_if_deserted(session.meeting)

    def close(self, reason: str = "restarting") -> None:
        """End every browser's stay: the service stops."""
        for session in tuple(self.sessions.values()):
            session.close(reason)
        self.look_after()

    def forget_if_deserted(self, meeting: Meeting) -> None:
        """A meeting is over when the last of its participants, and of those who wait, is gone."""
        if meeting.deserted and self._meetings.get(meeting.key) is meeting:
            del self._meetings[meeting.key]
            self._planes.pop(meeting.key, None)

    def _meeting(self, key: str, rules: MeetingRules) -> Meeting:
        meeting = self._meetings.get(key)
        if meeting is None:
            meeting = Meeting(key, rules, clock=self._clock, wall=self._wall, limits=self._limits)
            self._meetings[key] = meeting
        meeting.rules = rules
        return meeting

    def _token(self, octets: int) -> str:
        return self._random.randbytes(octets).hex()
