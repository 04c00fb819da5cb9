"""STUN as ICE uses it: Binding requests and their answers (RFC 8489, RFC 8445 section 7).

A message is a header of 20 octets and attributes, each padded to four::

    | type 2 | length 2 | magic cookie 4 | transaction 12 | attribute type 2 | length 2 | value ... |

Whoever is reached by a datagram of ours must have asked for it, so everything rests on two attributes: the
last is FINGERPRINT (a CRC-32, which tells STUN from chance), the one before it MESSAGE-INTEGRITY (HMAC-SHA1
under the password that signalling carried). What follows MESSAGE-INTEGRITY is not protected by it and is
not read: a USE-CANDIDATE appended there by somebody else says nothing.

:func:`parse` never raises. None means that the datagram is not worth an answer: cut short, an attribute of
the wrong size, no FINGERPRINT or the wrong one.
"""

import hmac
import socket
from binascii import crc32
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from media.latch import Address

MAGIC_COOKIE: Final = 0x2112A442
HEADER_SIZE: Final = 20
TRANSACTION_SIZE: Final = 12
MAX_SIZE: Final = 1280  # octets; a check of ICE has some 120
ROLE_CONFLICT: Final = 487
UNKNOWN_ATTRIBUTE: Final = 420

_FINGERPRINT_MASK: Final = 0x5354554E
_INTEGRITY_SIZE: Final = 4 + 20
_FINGERPRINT_SIZE: Final = 4 + 4
_HEADER: Final = Struct("!HHI12s")
_ATTRIBUTE: Final = Struct("!HH")
_WORD: Final = Struct("!I")


class MessageType(IntEnum):
    """Method and class in one (RFC 8489 section 5); other methods are no concern of ICE."""

    REQUEST = 0x0001
    INDICATION = 0x0011
    SUCCESS = 0x0101
    ERROR = 0x0111


class Attribute(IntEnum):
    """What we read or write (RFC 8489, RFC 8445; NOMINATION: draft-thatcher-ice-renomination)."""

    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A
    NOMINATION = 0xC001


# How long a value has to be, where that is fixed.
_SIZES: Final = {
    Attribute.MESSAGE_INTEGRITY: 20,
    Attribute.PRIORITY: 4,
    Attribute.USE_CANDIDATE: 0,
    Attribute.FINGERPRINT: 4,
    Attribute.ICE_CONTROLLED: 8,
    Attribute.ICE_CONTROLLING: 8,
    Attribute.NOMINATION: 4,
}
_MAX_USERNAME: Final = 513
_KNOWN: Final = frozenset(Attribute)
_TYPES: Final = frozenset(MessageType)
_OPTIONAL: Final = 0x8000  # attribute types from here on may be ignored by who does not know them


@dataclass(frozen=True, slots=True)
class Message:
    """What a datagram says, believed only once :meth:`authenticates`."""

    type: MessageType
    transaction: bytes
    attributes: dict[Attribute, bytes]
    unknown: tuple[int, ...]  # attribute types that must be understood, and are not
    integrity_at: int  # where MESSAGE-INTEGRITY begins; 0 when there is none
    data: bytes

    def authenticates(self, key: bytes) -> bool:
        """Whether who wrote it knew the password."""
        at = self.integrity_at
        if not at:
            return False
        return hmac.compare_digest(_integrity(self.data[:at], key), self.data[at + 4 : at + _INTEGRITY_SIZE])

    @property
    def username(self) -> tuple[bytes, bytes] | None:
        """Whom it is for and whom it is from: the two ufrags."""
        to, colon, sender = self.attributes.get(Attribute.USERNAME, b"").partition(b":")
        return (to, sender) if colon else None

    def number(self, attribute: Attribute) -> int | None:
        """The value of PRIORITY, NOMINATION or a tie-breaker."""
        value = self.attributes.get(attribute)
        return None if value is None else int.from_bytes(value)


def parse(data: bytes) -> Message | None:
    """Read a datagram; None for whatever is not a well-formed Binding message with a FINGERPRINT."""
    size = len(data)
    if not HEADER_SIZE <= size <= MAX_SIZE or size % 4:
        return None
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if kind not in _TYPES or length != size - HEADER_SIZE or cookie != MAGIC_COOKIE:
        return None
    attributes: dict[Attribute, bytes] = {}
    unknown = []
    integrity_at = 0
    at = HEADER_SIZE
    while at < size - _FINGERPRINT_SIZE:
        name, length = _ATTRIBUTE.unpack_from(data, at)
        value = data[at + 4 : at + 4 + length]
        if name in _KNOWN:
            if not _fits(name, value) or name == Attribute.FINGERPRINT:
                return None
            if name == Attribute.MESSAGE_INTEGRITY:
                integrity_at = integrity_at or at
            elif not integrity_at:
                attributes.setdefault(Attribute(name), value)  # of two the first counts (section 14)
        elif name < _OPTIONAL and not integrity_at:
            unknown.append(name)
        at += 4 + length + -length % 4
    if at != size - _FINGERPRINT_SIZE or data[at:] != _fingerprint(data[:at]):
        return None
    return Message(MessageType(kind), transaction, attributes, tuple(unknown), integrity_at, data)


def _fits(name: int, value: bytes) -> bool:
    if name == Attribute.USERNAME:
        return len(value) <= _MAX_USERNAME
    return len(value) == _SIZES.get(Attribute(name), len(value))


def request(
    transaction: bytes,
    username: bytes,
    priority: int,
    tie_breaker: int,
    key: bytes,
    *,
    controlling: bool = False,
) -> bytes:
    """Write a connectivity check (RFC 8445 section 7.1); ``key`` is the other side's password."""
    role = Attribute.ICE_CONTROLLING if controlling else Attribute.ICE_CONTROLLED
    attributes = (
        (Attribute.USERNAME, username),
        (Attribute.PRIORITY, _WORD.pack(priority)),
        (role, tie_breaker.to_bytes(8)),
    )
    return write(MessageType.REQUEST, transaction, attributes, key)


def success(asked: Message, address: Address, key: bytes) -> bytes:
    """Answer a request that came from ``address``; ``key`` is our own password."""
    mapped = ((Attribute.XOR_MAPPED_ADDRESS, xor_address(address, asked.transaction)),)
    return write(MessageType.SUCCESS, asked.transaction, mapped, key)


def error(asked: Message, code: int, reason: str, key: bytes) -> bytes:
    """Refuse a request; a 420 names what was not understood."""
    attributes = [(Attribute.ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + reason.encode())]
    if code == UNKNOWN_ATTRIBUTE:
        names = b"".join(name.to_bytes(2) for name in asked.unknown)
        attributes.append((Attribute.UNKNOWN_ATTRIBUTES, names))
    return write(MessageType.ERROR, asked.transaction, attributes, key)


def write(
    kind: MessageType, transaction: bytes, attributes: Iterable[tuple[int, bytes]], key: bytes | None
) -> bytes:
    """Write a message with MESSAGE-INTEGRITY, if there is a key, and FINGERPRINT."""
    parts = [_HEADER.pack(kind, 0, MAGIC_COOKIE, transaction)]
    for name, value in attributes:
        parts += (_ATTRIBUTE.pack(name, len(value)), value, bytes(-len(value) % 4))
    data = b"".join(parts)
    if key is not None:
        data += _ATTRIBUTE.pack(Attribute.MESSAGE_INTEGRITY, 20) + _integrity(data, key)
    data = _with_length(data, len(data) - HEADER_SIZE + _FINGERPRINT_SIZE)
    return data + _fingerprint(data)


def xor_address(address: Address, transaction: bytes) -> bytes:
    """Return the value of XOR-MAPPED-ADDRESS (RFC 8489 section 14.2), which no NAT rewrites."""
    host, port = address[0], address[1]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    packed = socket.inet_pton(family, host.partition("%")[0])
    mask = MAGIC_COOKIE.to_bytes(4) + transaction
    xored = bytes(one ^ other for one, other in zip(packed, mask, strict=False))
    return bytes((0, 2 if len(packed) == 16 else 1)) + (port ^ MAGIC_COOKIE >> 16).to_bytes(2) + xored


def _with_length(data: bytes, length: int) -> bytes:
    return data[:2] + length.to_bytes(2) + data[4:]


def _integrity(data: bytes, key: bytes) -> bytes:
    """The HMAC over all that stands before it, with the length that the header had at that point."""
    return hmac.digest(key, _with_length(data, len(data) - HEADER_SIZE + _INTEGRITY_SIZE), "sha1")


def _fingerprint(data: bytes) -> bytes:
    return _ATTRIBUTE.pack(Attribute.FINGERPRINT, 4) + _WORD.pack(crc32(data) ^ _FINGERPRINT_MASK)
