"""What happens in a meeting: the events that ``conferencing.meeting`` tells its listeners."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from conferencing.chat import ChatMessage
from conferencing.participant import Participant


class Reason(Enum):
    """Why a participant is gone."""

    LEFT = "left"
    LOST = "lost"  # nothing was heard from them any more
    REMOVED = "removed"  # by a host
    ENDED = "ended"  # the meeting was ended for all


@dataclass(frozen=True, slots=True)
class Joined:
    """Someone came in."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class Left:
    """Someone is gone."""

    participant: Participant
    reason: Reason = Reason.LEFT


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """All others are gone (``Left`` was told before), and this participant is there."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class Removed:
    """A host took this participant's seat (``Left`` was told before): tell them, then let go of it."""

    participant: Participant
    reason: Reason


@dataclass(frozen=True, slots=True)
class MuteChanged:
    """Someone was muted or unmuted; ``by_host``: not by themselves."""

    participant: Participant
    by_host: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """Someone's name, role, hand, camera or screen share is another."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class ShareStopped:
    """A host stopped this participant's screen share (``Changed`` was told before)."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class UnmuteAsked:
    """A host asks this participant to turn their microphone on, which nobody does for them."""

    participant: Participant
    host: Participant


@dataclass(frozen=True, slots=True)
class Said:
    """Someone wrote."""

    message: ChatMessage


@dataclass(frozen=True, slots=True)
class Reacted:
    """Someone sent an emoji."""

    participant: Participant
    emoji: str


@dataclass(frozen=True, slots=True)
class LobbyChanged:
    """Someone waits, or waits no more."""


@dataclass(frozen=True, slots=True)
class LockChanged:
    """The meeting was locked or unlocked."""


Event = (
    Joined
    | Left
    | LeftAlone
    | Removed
    | MuteChanged
    | Changed
    | ShareStopped
    | UnmuteAsked
    | Said
    | Reacted
    | LobbyChanged
    | LockChanged
)
Listener = Callable[[Event], None]
