"""Meetings in this process: their seats and their waiting rooms.

Telephones hear each other through the bridge's mixer. The engine keeps the meetings and their seats.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

from conferencing.engine import SpeakerFrame
from conferencing.lobby import Decision, Knock
from conferencing.meeting import Meeting, MeetingRules
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
    """The meetings of this process, by key."""

    def __init__(self, *, clock: Callable[[], float], wall: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._wall = wall
        self._meetings: dict[str, Meeting] = {}

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

    def forget_if_deserted(self, meeting: Meeting) -> None:
        """A meeting is over when the last of its participants, and of those who wait, is gone."""
        if meeting.deserted and self._meetings.get(meeting.key) is meeting:
            del self._meetings[meeting.key]

    def _meeting(self, key: str, rules: MeetingRules) -> Meeting:
        meeting = self._meetings.get(key)
        if meeting is None:
            meeting = self._meetings[key] = Meeting(key, rules, clock=self._clock, wall=self._wall)
        meeting.rules = rules
        return meeting
