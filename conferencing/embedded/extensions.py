"""RTP header extensions: which ones are used, where they stand in a packet (RFC 8285).

Each peer gives the extensions numbers of its own in its offer, so nothing is copied: what a subscriber needs
is written anew. One-byte headers (profile 0xBEDE) hold elements of 1 to 16 octets, two-byte headers
(0x1000 to 0x100F) of 0 to 255; only AV1's dependency descriptor ever needs the latter.

Not used: ``urn:3gpp:video-orientation``; without it a telephone's browser turns its pictures itself.
"""

from enum import StrEnum
from struct import Struct
from typing import Final


class Extension(StrEnum):
    """An extension's URI."""

    MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
    RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
    AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"  # RFC 6464
    TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    DEPENDENCY = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"


ONE_BYTE: Final = 0xBEDE
TWO_BYTE: Final = 0x1000

_WORD: Final = Struct("!HH")


def elements(packet: bytes) -> dict[int, tuple[int, int]]:
    """Return (offset, length) of each element in a valid RTP packet, by number, up to what does not fit."""
    found: dict[int, tuple[int, int]] = {}
    if not packet[0] & 0x10:
        return found
    at = 12 + 4 * (packet[0] & 0x0F)
    profile, words = _WORD.unpack_from(packet, at)
    at += 4
    end = at + 4 * words
    if profile == ONE_BYTE:
        while at < end:
            first = packet[at]
            if first == 0:  # padding
                at += 1
                continue
            number, size = first >> 4, (first & 0x0F) + 1
            at += 1
            if number == 15 or at + size > end:
                break
            found[number] = (at, size)
            at += size
    elif profile & 0xFFF0 == TWO_BYTE:
        while at + 1 < end:
            number, size = packet[at], packet[at + 1]
            if number == 0:
                at += 1
                continue
            at += 2
            if at + size > end:
                break
            found[number] = (at, size)
            at += size
    return found


def write(values: list[tuple[int, bytes]]) -> bytes:
    """Return the extension part of a header with these elements, in the shortest form that holds them."""
    narrow = all(0 < number < 15 and 0 < len(value) <= 16 for number, value in values)
    if narrow:
        body = b"".join(bytes((number << 4 | len(value) - 1,)) + value for number, value in values)
    else:
        body = b"".join(bytes((number, len(value))) + value for number, value in values)
    body += bytes(-len(body) % 4)
    return _WORD.pack(ONE_BYTE if narrow else TWO_BYTE, len(body) // 4) + body


def first_value_at(part: bytes) -> int:
    """Where the first element's value begins in what :func:`write` returned."""
    return 5 if part[:2] == b"\xbe\xde" else 6
