"""What a room is, how it is named, and what a directory answers.

A room has a *slug*, the name that SIP and web addresses use (``sip:<slug>@host``, ``/r/<slug>``). Slugs are
small ASCII letters and digits, with single hyphens between them. No dot, since ``<slug>.<pin>`` is split at
the dot; not digits only, with hyphens or without, since those are a PIN.

A directory is asked by the call flow who may enter where; its answer is one of the four values at the end.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from config.outcome import Outcome, PasserelleError

NAME_LIMIT = 200
SLUG_LIMIT = 64

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_LIGATURES = str.maketrans(
    {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"}
)  # NFKD keeps these


class RoomError(PasserelleError):
    """What was asked of a room cannot be done: a bad or a taken name, slug or PIN."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, outcome=Outcome.BAD_REQUEST, hint=hint)


class Role(Enum):
    """What a PIN makes of the one who types it."""

    GUEST = "guest"
    HOST = "host"


class Access(Enum):
    """Who is let in by the room's name alone, with a telephone or a browser. Hosts always enter."""

    OPEN = "open"  # everybody
    WAITING = "waiting"  # whoever a host admits
    SIGNED_IN = "signed-in"  # who has a link of this room or its PIN


@dataclass(frozen=True, slots=True)
class Room:
    """A room as stored, without its PINs."""

    id: int
    slug: str
    name: str
    language: str | None = None
    """Two- or three-letter code; ``None`` is the gateway's default."""
    access: Access = Access.SIGNED_IN
    max_participants: int | None = None
    """``None``: as many as the gateway takes."""
    muted_on_entry: bool = False
    """All but hosts enter muted."""
    locked: bool = False
    """Its meetings start locked: only hosts get in."""
    expires_at: int | None = None
    """Unix seconds: made for one meeting, and removed then. ``None``: stays."""
    max_cameras: int | None = None
    """Shown at once. ``None``: as the settings say."""
    max_video_kbps: int | None = None
    """The most video in kbit/s that a browser sends, and that it is sent. ``None``: as the settings say."""

    @property
    def pin_needed(self) -> bool:
        """Whether its name alone opens nothing."""
        return self.access is Access.SIGNED_IN


@dataclass(frozen=True, slots=True)
class NewRoom:
    """A room to be made. A slug or PIN that is ``None`` is made up."""

    name: str
    slug: str | None = None
    pin: str | None = None
    host_pin: str | None = None
    has_host_pin: bool = True
    language: str | None = None
    access: Access = Access.SIGNED_IN
    max_participants: int | None = None
    muted_on_entry: bool = False
    locked: bool = False
    expires_at: int | None = None
    max_cameras: int | None = None
    max_video_kbps: int | None = None

    def __post_init__(self) -> None:
        """Raise :class:`RoomError` unless every field can be stored and spoken of (PINs: ``rooms.pins``)."""
        if not self.name.strip() or len(self.name) > NAME_LIMIT or not self.name.isprintable():
            raise RoomError(f"A room's name is 1 to {NAME_LIMIT} printable characters.")
        if self.slug is not None:
            check_slug(self.slug)
        if self.language is not None and not _LANGUAGE.fullmatch(self.language):
            raise RoomError("A language is a code of two or three small letters.", hint='Try "fr" or "en".')
        if self.max_participants is not None and not 1 <= self.max_participants <= 1_000_000:
            raise RoomError("The most participants a room takes must be at least 1.")
        if self.max_cameras is not None and not 0 <= self.max_cameras <= 1_000_000:
            raise RoomError("The most cameras of a room cannot be less than 0.")
        if self.max_video_kbps is not None and not 200 <= self.max_video_kbps <= 1_000_000:
            raise RoomError("The most video of a room is 200 to 1,000,000 kbit/s.")
        if self.host_pin is not None and not self.has_host_pin:
            raise RoomError("A host PIN was given and refused at once.", hint="Leave out one of the two.")


@dataclass(frozen=True, slots=True)
class Invitation:
    """A room with its PINs in clear, as shown to those who invite. Never logged."""

    room: Room
    pin: str
    host_pin: str | None

    def __repr__(self) -> str:
        return f"Invitation({self.room.slug!r}, PINs hidden)"


def slugify(name: str) -> str:
    """Make a slug of a name, not yet unique: "Réunion d'été" is ``reunion-d-ete``.

    A name that leaves nothing is ``room``, one that leaves only digits ``room-<digits>``.
    """
    folded = unicodedata.normalize("NFKD", name.lower().translate(_LIGATURES))
    letters = "".join(character for character in folded if not unicodedata.combining(character))
    slug = "-".join(re.findall(r"[a-z0-9]+", letters))
    if not slug:
        return "room"
    if _is_number(slug):
        slug = f"room-{slug}"
    return slug[: SLUG_LIMIT - 8].rstrip("-")  # room for the number that makes it unique


def unique_slug(base: str, taken: Callable[[str], bool]) -> str:
    """Return ``base``, or ``base-2``, ``base-3`` … : the first that is not taken."""
    slug, number = base, 1
    while taken(slug):
        number += 1
        slug = f"{base}-{number}"
    return slug


def is_slug(text: str) -> bool:
    """Tell whether the text could be a slug at all."""
    return len(text) <= SLUG_LIMIT and not text.isdigit() and _SLUG.fullmatch(text) is not None


def _is_number(slug: str) -> bool:
    """Whether it would be dialled as a number, in which hyphens do not count (``bridge.routing``)."""
    return slug.replace("-", "").isdigit()


def check_slug(slug: str) -> None:
    """Raise :class:`RoomError` unless the slug may stand in an address."""
    if _is_number(slug):
        raise RoomError("A slug of digits only would be taken for a PIN.", hint=f'Try "{slugify(slug)}".')
    if not is_slug(slug):
        raise RoomError(
            f"A slug is at most {SLUG_LIMIT} small letters and digits, with single hyphens between them.",
            hint=f'Try "{slugify(slug)}".',
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The room, and as what one enters it."""

    room: Room
    role: Role = Role.GUEST


@dataclass(frozen=True, slots=True)
class NotFound:
    """No room has that name or PIN."""


@dataclass(frozen=True, slots=True)
class Refused:
    """There is such a room, but not for this caller; the outcome says why."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The directory could not be asked. ``detail`` is for the log."""

    detail: str


Answer = Found | NotFound | Refused | Unavailable
