"""RTP: numbered and time-stamped packets of media, and what their receiver learns from them (RFC 3550).

Three things live here:

- the packet: :func:`read_header` for the hot loop (a tuple, or None for whatever is not RTP) and
  :func:`write_header`; :class:`RtpPacket` for everything that is not hot;
- the arithmetic of numbers that wrap (RFC 1982): :func:`sequence_delta` (16 bits), :func:`timestamp_delta`
  (32 bits);
- the bookkeeping of a source: :class:`ReceptionStatistics` (RFC 3550 appendix A.1, A.3, A.8) and
  :class:`SenderStatistics`, from which ``media.rtcp`` makes its reports.

What shares a port with RTP (RFC 5761, RFC 7983) and is told apart by its first octets: STUN (0..3), ZRTP
(16..19), DTLS (20..63) have another version; RTCP has packet types 192..223, which would be RTP's payload
types 64..95 with the marker set, and those are not used.

A source's sequence numbers, as appendix A.1 takes them::

    first packet             two in sequence                  jump of 3000 or more
    ───────────► PROBATION ────────────────► VALID ─────────────────────► (packet not counted)
                    ▲  │ out of sequence      ▲ │ next, gap, wrap, late       │
                    └──┘                      └─┘                             │
                                              ▲  the next one follows on it   │
                                              └───────────────────────────────┘  counting starts afresh

Units: timestamps and jitter in ticks of the RTP clock (Hz), arrival in seconds of any steady clock.
"""

from dataclasses import dataclass
from math import inf
from struct import Struct
from typing import Final

VERSION: Final = 2
HEADER_SIZE: Final = 12
MAX_DROPOUT: Final = 3000  # RFC 3550 appendix A.1
MAX_MISORDER: Final = 100
MIN_SEQUENTIAL: Final = 2
MAX_TRANSIT_CHANGE: Final = 4.0  # s; beyond it the clock was set anew or wrapped: not jitter

RtpHeader = tuple[int, bool, int, int, int, int, int]
"""payload_type, marker, sequence, timestamp, ssrc, payload_offset, payload_end"""

_HEADER: Final = Struct("!BBHII")
_WORD: Final = Struct("!I")
_EXTENSION: Final = Struct("!HH")
_PLAIN: Final = 0x80  # version 2; no padding, no extension, no CSRC: nearly every packet of a call
_PADDING: Final = 0x20
_EXTENDED: Final = 0x10

_unpack_header = _HEADER.unpack_from
_pack_header = _HEADER.pack


class RtpError(ValueError):
    """The datagram is not RTP; the text says what was expected."""


def sequence_delta(later: int, earlier: int) -> int:
    """Return how far ``later`` is ahead of ``earlier``, from -32768 to 32767, over the wrap (RFC 1982)."""
    return ((later - earlier + 0x8000) & 0xFFFF) - 0x8000


def timestamp_delta(later: int, earlier: int) -> int:
    """Return how far ``later`` is ahead of ``earlier``, from -2**31 to 2**31 - 1, over the wrap."""
    return ((later - earlier + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def read_header(data: bytes) -> RtpHeader | None:
    """Return the fields of an RTP packet, or None for anything else; never raises.

    The payload is ``data[payload_offset:payload_end]`` and may be empty (a keep-alive of RFC 6263).
    """
    size = len(data)
    if size < HEADER_SIZE:
        return None
    first, second, sequence, timestamp, ssrc = _unpack_header(data)
    if 192 <= second <= 223:
        return None
    if first == _PLAIN:
        return second & 0x7F, second > 127, sequence, timestamp, ssrc, HEADER_SIZE, size
    bounds = _payload_bounds(data, first)
    if bounds is None:
        return None
    return second & 0x7F, second > 127, sequence, timestamp, ssrc, *bounds


def _payload_bounds(data: bytes, first: int) -> tuple[int, int] | None:
    """Find the payload behind CSRCs and extension and before the padding; None if they do not fit."""
    if first >> 6 != VERSION:
        return None
    start, end = HEADER_SIZE + 4 * (first & 0x0F), len(data)
    if first & _EXTENDED:
        if start + 4 > end:
            return None
        start += 4 + 4 * _EXTENSION.unpack_from(data, start)[1]
    if first & _PADDING:
        padding = data[-1]
        if padding == 0:  # the count includes itself
            return None
        end -= padding
    return (start, end) if start <= end else None


def write_header(payload_type: int, sequence: int, timestamp: int, ssrc: int, marker: bool = False) -> bytes:
    """Return the twelve octets that stand before a payload. All numbers must be in range already."""
    return _pack_header(_PLAIN, payload_type | 0x80 if marker else payload_type, sequence, timestamp, ssrc)


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """A whole packet. ``extension`` is (profile, words) as RFC 3550 section 5.3.1 has it."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None
    padding: int = 0

    @classmethod
    def parse(cls, data: bytes) -> "RtpPacket":
        """Read a datagram.

        Raises:
            RtpError: it is not RTP.
        """
        header = read_header(data)
        if header is None:
            raise RtpError(f"expected RTP version 2 with a consistent header, got {data[:16].hex()!r}")
        payload_type, marker, sequence, timestamp, ssrc, start, end = header
        count = data[0] & 0x0F
        extension = None
        if data[0] & _EXTENDED:
            at = HEADER_SIZE + 4 * count
            extension = (_EXTENSION.unpack_from(data, at)[0], data[at + 4 : start])
        return cls(
            payload_type=payload_type,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=data[start:end],
            marker=marker,
            csrcs=tuple(_WORD.unpack_from(data, HEADER_SIZE + 4 * index)[0] for index in range(count)),
            extension=extension,
            padding=len(data) - end,
        )

    def to_bytes(self) -> bytes:
        """Write the datagram.

        Raises:
            RtpError: a field is out of its range.
        """
        words = self.extension[1] if self.extension else b""
        if (
            not 0 <= self.payload_type <= 127
            or not 0 <= self.sequence <= 0xFFFF
            or not 0 <= self.timestamp <= 0xFFFFFFFF
            or not all(0 <= source <= 0xFFFFFFFF for source in (self.ssrc, *self.csrcs))
            or len(self.csrcs) > 15
            or not 0 <= self.padding <= 255
            or len(words) % 4
            or len(words) > 4 * 0xFFFF
            or (self.extension and not 0 <= self.extension[0] <= 0xFFFF)
        ):
            raise RtpError(f"a field of {self!r} is out of range")
        first = (
            _PLAIN
            | len(self.csrcs)
            | (_EXTENDED if self.extension else 0)
            | (_PADDING if self.padding else 0)
        )
        second = self.payload_type | (0x80 if self.marker else 0)
        parts = [_pack_header(first, second, self.sequence, self.timestamp, self.ssrc)]
        parts += map(_WORD.pack, self.csrcs)
        if self.extension:
            parts += [_EXTENSION.pack(self.extension[0], len(words) // 4), words]
        parts.append(self.payload)
        if self.padding:
            parts.append(bytes(self.padding - 1) + bytes((self.padding,)))
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one source (RFC 3550 section 6.4.1); on the wire in ``media.rtcp``."""

    ssrc: int
    fraction_lost: int  # of 256, since the report before
    lost: int  # since the start; negative when duplicates outnumber losses
    highest_sequence: int  # extended by the number of wraps
    jitter: int  # ticks
    last_sender_report: int = 0  # middle 32 bits of the NTP time of the last SR; 0 when there was none
    delay_since: int = 0  # between that SR and this report, in 1/65536 s


class ReceptionStatistics:
    """Counts what arrives from one SSRC. Make a new one when the SSRC changes.

    Packets that share a timestamp (the updates of RFC 4733, the slices of a picture) are measured once.
    """

    __slots__ = (
        "_awaited",
        "_expected_before",
        "_first",
        "_missing",
        "_missing_before",
        "_new_clock",
        "_packets_before",
        "_probation",
        "_report_arrival",
        "_report_time",
        "_timestamp",
        "_tolerance",
        "_transit",
        "clock_rate",
        "highest_sequence",
        "jitter",
        "packets",
        "ssrc",
    )

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.jitter = 0.0  # interarrival jitter of RFC 3550 section 6.4.1, ticks
        self._new_clock = MAX_TRANSIT_CHANGE * clock_rate
        self._timestamp = -1
        self._probation = MIN_SEQUENTIAL
        self._tolerance = 0  # gaps taken without a question; none in probation, which keeps received() short
        self._awaited = -1  # the number that would confirm a restart
        self._report_time = 0
        self._report_arrival = 0.0
        self._missing = self._missing_before = 0  # ever; of these, before the last restart
        self.packets = 0
        self._start(0)

    def _start(self, sequence: int) -> None:
        self._missing_before = self.missing
        self._first = sequence
        self.highest_sequence = sequence
        self._transit = inf
        self.packets = 0
        self._packets_before = 0
        self._expected_before = 0
        self._awaited = -1

    def received(self, sequence: int, timestamp: int, arrival: float) -> bool:
        """Count one packet; False while the source is in probation or has jumped (appendix A.1)."""
        ahead = (sequence - self.highest_sequence) & 0xFFFF
        if ahead < self._tolerance:
            self.highest_sequence += ahead
        elif not self._is_valid(sequence, ahead):
            return False
        self.packets += 1
        if timestamp != self._timestamp:
            transit = arrival * self.clock_rate - timestamp
            change = transit - self._transit
            self._transit = transit
            if change < 0.0:
                change = -change
            if change < self._new_clock:
                self.jitter += (change - self.jitter) * 0.0625
            self._timestamp = timestamp
        return True

    def _is_valid(self, sequence: int, ahead: int) -> bool:
        if self._probation:
            self._probation = self._probation - 1 if sequence == self._awaited else MIN_SEQUENTIAL - 1
            self._awaited = (sequence + 1) & 0xFFFF
            if self._probation:
                return False
            self._start(sequence)
            self._tolerance = MAX_DROPOUT
        elif ahead <= 0x10000 - MAX_MISORDER:
            if sequence != self._awaited:
                self._awaited = (sequence + 1) & 0xFFFF
                return False
            self._start(sequence)  # two in sequence: the other side began afresh without a word
        return True  # else late or twice

    @property
    def expected(self) -> int:
        """Packets that were sent, by their numbers."""
        return self.highest_sequence - self._first + 1 if self.packets else 0

    @property
    def lost(self) -> int:
        """Packets that did not come; negative when duplicates outnumber them (appendix A.3)."""
        return self.expected - self.packets

    @property
    def missing(self) -> int:
        """``lost`` for those who count: restarts go on with it, and what still comes takes nothing back."""
        self._missing = max(self._missing, self._missing_before + self.lost)
        return self._missing

    @property
    def jitter_seconds(self) -> float:
        """Interarrival jitter in seconds."""
        return self.jitter / self.clock_rate

    def sender_report(self, ntp_time: int, now: float) -> None:
        """Remember the source's SR of that 64-bit NTP time, so that it can work out the round trip."""
        self._report_time = (ntp_time >> 16) & 0xFFFFFFFF
        self._report_arrival = now

    def report_block(self, now: float) -> ReportBlock:
        """Report on the time since the last call (appendix A.3)."""
        expected = self.expected
        new, came = expected - self._expected_before, self.packets - self._packets_before
        self._expected_before, self._packets_before = expected, self.packets
        missing = max(0, new - came)
        delay = round((now - self._report_arrival) * 65536) if self._report_time else 0
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, 256 * missing // new) if new > 0 else 0,
            lost=max(-0x800000, min(0x7FFFFF, self.lost)),
            highest_sequence=self.highest_sequence & 0xFFFFFFFF,
            jitter=min(0xFFFFFFFF, int(self.jitter)),
            last_sender_report=self._report_time,
            delay_since=max(0, min(0xFFFFFFFF, delay)),
        )


class SenderStatistics:
    """Counts what we send under one SSRC; the hot loop may write the fields itself."""

    __slots__ = ("clock_rate", "octets", "packets", "sent_at", "ssrc", "timestamp")

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.packets = 0
        self.octets = 0  # payload only
        self.timestamp = 0  # of the last packet
        self.sent_at = 0.0  # seconds, when it left

    def sent(self, timestamp: int, octets: int, now: float) -> None:
        """Count one packet of that many payload octets."""
        self.packets += 1
        self.octets += octets
        self.timestamp = timestamp
        self.sent_at = now

    def timestamp_at(self, now: float) -> int:
        """Return what the RTP clock shows at ``now``, reckoned from the last packet."""
        return (self.timestamp + round((now - self.sent_at) * self.clock_rate)) & 0xFFFFFFFF
