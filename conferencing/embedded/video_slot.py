"""A slot for pictures: key frames begin them, and what is lost is repaired.

Beyond what ``slot`` says of all slots: picture numbers of VP8 and VP9 and the frame numbers of the dependency
descriptor run on without a jump. Each stay on one stream is a :class:`Segment` with its offsets.

::

            assign                  key frame                 assign another layer
    IDLE ─────────────► WAITING ─────────────► FORWARDING ─────────────────────────► SWITCHING
      ▲                  ▲   │                  │ ▲    │                               │   │
      └──────────────────│───┴── release ───────┘ │    └──── lost, another publisher   │   │
                         └────────────────────────│───────────────────┬────────────────┘   │
                                                  └───────────────────│──── key frame ─────┘

In SWITCHING the old layer is still sent.

What a subscriber asks for again is sent as RTX (RFC 4588) from the stream's history, in the present segment
and the one before, each packet once in most of a round trip, but twice at once from the second time on: by
then the picture is about to freeze. A slot's repairs and probes share the RTX SSRC.

Units: timestamps in ticks, time in seconds, sizes in octets.
"""

from enum import Enum, auto
from struct import Struct
from typing import Final

from conferencing.embedded import extensions
from conferencing.embedded.codecs import Codec
from conferencing.embedded.slot import Outlet, Slot, abs_send_time
from conferencing.embedded.stream import VIDEO_CLOCK, Received, VideoStream
from media.rtp import ReportBlock

REPEAT_AFTER: Final = 0.03  # s; a repair is not repeated sooner
REPEAT_SHARE: Final = 0.6  # of a round trip, nor sooner than that: the subscriber may think it shorter
MAX_REPAIRS: Final = 256  # remembered
PAUSE: Final = 1.5  # s without a repair
MAX_REPORTED: Final = 3000  # repairs in one report; more is nonsense

_PLAIN: Final = Struct("!BBHII")
_pack_plain = _PLAIN.pack
_pack_video = Struct("!BBHIIII").pack
_ONE_BYTE_ONE_WORD: Final = extensions.ONE_BYTE << 16 | 1
_SEND_TIME_AT: Final = 17  # in a header made by _pack_video


class Segment:
    """A stay on one stream: what is added to its numbers. ``start`` is the first that belongs to it."""

    __slots__ = (
        "dependency",
        "offset",
        "payload_type",
        "picture",
        "rtx_type",
        "start",
        "stream",
        "timestamp",
        "tl0",
    )

    def __init__(self, stream: VideoStream, start: int, payload_type: int, rtx_type: int | None) -> None:
        self.stream = stream
        self.start = start
        self.payload_type = payload_type
        self.rtx_type = rtx_type
        self.offset = 0
        self.timestamp = 0
        self.picture = 0
        self.tl0 = 0
        self.dependency = 0


class SlotState(Enum):
    """See the module's diagram."""

    IDLE = auto()
    WAITING = auto()
    FORWARDING = auto()
    SWITCHING = auto()


class VideoSlot(Slot):
    """Forwards the picture of one publisher, in one of its layers."""

    def __init__(
        self,
        mid: str,
        ssrc: int,
        rtx_ssrc: int,
        payload_types: dict[Codec, tuple[int, int | None]],
        extension_ids: tuple[int, int],
        sequence: int,
        timestamp: int,
        link: Outlet,
    ) -> None:
        """``payload_types``: a codec's own and that of RTX; ``extension_ids``: abs-send-time, dependency."""
        super().__init__(mid, ssrc, VIDEO_CLOCK, sequence, timestamp)
        self.rtx_ssrc = rtx_ssrc
        self.rtx_sequence = sequence
        self.repairs = 0
        self.loss = 0.0  # as the subscriber last said
        self._packets_reported = 0  # of ``packets``, how many reports were about
        self._rtx_seen = sequence  # the last RTX packet that a report was about
        self._rtx_before = sequence  # the last one before a pause
        self._resent_at = 0.0
        self.repaired_octets = 0
        self.target: VideoStream | None = None
        self._payload_types = payload_types
        self._send_time_word = (extension_ids[0] << 4 | 2) << 24
        self._send_time_id, self._dependency_id = extension_ids
        self._link = link
        self._segment: Segment | None = None
        self._past: Segment | None = None
        self._repaired: dict[int, float] = {}  # number -> when it was last sent again
        self._picture = -1  # highest sent, unwrapped; -1 before the first
        self._tl0 = -1
        self._frame = -1

    @property
    def state(self) -> SlotState:
        """See the module's diagram."""
        if self._segment is None:
            return SlotState.IDLE if self.target is None else SlotState.WAITING
        return SlotState.FORWARDING if self.target is self._segment.stream else SlotState.SWITCHING

    @property
    def current(self) -> VideoStream | None:
        """The stream that is being sent."""
        return self._segment.stream if self._segment else None

    def assign(self, stream: VideoStream | None, now: float, *, keep: bool = False) -> None:
        """Go over to ``stream`` at its next key frame; ``keep`` sends the present one until then."""
        if stream is self.target:
            return
        if self.target is not None and self.target is not self.current:
            self.target.forget(self)
        self.target = stream
        if not keep or stream is None:
            self._stop()
        if stream is None:
            self._past = None  # nobody looks any more; and its packets take memory
        if stream is not None and stream is not self.current:
            stream.await_keyframe(self, now)

    def lost(self) -> None:
        """The stream began afresh: wait for its key frame."""
        stream = self.current
        self._stop()
        if stream is not None and self.target is stream:
            stream.await_keyframe(self, stream.last_arrival)

    def _stop(self) -> None:
        if self._segment is not None:
            self._segment.stream.forget(self)
            self._past, self._segment = self._segment, None

    def give_up_past(self) -> None:
        """Repair no more of what was sent on the streams before."""
        self._past = None

    def can_send(self, codec: Codec) -> bool:
        """Whether the subscriber decodes it."""
        return codec in self._payload_types

    def switch(self, stream: VideoStream, keyframe: Received, now: float) -> None:
        """See :class:`~conferencing.embedded.stream.Follower`."""
        if stream.codec is None or stream.codec not in self._payload_types:
            self.target = None
            self._stop()
            return
        old = self._segment
        segment = Segment(stream, keyframe.number, *self._payload_types[stream.codec])
        segment.offset = self.highest + 1 - keyframe.number
        segment.timestamp = self._shift(
            old.stream if old else None, old.timestamp if old else 0, stream, keyframe.timestamp, now
        )
        if keyframe.picture and self._picture >= 0:
            segment.picture = self._picture + 1 - keyframe.picture.number
            segment.tl0 = self._tl0 + 1 - keyframe.picture.tl0
        if keyframe.dependency and self._frame >= 0:
            segment.dependency = self._frame + 1 - int.from_bytes(keyframe.dependency[1:3], "big")
        self._stop()
        self._segment = segment
        self._repaired.clear()
        stream.followers.append(self)

    def forward(self, packet: Received) -> None:
        """See :class:`~conferencing.embedded.stream.Follower`."""
        segment = self._segment
        if segment is None or packet.number < segment.start:
            return
        number = packet.number + segment.offset
        timestamp = (packet.timestamp + segment.timestamp) & 0xFFFFFFFF
        if number > self.highest:
            self.highest = number
            self.timestamp = timestamp
            self.sent_at = segment.stream.last_arrival
        payload: bytes | bytearray = packet.payload
        picture = packet.picture
        if picture is not None:
            if picture.number + segment.picture > self._picture:
                self._picture = picture.number + segment.picture
            if picture.tl0 + segment.tl0 > self._tl0:
                self._tl0 = picture.tl0 + segment.tl0
            if segment.picture or segment.tl0:
                payload = _renumbered(packet, segment)
        self.packets += 1
        self.octets += len(payload)
        kind = packet.marker | segment.payload_type
        if packet.dependency is None and self._send_time_id:
            sequence, sent = number & 0xFFFF, self._send_time_word | packet.send_time
            head = _pack_video(0x90, kind, sequence, timestamp, self.ssrc, _ONE_BYTE_ONE_WORD, sent)
            self._link.pace(head + payload, _SEND_TIME_AT)
            return
        part, at = self._extensions(packet, segment, packet.send_time)
        head = _pack_plain(0x90 if part else 0x80, kind, number & 0xFFFF, timestamp, self.ssrc)
        self._link.pace(head + part + payload, at)

    def _extensions(self, packet: Received, segment: Segment, send_time: int) -> tuple[bytes, int]:
        """The extensions of a packet, and where in it the abs-send-time stands."""
        values = []
        if self._send_time_id:
            values.append((self._send_time_id, send_time.to_bytes(3, "big")))
        if packet.dependency is not None and self._dependency_id:
            dependency = packet.dependency  # its second and third octet are the frame number
            frame = (int.from_bytes(dependency[1:3], "big") + segment.dependency) & 0xFFFF
            if self._frame < 0 or (frame - self._frame) & 0xFFFF < 0x8000:
                self._frame = frame
            values.append((self._dependency_id, dependency[:1] + frame.to_bytes(2, "big") + dependency[3:]))
        if not values:
            return b"", 0
        part = extensions.write(values)
        return part, 0 if not self._send_time_id else extensions.first_value_at(part) + _PLAIN.size

    def repair(self, sequence: int, now: float) -> int:
        """Send a packet again that the subscriber misses; returns the octets it took, 0 for none."""
        number = self.highest + (((sequence - self.highest + 0x8000) & 0xFFFF) - 0x8000)
        last = self._repaired.get(number)
        if last is not None and now - last < max(REPEAT_AFTER, REPEAT_SHARE * self._link.round_trip):
            return 0
        for segment in (self._segment, self._past):
            if segment is not None and number >= segment.start + segment.offset:
                packet = segment.stream.recall(number - segment.offset)
                if packet is None or number > self.highest:
                    return 0
                if len(self._repaired) >= MAX_REPAIRS:
                    self._repaired.clear()
                self._repaired[number] = now
                times = 1 if last is None else 2
                return sum(self._resend(segment, packet, number, now) for _ in range(times))
        return 0

    def reported(self, block: ReportBlock) -> tuple[int, float]:
        """Take a receiver report on the slot's packets, or its repairs: how many there were, and lost."""
        loss = block.fraction_lost / 256
        if block.ssrc == self.rtx_ssrc:
            seen, self._rtx_seen = self._rtx_seen, block.highest_sequence
            count = min(max(0, block.highest_sequence - seen), MAX_REPORTED)
            # The last ones before a pause are missed only when the next ones come: an old loss, long judged.
            old = max(0, self._rtx_before - seen)
            return max(0, count - old), max(0.0, loss * count - old)
        self.loss = loss
        count, self._packets_reported = self.packets - self._packets_reported, self.packets
        return count, loss * count

    def probe(self, now: float) -> int:
        """Send something the subscriber has already, to fill its link; returns the octets it took."""
        segment = self._segment
        if segment is None:
            return 0
        for packet in segment.stream.recent(8):
            if packet.number >= segment.start and len(packet.payload) > 200:
                return self._resend(segment, packet, packet.number + segment.offset, now)
        return 0

    def _resend(self, segment: Segment, packet: Received, number: int, now: float) -> int:
        if segment.rtx_type is None:
            return 0
        if now - self._resent_at > PAUSE:
            self._rtx_before = self.rtx_sequence
        self._resent_at = now
        self.rtx_sequence += 1
        part, at = self._extensions(packet, segment, abs_send_time(now))
        head = _pack_plain(
            *(0x90 if part else 0x80, packet.marker | segment.rtx_type, self.rtx_sequence & 0xFFFF),
            *((packet.timestamp + segment.timestamp) & 0xFFFFFFFF, self.rtx_ssrc),
        )
        whole = head + part + (number & 0xFFFF).to_bytes(2, "big") + _renumbered(packet, segment)
        self.repairs += 1
        self.repaired_octets += len(whole)
        self._link.pace(whole, at)
        return len(whole)

    def clock_at(self, now: float) -> int | None:
        """See :meth:`Slot.clock_at`."""
        if self._segment is None:
            return None
        return round(self._segment.stream.clock_at(now) + self._segment.timestamp) & 0xFFFFFFFF


def _renumbered(packet: Received, segment: Segment) -> bytes | bytearray:
    """The payload with the slot's picture numbers."""
    picture = packet.picture
    if picture is None:
        return packet.payload
    payload = bytearray(packet.payload)
    number = picture.number + segment.picture
    payload[picture.picture_at] = 0x80 | number >> 8 & 0x7F
    payload[picture.picture_at + 1] = number & 0xFF
    if picture.tl0_at >= 0:
        payload[picture.tl0_at] = (picture.tl0 + segment.tl0) & 0xFF
    return payload
