"""A slot: one stream to one subscriber, under one SSRC for the whole session, whoever is on it.

Publishers and simulcast layers change, the slot's stream goes on: sequence numbers without a gap, timestamps
by the wall clock. **No SRTP index is used twice** (with GCM that would give the key away): what begins,
begins above everything that was sent, packets of a stream have numbers of which none comes twice
(``stream``), and what is older than the first one forwarded is dropped.

Here are voices, which begin with any packet; ``video_slot`` is about pictures.

Units: timestamps in ticks, time in seconds, sizes in octets.
"""

from abc import ABC, abstractmethod
from struct import Struct
from typing import Final, Protocol

from conferencing.embedded import extensions
from conferencing.embedded.stream import AUDIO_CLOCK, Received, Stream
from media.rtp import timestamp_delta

MIN_STEP: Final = 0.01  # s by which the timestamp at least advances at a switch

_ONE_BYTE_ONE_WORD: Final = extensions.ONE_BYTE << 16 | 1
_pack_plain = Struct("!BBHII").pack
_pack_voice = Struct("!BBHIIII").pack


class Outlet(Protocol):
    """The subscriber's link, as a slot sees it."""

    @property
    def round_trip(self) -> float:
        """In seconds."""

    def send_rtp(self, packet: bytes | bytearray) -> None:
        """Send at once."""

    def pace(self, packet: bytes | bytearray, send_time_at: int) -> None:
        """Send as soon as the link's pace allows; abs-send-time stands at that offset (0: nowhere)."""


def abs_send_time(now: float) -> int:
    """Seconds as 24 bits, six of them before the point."""
    return int(now * 262_144) & 0xFFFFFF


class Slot(ABC):
    """What voice and video have in common: numbering and clock."""

    def __init__(self, mid: str, ssrc: int, clock_rate: int, sequence: int, timestamp: int) -> None:
        self.mid = mid
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.packets = 0
        self.octets = 0
        self.highest = sequence  # the last number sent; its low 16 bits are the sequence number
        self.timestamp = timestamp  # of the last packet
        self.sent_at = -1.0

    @abstractmethod
    def clock_at(self, now: float) -> int | None:
        """The slot's RTP time for a sender report; None while nothing is sent."""

    def _shift(self, old: Stream | None, old_shift: int, new: Stream, timestamp: int, now: float) -> int:
        """What to add to the timestamps of ``new``, whose first packet here has ``timestamp``."""
        if old is not None:
            clock = old.clock_at(now) + old_shift
        elif self.sent_at >= 0.0:
            clock = self.timestamp + (now - self.sent_at) * self.clock_rate
        else:
            clock = float(self.timestamp)
        shift = round(clock - new.clock_at(now)) & 0xFFFFFFFF
        ahead = timestamp_delta((timestamp + shift) & 0xFFFFFFFF, self.timestamp)
        least = int(MIN_STEP * self.clock_rate)
        # A clock that ran off (a foolish sender report) must not make the receiver wait for minutes.
        most = max(least, int((now - self.sent_at + 1.0) * self.clock_rate)) if self.sent_at >= 0.0 else ahead
        return (shift + min(max(ahead, least), most) - ahead) & 0xFFFFFFFF


class VoiceSlot(Slot):
    """Forwards the Opus of one speaker."""

    def __init__(
        self,
        mid: str,
        ssrc: int,
        payload_type: int,
        level_id: int,
        sequence: int,
        timestamp: int,
        link: Outlet,
    ) -> None:
        super().__init__(mid, ssrc, AUDIO_CLOCK, sequence, timestamp)
        self.source: Stream | None = None
        self._payload_type = payload_type
        self._level_word = level_id << 28  # the element's head; the level is its second octet
        self._link = link
        self._old: Stream | None = None
        self._fresh = False
        self._start = 0
        self._offset = 0
        self._timestamp_shift = 0

    def follow(self, stream: Stream | None) -> None:
        """Forward this stream from its next packet on; None: be silent."""
        if stream is not self.source:
            self.source = stream
            self._fresh = True

    def forward(self, packet: Received, now: float) -> None:
        """Send a packet of the stream the slot is on."""
        marker = packet.marker
        if self._fresh:
            self._begin(packet, now)
            marker = 0x80  # a talk spurt begins (RFC 3551 section 4.1)
        elif packet.number < self._start:
            return
        number = packet.number + self._offset
        timestamp = (packet.timestamp + self._timestamp_shift) & 0xFFFFFFFF
        if number > self.highest:
            self.highest = number
            self.timestamp = timestamp
            self.sent_at = now
        kind = marker | self._payload_type
        sequence = number & 0xFFFF
        if self._level_word:
            level = self._level_word | packet.level << 16
            head = _pack_voice(0x90, kind, sequence, timestamp, self.ssrc, _ONE_BYTE_ONE_WORD, level)
        else:
            head = _pack_plain(0x80, kind, sequence, timestamp, self.ssrc)
        self.packets += 1
        self.octets += len(packet.payload)
        self._link.send_rtp(head + packet.payload)

    def _begin(self, packet: Received, now: float) -> None:
        if self.source is None:
            return
        self._fresh = False
        self._timestamp_shift = self._shift(None, 0, self.source, packet.timestamp, now)
        self._offset = self.highest + 1 - packet.number
        self._start = packet.number

    def clock_at(self, now: float) -> int | None:
        """See :meth:`Slot.clock_at`."""
        if self.source is None or self._fresh:
            return None
        return round(self.source.clock_at(now) + self._timestamp_shift) & 0xFFFFFFFF
