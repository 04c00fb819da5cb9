"""Who called what: the user part of the Request-URI becomes a destination. Pure.

A name can mean several things; the first line that fits decides:

1. a reception name (``sip.reception``)      the voice asks for a PIN
2. ``<slug>.<pin>`` (digits after the dot)   that room, with that PIN
3. digits only                               a PIN
4. anything else                             a room's slug: straight in when the room is open, else the
                                             voice asks for that room's PIN
5. what 2, 3 and 4 do not find               the voice, where ``sip.reception`` has ``"*"``; else 404

``+`` and separators that people write in numbers are read over, so that ``+33 1 23`` is a reception
number when the settings list ``+33123``.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

ANY = "*"
_SEPARATORS = re.compile(r"[\s().-]+")
_NUMBER = re.compile(r"\+?[\d\s().-]+")


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
    """A dialled name as it is compared: lower case; a number without its separators."""
    user = user.strip().lower()
    return _SEPARATORS.sub("", user) if _NUMBER.fullmatch(user) else user


class Routes:
    """The dial plan of one process: reception names, and the languages of dialled names."""

    def __init__(self, reception: Collection[str], languages: Mapping[str, str]) -> None:
        self._languages = {plain_name(name): language for name, language in languages.items()}
        names = {plain_name(name) for name in reception if name != ANY}
        self._reception = names | self._languages.keys()
        self.answers_any = ANY in reception

    def destination(self, user: str) -> Destination:
        """Where a call for ``user`` (unescaped) goes, before any look-up."""
        name = plain_name(user)
        if name in self._reception or not name:
            return Reception(self._languages.get(name))
        slug, dot, pin = user.strip().lower().rpartition(".")
        if dot and slug and pin.isascii() and pin.isdigit() and not slug.replace(".", "").isdigit():
            return BySlug(slug, pin)
        if name.isascii() and name.isdigit():
            return ByPin(name)
        return BySlug(name)
