"""One RTP stream that a client publishes: its numbers, its clock, what is missing, who gets it.

A stream is known by MID and RID; its SSRC may change (RFC 8852). Packets get *numbers* of our own: the
sequence number unwrapped to an integer that only grows, also over a restart of the sender, and each number is
given out once. On that rests the promise of ``slot``: one SRTP index, one packet.

A video stream keeps the last :data:`HISTORY` packets, once for all subscribers: they are what is sent again
when a subscriber asks (``video_slot``), and what tells a repaired packet from one that merely came late. What
is missing is asked for at once and then twice in a round trip: asked only once, a picture froze at 3 % loss.
A browser lets a request be that comes within a round trip of its answer, so the second one costs nothing but
when the first was lost, and saves half a round trip then. Key frames are asked for at most twice a second,
however many subscribers want one, and again until one begins.

Units: seconds, octets, bit/s; timestamps in ticks of the stream's clock.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from conferencing.embedded.codecs import Codec, Picture, PictureCounter, keyframe_height, starts_keyframe
from conferencing.embedded.feedback import write_keyframe_request, write_nack
from media.rtcp import Feedback
from media.rtp import MAX_DROPOUT, ReceptionStatistics

VIDEO_CLOCK: Final = 90_000  # Hz
AUDIO_CLOCK: Final = 48_000
HISTORY: Final = 512  # packets
MAX_MISSING: Final = 150  # beyond it a key frame is cheaper than the repair
NACK_TRIES: Final = 20
NACK_INTERVAL: Final = 0.02  # s, at least
NACK_SHARE: Final = 0.55  # of a round trip, at least: every second one comes after a whole
KEYFRAME_INTERVAL: Final = 0.5  # s between two requests to a publisher
SILENT_AFTER: Final = 1.5  # s without a packet: the encoder has switched the layer off
MEASUREMENTS: Final = 5  # of the bit rate in a second
RATE_RISE: Final = 0.3  # of a measurement: a rate that is underestimated overloads a link
RATE_FALL: Final = 0.1
# Pixels and bit/s of each layer, of a picture without layers ("").
NOMINAL: Final[Mapping[str, tuple[int, float]]] = MappingProxyType(
    {"": (720, 1_000_000.0), "q": (180, 150_000.0), "h": (360, 500_000.0), "f": (720, 1_500_000.0)}
)


class Received:
    """A packet as all its subscribers share it."""

    __slots__ = ("dependency", "level", "marker", "number", "payload", "picture", "send_time", "timestamp")

    def __init__(self, number: int, timestamp: int, marker: int, payload: bytes, send_time: int) -> None:
        self.number = number
        self.timestamp = timestamp
        self.marker = marker  # 0x80 or 0, as it stands before the payload type
        self.payload = payload
        self.send_time = send_time  # abs-send-time of a packet sent on at once
        self.picture: Picture | None = None
        self.dependency: bytes | None = None
        self.level = 127  # -dBov


class Upstream(Protocol):
    """The way back to the publisher."""

    @property
    def ssrc(self) -> int:
        """What we call ourselves in feedback."""

    @property
    def round_trip(self) -> float:
        """In seconds."""

    def send_feedback(self, packet: Feedback) -> None:
        """Send one packet of feedback."""


class Follower(Protocol):
    """A video slot, as a stream sees it."""

    def forward(self, packet: Received) -> None:
        """Send a packet of the stream the slot is on."""

    def switch(self, stream: "VideoStream", keyframe: Received, now: float) -> None:
        """Go over to this stream, whose key frame begins here."""

    def lost(self) -> None:
        """The stream cannot be followed any more without a key frame."""


class SharedClock:
    """A publisher's NTP clock against ours, by its sender reports: one for all its streams, for lip sync."""

    __slots__ = ("_offset",)

    def __init__(self) -> None:
        self._offset: float | None = None

    def reported(self, ntp: float, now: float) -> None:
        """A report of that NTP time (s) came; the quickest one was under way the shortest."""
        sample = now - ntp
        if self._offset is None or sample < self._offset or sample > self._offset + 1.0:
            self._offset = sample
        else:
            self._offset += 0.01 * (sample - self._offset)

    def ours(self, ntp: float) -> float:
        """Our time at that NTP time of the publisher."""
        return ntp + (self._offset or 0.0)


class Stream:
    """Numbers, clock and statistics, for audio and video alike."""

    def __init__(self, clock_rate: int, clock: SharedClock) -> None:
        self.clock_rate = clock_rate
        self.highest = 0x10000
        self.last_arrival = -1.0
        self.octets = 0
        self.rate = 0.0  # bit/s, smoothed
        self.ssrc = 0
        self.statistics = ReceptionStatistics(0, clock_rate)
        self._clock = clock
        self._report: tuple[float, int] | None = None  # NTP time (s) and RTP time of the last sender report
        self._timestamp = 0  # of the newest packet
        self._wire = -1  # the sequence number of ``highest``; -1 before the first packet
        self._awaited = -1  # the sequence number that would confirm a restart
        self._measured: deque[tuple[float, int]] = deque(maxlen=MEASUREMENTS + 1)  # when, and ``octets`` then

    def bind(self, ssrc: int) -> None:
        """The stream comes under this SSRC from now on."""
        self.ssrc = ssrc
        self.statistics = ReceptionStatistics(ssrc, self.clock_rate)
        self._report = None
        self._wire = -1

    def number_of(self, sequence: int) -> int | None:
        """Unwrap a sequence number; None for one that cannot belong here."""
        if self._wire < 0:
            self._wire = (sequence - 1) & 0xFFFF
        ahead = ((sequence - self._wire + 0x8000) & 0xFFFF) - 0x8000
        if not -HISTORY < ahead < MAX_DROPOUT:
            if sequence != self._awaited:
                self._awaited = (sequence + 1) & 0xFFFF
                return None
            self._wire = (sequence - 1) & 0xFFFF  # two in sequence: the sender began afresh
            ahead = 1
            self.restarted()
        return self.highest + ahead

    def arrived(self, number: int, sequence: int, timestamp: int, octets: int, now: float) -> None:
        """Count a packet that is new. One without payload is padding: nothing is published by it."""
        if number > self.highest:
            self.highest = number
            self._wire = sequence
            if octets:
                self._timestamp = timestamp
                self.last_arrival = now
        self.octets += octets

    def restarted(self) -> None:
        """The sender went on with other sequence numbers."""

    def reported(self, ntp_time: int, rtp_timestamp: int, now: float) -> None:
        """A sender report came (RFC 3550 section 6.4.1)."""
        seconds = ntp_time / (1 << 32)
        self._clock.reported(seconds, now)
        self._report = (seconds, rtp_timestamp)
        self.statistics.sender_report(ntp_time, now)

    def clock_at(self, now: float) -> float:
        """The stream's RTP time at ``now``, in ticks and modulo 2**32: by its reports, else by arrival."""
        if self._report is None:
            return self._timestamp + (now - self.last_arrival) * self.clock_rate
        seconds, timestamp = self._report
        return timestamp + (now - self._clock.ours(seconds)) * self.clock_rate

    def is_live(self, now: float) -> bool:
        """Whether packets come."""
        return 0.0 <= now - self.last_arrival < SILENT_AFTER

    def measure(self, now: float) -> None:
        """Take the bit rate; call it five times a second."""
        # Over a second: a key frame, which a subscriber who is raised to this layer asks for, is ten pictures
        # at once, and would make the layer look like one that is too much for the link.
        if self._measured and self._measured[0][1] and now > self._measured[0][0]:
            since, octets = self._measured[0]
            rate = 8 * (self.octets - octets) / (now - since)
            self.rate += (RATE_RISE if rate > self.rate else RATE_FALL) * (rate - self.rate)
        self._measured.append((now, self.octets))


class VideoStream(Stream):
    """One encoding of a picture: a simulcast layer, or all there is."""

    def __init__(self, rid: str, clock: SharedClock, upstream: Upstream) -> None:
        super().__init__(VIDEO_CLOCK, clock)
        self.rid = rid
        self.height, self.rate = NOMINAL[rid]  # until key frames and packets tell
        self.codec: Codec | None = None
        self.keyframe_requests = 0
        self.followers: list[Follower] = []
        self.waiting: list[Follower] = []
        self._upstream = upstream
        self._history: list[Received | None] = [None] * HISTORY
        self._missing: dict[int, tuple[int, float]] = {}  # number -> times asked, when to ask again
        self._pictures = PictureCounter()
        self._keyframe_wanted = False
        self._keyframe_due = 0.0

    def bind(self, ssrc: int) -> None:
        """See :meth:`Stream.bind`. The new encoder's pictures do not build on the old one's."""
        super().bind(ssrc)
        self.restarted()

    def restarted(self) -> None:
        """Nobody can follow before the next key frame."""
        self._missing.clear()
        self._pictures = PictureCounter()
        for follower in tuple(self.followers):
            follower.lost()

    def received(
        self,
        codec: Codec,
        sequence: int,
        timestamp: int,
        marker: int,
        payload: bytes,
        now: float,
        send_time: int,
        dependency: bytes | None,
    ) -> None:
        """Take a packet, new or repaired, and forward it to all who follow."""
        number = self.number_of(sequence)
        if number is None:
            return
        place = number % HISTORY
        known = self._history[place]
        if number <= self.highest:
            if number <= self.highest - HISTORY or (known is not None and known.number >= number):
                return  # too old, or a second time
            self._missing.pop(number, None)
        elif number - self.highest > 1:
            self._gap(number, now)
        self.arrived(number, sequence, timestamp, len(payload), now)
        if codec is not self.codec:
            self._codec_changed(codec)
        packet = Received(number, timestamp, marker, payload, send_time)
        packet.payload, packet.picture = self._pictures.read(codec.name, payload)
        packet.dependency = dependency
        self._history[place] = packet
        for follower in self.followers:
            follower.forward(packet)
        if self._keyframe_wanted and payload and starts_keyframe(codec.name, payload):
            self._keyframe(packet, now)

    def _codec_changed(self, codec: Codec) -> None:
        if self.codec is not None:
            self.restarted()
        self.codec = codec

    def _keyframe(self, packet: Received, now: float) -> None:
        self._keyframe_wanted = False
        if self.codec is not None:
            self.height = keyframe_height(self.codec.name, packet.payload) or self.height
        waiting, self.waiting = self.waiting, []
        later = range(packet.number, self.highest + 1)  # more than one when the first came late
        packets = [known for known in map(self.recall, later) if known is not None]
        for follower in waiting:
            follower.switch(self, packet, now)
            for known in packets:
                follower.forward(known)

    def _gap(self, number: int, now: float) -> None:
        """Packets before ``number`` are missing."""
        if number - self.highest + len(self._missing) > MAX_MISSING:
            self._missing.clear()
            if self.followers:
                self.request_keyframe(now)
            return
        for missing in range(self.highest + 1, number):
            self._missing[missing] = (0, now)
        self._ask(now)

    def _ask(self, now: float) -> None:
        due = sorted(number for number, (_, when) in self._missing.items() if when <= now)
        if not due:
            return
        again = now + max(NACK_INTERVAL, NACK_SHARE * self._upstream.round_trip)
        for number in due:
            tries, _ = self._missing[number]
            if tries + 1 == NACK_TRIES or number <= self.highest - HISTORY // 2:
                del self._missing[number]  # this is the last time
            else:
                self._missing[number] = (tries + 1, again)
        wire = [(self._wire + number - self.highest) & 0xFFFF for number in due]
        self._upstream.send_feedback(write_nack(self._upstream.ssrc, self.ssrc, wire))

    def request_keyframe(self, now: float) -> None:
        """Want a key frame; the publisher is asked when it was not asked a moment ago."""
        self._keyframe_wanted = True
        if now >= self._keyframe_due:
            self._keyframe_due = now + KEYFRAME_INTERVAL
            self.keyframe_requests += 1
            self._upstream.send_feedback(write_keyframe_request(self._upstream.ssrc, self.ssrc))

    def await_keyframe(self, follower: Follower, now: float) -> None:
        """Let a slot begin with the next key frame."""
        self.waiting.append(follower)
        self.request_keyframe(now)

    def forget(self, follower: Follower) -> None:
        """Let a slot go."""
        for followers in (self.followers, self.waiting):
            if follower in followers:
                followers.remove(follower)
        if not self.waiting and not self.followers:
            self._keyframe_wanted = False

    def tick(self, now: float) -> None:
        """Ask again for what is missing, if it is due."""
        if self._missing:
            self._ask(now)
        if self._keyframe_wanted and now >= self._keyframe_due and self.is_live(now):
            self.request_keyframe(now)

    def recall(self, number: int) -> Received | None:
        """A packet of the history."""
        packet = self._history[number % HISTORY]
        return packet if packet is not None and packet.number == number else None

    def recent(self, most: int) -> Iterator[Received]:
        """The latest packets, newest first."""
        for number in range(self.highest, self.highest - most, -1):
            packet = self.recall(number)
            if packet is not None:
                yield packet
