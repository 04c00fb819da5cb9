"""A participant: one seat in one meeting, whatever it came by."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a participant came by. The value is the ``kind`` label of ``passerelle_participants``."""

    PHONE = "phone"
    ROOM = "room"
    BROWSER = "browser"


@dataclass(slots=True, eq=False)
class Participant:
    """One who is in a meeting. Changed only by its :class:`~conferencing.meeting.Meeting`.

    ``joined_at`` is monotonic seconds; ``name`` is what the others may see (numbers already masked).
    """

    id: str
    kind: Kind
    name: str
    host: bool
    joined_at: float
    muted: bool = False
