"""What is to be done for a caller: what :class:`bridge.flow.machine.Flow` asks for."""

from dataclasses import dataclass

from config.outcome import Outcome
from config.texts import Phrase
from rooms.values import Found


@dataclass(frozen=True, slots=True)
class Say:
    """Speak these phrases one after the other, instead of what is being said; ``Spoken`` follows.

    ``name_of``: after the first phrase, the recorded name of this room (a slug), where there is one.
    ``last``: the call ends after it, and not before the telephone has played it out.
    """

    phrases: tuple[Phrase, ...]
    name_of: str | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop speaking."""


@dataclass(frozen=True, slots=True)
class PlayMusic:
    """Play music until something is said, or the mix of the meeting is heard."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the directory which room this PIN opens; ``slug``: only this room will do."""

    pin: str
    slug: str | None


@dataclass(frozen=True, slots=True)
class Enter:
    """Ask the engine for a seat."""

    found: Found


@dataclass(frozen=True, slots=True)
class Vacate:
    """Give up the seat in the meeting, or the place in its waiting room: the goodbye is said outside."""


@dataclass(frozen=True, slots=True)
class ToggleMute:
    """Switch the caller's microphone."""


@dataclass(frozen=True, slots=True)
class ToggleHand:
    """Raise the caller's hand, or lower it."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""

    outcome: Outcome


Command = Say | Hush | PlayMusic | LookUp | Enter | Vacate | ToggleMute | ToggleHand | HangUp
