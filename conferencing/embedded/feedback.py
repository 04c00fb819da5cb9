"""What RTCP feedback says: losses, key frames, bandwidth, arrival times (the control part of RTPFB and PSFB).

``media.rtcp`` reads and writes the packets around it. Here are the control parts:

- generic NACK (RFC 4585 section 6.2.1): a number and a bit mask of the sixteen that follow;
- PLI (6.3.1) has none; FIR (RFC 5104 section 4.3.1): SSRC and a request number;
- REMB (draft-alvestrand-rmcat-remb-03): a bit rate as exponent and mantissa, and the SSRCs it is for;
- transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): for each packet number whether
  and when it came, in steps of 250 µs from a reference in steps of 64 ms. :class:`Arrivals` collects them.

All readers are generous: what makes no sense gives nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import Final

from media.rtcp import Feedback

RTPFB: Final = 205
PSFB: Final = 206
NACK: Final = 1
TRANSPORT_CC: Final = 15
PLI: Final = 1
FIR: Final = 4
APPLICATION: Final = 15  # REMB is one

MAX_BIT_RATE: Final = 1_000_000_000  # bit/s; more is nobody's link and a mistake

_PAIR: Final = Struct("!HH")
_FIR: Final = Struct("!IB3x")


def write_nack(sender: int, ssrc: int, sequences: Iterable[int]) -> Feedback:
    """Ask for packets again; ``sequences`` in ascending order (over the wrap)."""
    control = []
    base, mask = -1, 0
    for sequence in sequences:
        ahead = (sequence - base) & 0xFFFF
        if base >= 0 and 1 <= ahead <= 16:
            mask |= 1 << (ahead - 1)
            continue
        if base >= 0:
            control.append(_PAIR.pack(base, mask))
        base, mask = sequence, 0
    if base >= 0:
        control.append(_PAIR.pack(base, mask))
    return Feedback(RTPFB, NACK, sender, ssrc, b"".join(control))


def read_nack(control: bytes) -> Iterator[int]:
    """The sequence numbers that are asked for."""
    for base, mask in _PAIR.iter_unpack(control[: len(control) // 4 * 4]):
        yield base
        for bit in range(16):
            if mask >> bit & 1:
                yield (base + bit + 1) & 0xFFFF


def write_keyframe_request(sender: int, ssrc: int) -> Feedback:
    """PLI: every browser answers it with a key frame."""
    return Feedback(PSFB, PLI, sender, ssrc)


def asks_keyframe(packet: Feedback) -> tuple[int, ...]:
    """The SSRCs of which this packet, a PLI or FIR, wants a key frame."""
    if packet.packet_type != PSFB:
        return ()
    if packet.format == PLI:
        return (packet.media_ssrc,)
    if packet.format == FIR:
        whole = packet.control[: len(packet.control) // 8 * 8]
        return tuple(ssrc for ssrc, _ in _FIR.iter_unpack(whole))
    return ()


def write_remb(sender: int, rate: int, ssrcs: Sequence[int]) -> Feedback:
    """Allow a bit rate (bit/s) to the streams of these SSRCs together; it is rounded down."""
    exponent = max(0, rate.bit_length() - 18)
    word = len(ssrcs) << 24 | exponent << 18 | rate >> exponent
    return Feedback(PSFB, APPLICATION, sender, 0, Struct(f"!4sI{len(ssrcs)}I").pack(b"REMB", word, *ssrcs))


def read_remb(packet: Feedback) -> int | None:
    """The bit rate (bit/s) that a REMB allows; None for any other packet."""
    control = packet.control
    if (
        (packet.packet_type, packet.format) != (PSFB, APPLICATION)
        or control[:4] != b"REMB"
        or len(control) < 8
    ):
        return None
    word = int.from_bytes(control[4:8], "big")
    exponent, mantissa = word >> 18 & 0x3F, word & 0x3FFFF
    return min(mantissa << exponent, MAX_BIT_RATE)


class Arrivals:
    """Which of a publisher's packets came when, for its congestion control.

    The hot loop appends to ``seen``; :meth:`report` makes the feedback of what came since the last one.
    """

    __slots__ = ("_count", "_next", "seen")

    STEP: Final = 0.000_25  # s
    REFERENCE: Final = 256  # steps
    MAX_SPAN: Final = 1000  # numbers in one report: more apart is another start

    def __init__(self) -> None:
        self.seen: list[tuple[int, float]] = []  # (transport-wide number, arrival in s)
        self._next: int | None = None  # the number after the last reported, unwrapped
        self._count = 0

    def report(self, sender: int, ssrc: int) -> Feedback | None:
        """Return the feedback that is due, None when nothing came; ``ssrc`` is any of the publisher's."""
        if not self.seen:
            return None
        came, self.seen = self._unwrapped(), []
        last = max(came)
        first = min(came)
        if self._next is not None and 0 < first - self._next < self.MAX_SPAN:
            first = self._next  # those between have not come: say so
        first = max(first, last - self.MAX_SPAN + 1)
        self._next = last + 1
        return Feedback(RTPFB, TRANSPORT_CC, sender, ssrc, self._control(first, last, came))

    def _unwrapped(self) -> dict[int, float]:
        near = self._next if self._next is not None else self.seen[0][0] + 0x10000
        came: dict[int, float] = {}
        for number, arrival in self.seen:
            near += ((number - near + 0x8000) & 0xFFFF) - 0x8000
            came.setdefault(near, arrival)
        return came

    def _control(self, first: int, last: int, came: dict[int, float]) -> bytes:
        start = min(arrival for number, arrival in came.items() if number >= first)
        reference = int(start / self.STEP) // self.REFERENCE
        before = reference * self.REFERENCE
        symbols, deltas = [], []
        for number in range(first, last + 1):
            if number not in came:
                symbols.append(0)
                continue
            step = int(came[number] / self.STEP)
            delta = max(-0x8000, min(0x7FFF, step - before))
            before += delta
            small = 0 <= delta <= 0xFF
            symbols.append(1 if small else 2)
            deltas.append(delta.to_bytes(1, "big") if small else delta.to_bytes(2, "big", signed=True))
        head = _PAIR.pack(first & 0xFFFF, len(symbols)) + (
            (reference & 0xFFFFFF) << 8 | self._count
        ).to_bytes(4, "big")
        self._count = (self._count + 1) & 0xFF
        return head + b"".join(_chunks(symbols)) + b"".join(deltas)


def _chunks(symbols: list[int]) -> Iterator[bytes]:
    """Status chunks: a run of one symbol, or seven symbols of two bits."""
    at = 0
    while at < len(symbols):
        symbol = symbols[at]
        run = at
        while run < len(symbols) and symbols[run] == symbol and run - at < 0x1FFF:
            run += 1
        if run - at >= 7 or run == len(symbols):
            yield (symbol << 13 | run - at).to_bytes(2, "big")
            at = run
            continue
        vector = 0
        seven = symbols[at : at + 7]
        for index, value in enumerate(seven):
            vector |= value << (12 - 2 * index)
        yield (0xC000 | vector).to_bytes(2, "big")
        at += len(seven)
