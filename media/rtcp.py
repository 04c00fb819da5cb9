"""RTCP: what sender and receiver tell each other about the media (RFC 3550 section 6, RFC 4585 section 6).

A datagram is a *compound* of packets, each with its own length::

    | SR or RR | SDES (CNAME) | BYE, APP, feedback ... |

:func:`parse_compound` and :func:`write_compound` are the wire format; packet types we have no use for come
out as :class:`OtherPacket`, so an extended report (RFC 3611) disturbs nobody. Any packet type may come first
(reduced size, RFC 5506), but every length has to fit: what does not is refused whole (appendix A.2).

:class:`RtcpSession` is one side of one stream, sans-IO: it says when a report is due (``deadline``), writes
it, and learns from the other side's reports. The interval is that of section 6.3.1 for two members, where
the minimum of 5 s always exceeds what 5 % of the bandwidth would ask: randomised by a half either way,
divided by e - 3/2, and half as long before the first report.

Round trip, section 6.4.1: the other side returns the middle 32 bits of our SR's NTP time (LSR) and how long
it kept them (DLSR); round trip = now - LSR - DLSR, in 1/65536 s.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final

from media.rtp import VERSION, ReceptionStatistics, ReportBlock, SenderStatistics

MINIMUM_INTERVAL: Final = 5.0  # s
COMPENSATION: Final = math.e - 1.5
NTP_EPOCH: Final = 2_208_988_800  # s from 1900, where NTP counts from, to 1970
CNAME: Final = 1
MAX_ROUND_TRIP: Final = 60.0  # s; what claims more is not an echo of our report

_HEADER: Final = Struct("!BBH")
_WORD: Final = Struct("!I")
_TWO_WORDS: Final = Struct("!II")
_SENDER_REPORT: Final = Struct("!IQIII")
_REPORT_BLOCK: Final = Struct("!IIIIII")


class RtcpError(ValueError):
    """The datagram is not RTCP, or a packet cannot be written; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR: what the writer has sent, and what it received."""

    packet_type: ClassVar[int] = 200
    ssrc: int
    ntp_time: int  # 64 bits: seconds since 1900 and their fraction
    rtp_timestamp: int
    packets: int
    octets: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR: what the writer received; it sends nothing itself."""

    packet_type: ClassVar[int] = 201
    ssrc: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """SDES: (type, text) items by SSRC; type 1 is the CNAME."""

    packet_type: ClassVar[int] = 202
    chunks: tuple[tuple[int, tuple[tuple[int, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    """BYE: these sources are gone."""

    packet_type: ClassVar[int] = 203
    ssrcs: tuple[int, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationDefined:
    """APP: four letters of name, then whatever that application wants."""

    packet_type: ClassVar[int] = 204
    subtype: int
    ssrc: int
    name: bytes
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Feedback:
    """RTPFB (205) or PSFB (206) of RFC 4585, its control information (NACK, PLI, FIR ...) not opened."""

    packet_type: int
    format: int
    sender_ssrc: int
    media_ssrc: int
    control: bytes = b""


@dataclass(frozen=True, slots=True)
class OtherPacket:
    """A packet type we do not read, such as XR (207)."""

    packet_type: int
    count: int
    body: bytes


Packet = (
    SenderReport | ReceiverReport | SourceDescription | Goodbye | ApplicationDefined | Feedback | OtherPacket
)


def parse_compound(data: bytes) -> list[Packet]:
    """Read a datagram.

    Raises:
        RtcpError: it is not RTCP, or a length does not fit.
    """
    packets: list[Packet] = []
    at = 0
    while at < len(data) or not packets:
        _expect(len(data) - at >= 4, f"a packet of 4 octets or more at offset {at}")
        first, packet_type, words = _HEADER.unpack_from(data, at)
        end = at + 4 + 4 * words
        _expect(first >> 6 == VERSION, f"version 2, got {first >> 6}")
        _expect(192 <= packet_type <= 223, f"a packet type of RTCP, got {packet_type}")
        _expect(end <= len(data), f"{end} octets, got {len(data)}")
        body = data[at + 4 : end]
        if first & 0x20:
            _expect(bool(body) and 0 < body[-1] <= len(body), "padding within the packet")
            body = body[: -body[-1]]
        count = first & 0x1F
        read = _READERS.get(packet_type)
        packets.append(read(packet_type, count, body) if read else OtherPacket(packet_type, count, body))
        at = end
    return packets


def write_compound(packets: Iterable[Packet]) -> bytes:
    """Write packets into one datagram.

    Raises:
        RtcpError: too many reports, sources or octets for one packet.
    """
    return b"".join(map(_write, packets))


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise RtcpError(f"expected {what}")


def _read_sender_report(_: int, count: int, body: bytes) -> Packet:
    _expect(len(body) >= _SENDER_REPORT.size, "an SR of 28 octets or more")
    ssrc, ntp_time, timestamp, packets, octets = _SENDER_REPORT.unpack_from(body)
    reports = _read_reports(count, body, _SENDER_REPORT.size)
    return SenderReport(ssrc, ntp_time, timestamp, packets, octets, reports)


def _read_receiver_report(_: int, count: int, body: bytes) -> Packet:
    _expect(len(body) >= 4, "an RR of 8 octets or more")
    return ReceiverReport(_WORD.unpack_from(body)[0], _read_reports(count, body, 4))


def _read_reports(count: int, body: bytes, start: int) -> tuple[ReportBlock, ...]:
    end = start + count * _REPORT_BLOCK.size
    _expect(len(body) >= end, f"{count} report blocks")  # a profile's extension may follow
    return tuple(
        ReportBlock(ssrc, loss >> 24, ((loss & 0xFFFFFF) ^ 0x800000) - 0x800000, highest, jitter, last, delay)
        for ssrc, loss, highest, jitter, last, delay in _REPORT_BLOCK.iter_unpack(body[start:end])
    )


def _read_source_description(_: int, count: int, body: bytes) -> Packet:
    chunks, at = [], 0
    for _chunk in range(count):
        _expect(at + 4 <= len(body), f"{count} SDES chunks")
        (ssrc,) = _WORD.unpack_from(body, at)
        at += 4
        items = []
        while at < len(body) and (kind := body[at]):
            _expect(at + 2 <= len(body) and at + 2 + body[at + 1] <= len(body), "an SDES item that fits")
            length = body[at + 1]
            items.append((kind, body[at + 2 : at + 2 + length].decode("utf-8", "replace")))
            at += 2 + length
        at += 4 - at % 4  # one NUL ends the items, more fill the word
        chunks.append((ssrc, tuple(items)))
    return SourceDescription(tuple(chunks))


def _read_goodbye(_: int, count: int, body: bytes) -> Packet:
    size = 4 * count
    _expect(len(body) >= size, f"{count} sources")
    length = body[size] if len(body) > size else 0
    _expect(not length or len(body) > size + length, "a reason that fits")
    reason = body[size + 1 : size + 1 + length].decode("utf-8", "replace")
    return Goodbye(tuple(word for (word,) in _WORD.iter_unpack(body[:size])), reason)


def _read_application_defined(_: int, subtype: int, body: bytes) -> Packet:
    _expect(len(body) >= 8, "an APP of 12 octets or more")
    return ApplicationDefined(subtype, _WORD.unpack_from(body)[0], body[4:8], body[8:])


def _read_feedback(packet_type: int, format_: int, body: bytes) -> Packet:
    _expect(len(body) >= 8, "feedback of 12 octets or more")
    sender, media = _TWO_WORDS.unpack_from(body)
    return Feedback(packet_type, format_, sender, media, body[8:])


_READERS: Final[Mapping[int, Callable[[int, int, bytes], Packet]]] = {
    200: _read_sender_report,
    201: _read_receiver_report,
    202: _read_source_description,
    203: _read_goodbye,
    204: _read_application_defined,
    205: _read_feedback,
    206: _read_feedback,
}


def _write(packet: Packet) -> bytes:
    count, body = _contents(packet)
    body += bytes(-len(body) % 4)
    if count > 31 or len(body) > 4 * 0xFFFF:
        raise RtcpError(f"an RTCP packet holds 31 parts and 256 KiB, this has {count} and {len(body)}")
    return _HEADER.pack(VERSION << 6 | count, packet.packet_type, len(body) // 4) + body


def _contents(packet: Packet) -> tuple[int, bytes]:
    """Return the five bits of count (or format) and the body."""
    match packet:
        case SenderReport(ssrc, ntp_time, rtp_timestamp, packets, octets, reports):
            head = _SENDER_REPORT.pack(
                ssrc, ntp_time, rtp_timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF
            )
            return len(reports), head + _write_reports(reports)
        case ReceiverReport(ssrc, reports):
            return len(reports), _WORD.pack(ssrc) + _write_reports(reports)
        case SourceDescription(chunks):
            return len(chunks), b"".join(_write_chunk(ssrc, items) for ssrc, items in chunks)
        case Goodbye(ssrcs, reason):
            return len(ssrcs), b"".join(map(_WORD.pack, ssrcs)) + (_counted(reason) if reason else b"")
        case ApplicationDefined(subtype, ssrc, name, data):
            return subtype, _WORD.pack(ssrc) + name[:4].ljust(4) + data
        case Feedback(_, format_, sender, media, control):
            return format_, _TWO_WORDS.pack(sender, media) + control
        case OtherPacket(_, count, body):
            return count, body


def _write_reports(reports: Iterable[ReportBlock]) -> bytes:
    return b"".join(
        _REPORT_BLOCK.pack(
            report.ssrc,
            report.fraction_lost << 24 | report.lost & 0xFFFFFF,
            report.highest_sequence,
            report.jitter,
            report.last_sender_report,
            report.delay_since,
        )
        for report in reports
    )


def _write_chunk(ssrc: int, items: Iterable[tuple[int, str]]) -> bytes:
    chunk = _WORD.pack(ssrc) + b"".join(bytes((kind,)) + _counted(text) for kind, text in items)
    return chunk + bytes(4 - len(chunk) % 4)


def _counted(text: str) -> bytes:
    octets = text.encode()
    if len(octets) > 255:
        raise RtcpError(f"a text in RTCP holds 255 octets, this has {len(octets)}")
    return bytes((len(octets),)) + octets


class RtcpSession:
    """One side of one stream, from the first packet to the BYE.

    ``random`` returns floats in [0, 1); ``epoch`` is what has to be added to ``now`` to make it Unix time
    (0.0 makes the NTP times count from start-up, as section 4 allows). Put the statistics of what arrives
    into ``reception`` as soon as its SSRC is known, and again when it changes.
    """

    def __init__(
        self,
        sender: SenderStatistics,
        cname: str,
        *,
        now: float,
        random: Callable[[], float],
        epoch: float = 0.0,
    ) -> None:
        self.sender = sender
        self.reception: ReceptionStatistics | None = None
        self.round_trip: float | None = None  # s, by the latest report of the other side
        self.heard: ReportBlock | None = None  # what the other side last said of our stream
        self._cname = cname
        self._random = random
        self._epoch = epoch
        self._sent_before = (0, 0)  # packets we had sent at the last report but one, and at the last
        self.deadline = now + self._interval(MINIMUM_INTERVAL / 2)

    def report(self, now: float) -> bytes:
        """Return the compound that is due and set the next ``deadline``."""
        self.deadline = now + self._interval(MINIMUM_INTERVAL)
        return write_compound(self._reports(now))

    def goodbye(self, now: float, reason: str = "") -> bytes:
        """Return the last compound: a report and BYE (section 6.6)."""
        return write_compound([*self._reports(now), Goodbye((self.sender.ssrc,), reason)])

    def receive(self, data: bytes, now: float) -> list[Packet]:
        """Learn from a datagram of the other side; returns its packets for whoever wants feedback.

        Raises:
            RtcpError: it is not RTCP; nothing has changed.
        """
        packets = parse_compound(data)
        for packet in packets:
            if not isinstance(packet, SenderReport | ReceiverReport):
                continue
            if isinstance(packet, SenderReport) and self.reception and self.reception.ssrc == packet.ssrc:
                self.reception.sender_report(packet.ntp_time, now)
            for block in packet.reports:
                if block.ssrc == self.sender.ssrc:
                    self._learn(block, now)
        return packets

    def _learn(self, block: ReportBlock, now: float) -> None:
        self.heard = block
        if block.last_sender_report:
            ticks = (self._ntp_time(now) >> 16) - block.last_sender_report - block.delay_since
            seconds = (((ticks + 0x80000000) & 0xFFFFFFFF) - 0x80000000) / 65536
            if abs(seconds) < MAX_ROUND_TRIP:
                self.round_trip = max(0.0, seconds)  # below zero by the rounding of two clocks

    def _reports(self, now: float) -> Iterator[Packet]:
        sender = self.sender
        blocks = (self.reception.report_block(now),) if self.reception and self.reception.packets else ()
        if sender.packets > self._sent_before[0]:
            yield SenderReport(
                ssrc=sender.ssrc,
                ntp_time=self._ntp_time(now),
                rtp_timestamp=sender.timestamp_at(now),
                packets=sender.packets,
                octets=sender.octets,
                reports=blocks,
            )
        else:
            yield ReceiverReport(sender.ssrc, blocks)
        self._sent_before = (self._sent_before[1], sender.packets)
        yield SourceDescription(((sender.ssrc, ((CNAME, self._cname),)),))

    def _interval(self, minimum: float) -> float:
        return minimum * (0.5 + self._random()) / COMPENSATION

    def _ntp_time(self, now: float) -> int:
        return int((now + self._epoch + NTP_EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
