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
    ``muted`` is the microphone, whether by the participant or by a host; ``camera`` and ``screen`` tell
    what is shown. ``hand`` is when it was raised, in Unix seconds, or ``None``. ``key``: came by the host's
    link or PIN, and has it still when no host any more.
    """

    id: str
    kind: Kind
    name: str
    host: bool
    joined_at: float
    muted: bool = False
    camera: bool = False
    screen: bool = False
    hand: float | None = None
    key: bool = False
