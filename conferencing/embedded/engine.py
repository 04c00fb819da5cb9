"""Meetings in this process, for telephones; nobody is behind this engine, so it moves no packet.

Telephones hear each other through the bridge's mixer. The engine keeps the meetings and their seats.
"""

from collections.abc import Callable, Iterator, Sequence

from conferencing.engine import SpeakerFrame
from conferencing.meeting import Meeting, MeetingRules
from conferencing.participant import Kind, Participant


class EmbeddedSeat:
    """A seat in a meeting of this process."""

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
        self._engine.release(self)


class EmbeddedEngine:
    """The meetings of this process, by key."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._meetings: dict[str, Meeting] = {}

    async def enter(
        self, key: str, rules: MeetingRules, participant_id: str, kind: Kind, name: str, *, host: bool
    ) -> EmbeddedSeat:
        """See :meth:`conferencing.engine.Engine.enter`. A room's new rules hold from the next entry on."""
        meeting = self._meetings.get(key) or Meeting(key, rules, clock=self._clock)
        meeting.rules = rules
        participant = meeting.join(participant_id, kind, name, host=host)
        self._meetings[key] = meeting
        return EmbeddedSeat(self, meeting, participant)

    def take(self, meeting: Meeting) -> Sequence[SpeakerFrame]:
        """Nobody is behind this engine."""
        return ()

    def meetings(self) -> Iterator[Meeting]:
        """The running meetings."""
        return iter(self._meetings.values())

    def release(self, seat: EmbeddedSeat) -> None:
        """Give up a seat (:meth:`EmbeddedSeat.leave`)."""
        seat.meeting.leave(seat.participant)
        if not len(seat.meeting):
            self._meetings.pop(seat.meeting.key, None)
