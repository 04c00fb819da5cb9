"""What a field of a message from a page may hold. Nothing that a page sends is believed unread.

A message is a dataclass whose fields are annotated with one of the kinds below; :func:`reader` makes of it a
function that reads a JSON object, or raises :class:`FieldError` saying what was expected. Fields with a
default may be left out; fields nobody asked for are ignored, so that newer pages can talk to older servers.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Protocol, TypeVar, get_type_hints

T = TypeVar("T")

# Cc controls, Cs lone surrogates, Cn unassigned, Zl and Zp line and paragraph separators.
_UNSPEAKABLE = frozenset({"Cc", "Cs", "Cn", "Zl", "Zp"})
# Marks that turn the direction of what follows, and with it other people's names around.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# What joins letters and emoji, or keeps them apart; of all that cannot be seen a name may hold this alone.
_JOINERS = frozenset("\u200c\u200d")
# Letters and signs without any ink: fillers of Hangul, and Braille without dots.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Marks upon one letter; more would cover the lines around. Tibetan stacks six.
_MOST_MARKS = 6
_LINE_ENDS = frozenset("\r\n\t")
_ASCII_LINES = re.compile(r"[\t\r\n -~]*")
# A joiner and two selectors that make one emoji of several characters.
_EMOJI_PARTS = frozenset("\u200d\ufe0e\ufe0f\u20e3")


class FieldError(ValueError):
    """A field is not what it should be; the text is for whoever writes pages."""


class FieldKind(Protocol):
    """Reads one JSON value."""

    def read(self, value: object) -> Any:
        """The value as our type. Raises :class:`FieldError`."""


@dataclass(frozen=True, slots=True)
class Text:
    """``least`` to ``most`` characters without trickery, something to be seen among them; spaces around go.

    ``lines``: line ends are allowed, and what cannot be seen but is pasted along with text, such as soft
    hyphens. Without, it is a name, which nobody shall make look like another's by what is not seen.
    """

    most: int
    least: int = 1
    lines: bool = False

    def read(self, value: object) -> str:
        """See :class:`FieldKind`."""
        if not isinstance(value, str) or len(value) > self.most:
            raise FieldError(f"text of at most {self.most} characters")
        text = value.strip()
        if len(text) < self.least:
            raise FieldError(f"text of at least {self.least} characters")
        if not (text.isascii() and text.isprintable()):
            self._check(text)
        return text

    def _check(self, text: str) -> None:
        seen, marks = False, 0
        for character in text:
            category = unicodedata.category(character)
            if self._is_bad(character, category):
                raise FieldError("text without control characters")
            marks = marks + 1 if category in ("Mn", "Me") else 0
            if marks > _MOST_MARKS:
                raise FieldError(f"text with at most {_MOST_MARKS} marks upon a letter")
            seen = seen or (category[0] in "LNPS" and character not in _BLANK)
        if text and not seen:
            raise FieldError("text that can be seen")

    def _is_bad(self, character: str, category: str) -> bool:
        if self.lines and (character in _LINE_ENDS or category == "Cf"):
            return character in _TURNING
        if category == "Cf":
            return character not in _JOINERS
        return category in _UNSPEAKABLE or (character in _BLANK and not self.lines)


@dataclass(frozen=True, slots=True)
class Lines:
    """At most ``most`` characters of ASCII in lines: a session description. One look, for it may be long."""

    most: int

    def read(self, value: object) -> str:
        """See :class:`FieldKind`."""
        if not isinstance(value, str) or not 0 < len(value) <= self.most:
            raise FieldError(f"text of 1 to {self.most} characters")
        if not _ASCII_LINES.fullmatch(value):
            raise FieldError("lines of ASCII without control characters")
        return value


@dataclass(frozen=True, slots=True)
class Emoji:
    """One emoji, however many characters it is made of."""

    most: int = 16

    def read(self, value: object) -> str:
        """See :class:`FieldKind`."""
        if isinstance(value, str) and 0 < len(value) <= self.most and all(map(self._is_part, value)):
            return value
        raise FieldError("an emoji")

    @staticmethod
    def _is_part(character: str) -> bool:
        if character in _EMOJI_PARTS or 0xE0020 <= ord(character) <= 0xE007F:  # flags of regions
            return True
        return ord(character) > 0x7F and unicodedata.category(character) in {"So", "Sk"}


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int

    def read(self, value: object) -> int:
        """See :class:`FieldKind`."""
        if type(value) is int and self.least <= value <= self.most:
            return value
        raise FieldError(f"a whole number from {self.least} to {self.most}")


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, value: object) -> bool:
        """See :class:`FieldKind`."""
        if isinstance(value, bool):
            return value
        raise FieldError("true or false")


@dataclass(frozen=True, slots=True)
class Many:
    """At most ``most`` objects of one kind."""

    of: type
    most: int

    def read(self, value: object) -> tuple[Any, ...]:
        """See :class:`FieldKind`."""
        if not isinstance(value, list) or len(value) > self.most:
            raise FieldError(f"a list of at most {self.most}")
        read: Callable[[object], Any] = reader(self.of)
        return tuple(map(read, value))


_READERS: dict[type, Callable[[object], Any]] = {}


def reader(kind: type[T]) -> Callable[[object], T]:
    """The function that reads a JSON object as a ``kind``, made once."""
    if kind not in _READERS:
        _READERS[kind] = _make_reader(kind)
    return _READERS[kind]


def _make_reader(kind: Any) -> Callable[[object], Any]:
    hints = get_type_hints(kind, include_extras=True)
    kinds: dict[str, FieldKind] = {field.name: hints[field.name].__metadata__[0] for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING}

    def read(value: object) -> Any:
        if not isinstance(value, Mapping):
            raise FieldError("an object")
        arguments = {}
        for name, field in kinds.items():
            if name in value:
                try:
                    arguments[name] = field.read(value[name])
                except FieldError as error:
                    raise FieldError(f"{name}: {error} is expected") from None
            elif name in needed:
                raise FieldError(f"{name} is missing")
        return kind(**arguments)

    return read
