"""Who called what: the user part of the Request-URI becomes a destination. Pure.

A name can mean several things; the first line that fits decides:

1. a reception name (``sip.reception``),     the voice asks for a PIN
   or none
2. ``<slug>.<pin>`` (digits after the dot)   that room, with that PIN
3. digits only, as many as a PIN may have    a PIN
4. anything else                             a room's slug: straight in when the room is open, else the
                                             voice asks for that room's PIN
5. what 2, 3 and 4 do not find               the voice, where ``sip.reception`` has ``"*"``; else 404

Of the user part only what is before a ``;`` counts: the parameters of a telephone number written into a SIP
URI (RFC 3261 section 19.1.6), such as ``npdi`` and ``phone-context``. Separators that people write in numbers
are read over, and so is how the international prefix is written, since trunks differ: where the settings list
``+33 1 23``, so are ``+33123``, ``0033123`` and ``33123``. Digits too few or too many for a PIN are none;
a ``#`` after one is read over too.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rooms.pins import is_pin, plain_pin

ANY = "*"
_SEPARATORS = re.compile(r"[\s().-]+")
_NUMBER = re.compile(r"\+?[\d\s().-]+")
_PREFIX = re.compile(r"^(\+|00)(?=\d)")


@dataclass(frozen=True, slots=True)
class Reception:
    """The voice asks for a PIN; ``language`` None: the default one."""

    language: str | None = None


@dataclass(frozen=True, slots=True)
class ByPin:
    """A PIN was dialled."""

    pin: str


@dataclass(frozen=True, slots=True)
class BySlug:
    """A room was dialled by name, perhaps with its PIN."""

    slug: str
    pin: str | None = None


Destination = Reception | ByPin | BySlug


def plain_name(user: str) -> str:
    """A dialled name as it is compared: lower case, no parameters; a number without its separators."""
    user = user.partition(";")[0].strip().lower()
    return _SEPARATORS.sub("", user) if _NUMBER.fullmatch(user) else user


def _reception_name(user: str) -> str:
    """A plain name, numbers without their international prefix."""
    name = plain_name(user)
    return _PREFIX.sub("", name) if _NUMBER.fullmatch(name) else name


class Routes:
    """The dial plan of one process: reception names, and the languages of dialled names."""

    def __init__(self, reception: Collection[str], languages: Mapping[str, str]) -> None:
        self._languages = {_reception_name(name): language for name, language in languages.items()}
        names = {_reception_name(name) for name in reception if name != ANY}
        self._reception = names | self._languages.keys()
        self.answers_any = ANY in reception

    def is_reception(self, user: str) -> bool:
        """Whether the voice answers that name or number: no room is reached by it, and by no such PIN."""
        return _reception_name(user) in self._reception

    def destination(self, user: str) -> Destination:
        """Where a call for ``user`` (unescaped) goes, before any look-up."""
        name = plain_name(user)
        listed = _reception_name(name)
        if listed in self._reception or not name:
            return Reception(self._languages.get(listed))
        if is_pin(pin := plain_pin(name)):
            return ByPin(pin)
        slug, dot, pin = name.rpartition(".")
        pin = plain_pin(pin)
        if dot and slug and pin.isascii() and pin.isdigit():
            return BySlug(slug, pin)
        return BySlug(name)
