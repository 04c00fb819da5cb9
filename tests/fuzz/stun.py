"""Fuzz STUN: a datagram is None or a message that can be asked, and answered by one that is well-formed.

python -m tests.fuzz.stun [--seconds N] [--seed N]
"""

from binascii import crc32

from media.webrtc import stun
from media.webrtc.stun import Attribute
from tests.fuzz.mutation import main

KEY = b"VOkJxbRl1RmTxUk/WvJxBt"  # of the vectors of RFC 5769
ADDRESS = ("192.0.2.1", 32853)


def examine(data: bytes) -> None:
    """Raise if the parser breaks its promise on this input, or on it with length and CRC mended."""
    _examine(data)
    if len(data) >= 28:
        padded = data[: min(len(data), 2048) & ~3]
        body = padded[:2] + (len(padded) - 20).to_bytes(2) + padded[4:-8]
        _examine(body + b"\x80\x28\x00\x04" + (crc32(body) ^ 0x5354554E).to_bytes(4))


def _examine(data: bytes) -> None:
    message = stun.parse(data)
    if message is None:
        return
    _ = (message.username, message.authenticates(KEY), message.authenticates(b""))
    for attribute in Attribute:
        message.number(attribute)
    for answer in (
        stun.success(message, ADDRESS, KEY),
        stun.error(message, stun.UNKNOWN_ATTRIBUTE, "Unknown Attribute", KEY),
    ):
        read = stun.parse(answer)
        if read is None or read.transaction != message.transaction or not read.authenticates(KEY):
            raise AssertionError("the answer is not well-formed")


if __name__ == "__main__":
    main("stun", examine)
