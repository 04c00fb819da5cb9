"""The door behind which media moves: what the bridge sees of an engine (architecture, D6).

The seam carries encoded frames, not PCM. Per meeting and tick the bridge takes what the loudest
participants *behind the engine* (browsers) said, and gives each telephone's speech to its seat. Only
the bridge decodes, mixes and encodes, so that "once per meeting" stays possible; an engine is a mover
of packets. ``Seat.wanted`` tells whether anybody behind the engine listens: while nobody does, the
bridge does not encode.

Who enters gets a seat at once, or a place in the waiting room that becomes one::

    match await engine.enter(...):
        case WaitingSeat() as waiting:
            seat = await waiting.wait()     # music meanwhile; waiting.cancel() when the caller hangs up
        case seat:
            ...
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from conferencing.meeting import Meeting, MeetingRules
from conferencing.participant import Kind, Participant


@dataclass(frozen=True, slots=True)
class SpeakerFrame:
    """20 ms of Opus that one participant behind the engine said; ``level`` in dBov (0 to -127).

    ``sequence`` is the RTP sequence number: a gap tells what was lost.
    """

    participant: Participant
    payload: bytes
    level: int
    sequence: int


class Seat(Protocol):
    """One bridged participant's place in a meeting."""

    @property
    def participant(self) -> Participant:
        """Who sits here."""

    @property
    def meeting(self) -> Meeting:
        """The meeting it is in."""

    @property
    def wanted(self) -> bool:
        """Whether anybody behind the engine would hear what is sent."""

    def send(self, payload: bytes, level: int) -> None:
        """Give the engine 20 ms of this participant's speech, as Opus; ``level`` in dBov."""

    def leave(self) -> None:
        """Give up the seat, also one that a host took away; the last one out ends the meeting."""


@runtime_checkable
class WaitingSeat(Protocol):
    """One bridged participant's place in a waiting room."""

    async def wait(self) -> Seat:
        """Wait for a host's word, which gives a seat.

        Raises ``PasserelleError``: REMOVED when a host says no, MEETING_ENDED when it is ended for all,
        DRAINING when the service stops, CANCELLED after :meth:`cancel`.
        """

    def cancel(self) -> None:
        """Wait no longer: give up the place, or the seat that was given but not yet taken by ``wait``."""


class Engine(Protocol):
    """Runs meetings. One per process."""

    async def enter(
        self, key: str, rules: MeetingRules, participant_id: str, kind: Kind, name: str, *, host: bool
    ) -> Seat | WaitingSeat:
        """Take a seat in the meeting called ``key``, which begins with its first participant.

        A guest of a room with a waiting room (``rules.waiting_room``) is given a place there.
        Raises ``PasserelleError`` (ROOM_FULL, ROOM_LOCKED, UNAVAILABLE).
        """

    def take(self, meeting: Meeting) -> Sequence[SpeakerFrame]:
        """What those behind the engine said in this tick, the three loudest at most."""

    def meetings(self) -> Iterator[Meeting]:
        """The running meetings."""
