"""What opens a room to a browser: links that carry a signed key, and tickets for one entry.

A *link key* stands in the fragment of a link (``/r/team#k=…``), which no browser sends to a server, so no log
has it. It says for which room and role it is, and until when, and is signed with a key derived from the
secret file. On the wire, in base64url without padding (RFC 4648 section 5)::

    version (1 octet)  role (1: "g" or "h")  room id (4)  expiry (8, Unix seconds; 0: never)  MAC (16)

The MAC is HMAC-SHA-256 over what stands before it, cut to 128 bits (RFC 2104 section 5). A room's id is never
given to another, so links die with their room.

A *ticket* is what ``POST /api/join`` gives and the first WebSocket message brings back: so no credential
stands in a URL, and a page from elsewhere gains nothing by opening a socket. It is random, kept here, good
for one use within ``TICKET_SECONDS``.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from random import Random
from typing import Generic, TypeVar

from rooms.values import Role, Room

T = TypeVar("T")

TICKET_SECONDS = 60.0
MOST_TICKETS = 10_000

_VERSION = 1
_CLAIMS = struct.Struct(">B1sIQ")
_MAC_OCTETS = 16
_LETTERS = {Role.GUEST: b"g", Role.HOST: b"h"}
_ROLES = {letter: role for role, letter in _LETTERS.items()}


class LinkKeys:
    """Makes and reads the keys of links. ``secret``: 32 octets; ``wall``: Unix seconds."""

    def __init__(self, secret: bytes, wall: Callable[[], float]) -> None:
        self._secret = secret
        self._wall = wall

    def make(self, room: Room, role: Role) -> str:
        """The key that opens this room in this role, for as long as the room exists."""
        claims = _CLAIMS.pack(_VERSION, _LETTERS[role], room.id, room.expires_at or 0)
        return urlsafe_b64encode(claims + self._mac(claims)).decode().rstrip("=")

    def role(self, key: str, room: Room) -> Role | None:
        """The role that the key gives in this room; ``None`` if it is not of this room, or no more."""
        try:
            raw = urlsafe_b64decode(key.encode("ascii") + b"==")
        except ValueError:
            return None
        claims, mac = raw[: _CLAIMS.size], raw[_CLAIMS.size :]
        if len(claims) < _CLAIMS.size or not hmac.compare_digest(mac, self._mac(claims)):
            return None
        version, letter, room_id, expires_at = _CLAIMS.unpack(claims)
        if version != _VERSION or room_id != room.id or (expires_at and self._wall() >= expires_at):
            return None
        return _ROLES.get(letter)

    def _mac(self, claims: bytes) -> bytes:
        return hmac.digest(self._secret, claims, "sha256")[:_MAC_OCTETS]


class Tickets(Generic[T]):
    """Tickets for one entry each. ``clock``: monotonic seconds; ``random`` has to be unpredictable."""

    def __init__(self, clock: Callable[[], float], random: Random, most: int = MOST_TICKETS) -> None:
        self._clock = clock
        self._random = random
        self._most = most
        self._issued: dict[str, tuple[float, T]] = {}  # in the order of their ends

    def issue(self, what: T) -> str:
        """A ticket for that; the oldest one is lost when there are too many."""
        now = self._clock()
        while self._issued:
            oldest = next(iter(self._issued))
            if self._issued[oldest][0] > now and len(self._issued) < self._most:
                break
            del self._issued[oldest]
        ticket = self._random.randbytes(24).hex()
        self._issued[ticket] = (now + TICKET_SECONDS, what)
        return ticket

    def redeem(self, ticket: str) -> T | None:
        """What the ticket is for, once."""
        end, what = self._issued.pop(ticket, (0.0, None))
        return what if end > self._clock() else None
