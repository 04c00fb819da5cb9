"""What happens to a caller: what :class:`bridge.flow.machine.Flow` is told."""

from dataclasses import dataclass

from config.outcome import Outcome
from rooms.values import Answer


@dataclass(frozen=True, slots=True)
class Ready:
    """The caller can hear us: the ACK came, and RTP or half a second."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key was pressed: ``0-9``, ``*``, ``#``, ``A-D``."""

    key: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """The last ``Say`` was said to its end."""


@dataclass(frozen=True, slots=True)
class Expired:
    """``Flow.deadline`` has passed."""


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The directory's answer to ``LookUp``."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Waiting:
    """The engine gave a place in the waiting room."""


@dataclass(frozen=True, slots=True)
class Entered:
    """The engine gave a seat; ``others``: how many were there before."""

    others: int
    muted: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """The engine gave no seat, or a host said no."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Muted:
    """The caller's microphone was switched."""

    muted: bool
    by_host: bool


@dataclass(frozen=True, slots=True)
class HandMoved:
    """The caller's hand was raised or lowered."""

    raised: bool
    by_host: bool


@dataclass(frozen=True, slots=True)
class Alone:
    """The last of the others has left."""


@dataclass(frozen=True, slots=True)
class Dismissed:
    """We end the call: the service stops, a host removed the caller, something broke."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call is over."""


Event = (
    Ready
    | Key
    | Spoken
    | Expired
    | LookedUp
    | Waiting
    | Entered
    | Refusal
    | Muted
    | HandMoved
    | Alone
    | Dismissed
    | HungUp
)
