"""One telephone's media: RTP and RTCP in and out, and the keys pressed.

``rtp_received`` and ``send`` run fifty times a second for every telephone: no logging, no look-ups, no
allocation that is not needed. What is not the next packet of speech goes through ``_admits`` or
``_event_received``.

What a leg may send follows from ``standards.md``: nothing before the ACK, nothing to an address that is not
a host of its own (``media.latch.sendable``), and from then on a packet each packet time, except where the
direction forbids it. Timestamps are made from the tick's number and so run on through prompts, mix and
late ticks.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol

import structlog

from bridge.negotiation import COMFORT_NOISE, Address, Agreement
from bridge.ticker import Pulse
from config.settings import MediaSettings
from media.codecs import Codec
from media.dtmf import EventReceiver, PressMerger, Way
from media.inband import KeyHearing
from media.latch import SourceLatch, sendable
from media.ports import PortAllocator
from media.receiver import AudioReceiver
from media.rtcp import RtcpError, RtcpSession
from media.rtp import ReceptionStatistics, RtpHeader, SenderStatistics, read_header, write_header

log = structlog.get_logger(__name__)

OCTETS_PER_MS = 8
OCTETS_PER_TICK = 160
# Seconds of silence after which another SSRC from the same address may take over: two streams that come
# interleaved (a phone's tones beside its speech, a forged one) would otherwise restart the buffer for ever.
OVERLAP = 0.070


class Transmitter(Protocol):
    """The sockets of a leg: see ``media.sockets.MediaSockets``."""

    host: str

    def send_rtp(self, packet: bytes, address: Address) -> None:
        """Send from the RTP port."""

    def send_rtcp(self, packet: bytes, address: Address) -> None:
        """Send from the RTCP port."""


@dataclass(slots=True)
class MediaTotals:
    """Counters of legs that have ended, in packets; the metrics add those of the legs that live."""

    packets_in: int = 0
    packets_out: int = 0
    lost: int = 0
    late: int = 0
    keys: dict[Way, int] = field(default_factory=lambda: dict.fromkeys(Way, 0))

    def copy(self) -> "MediaTotals":
        """The same numbers, to add to."""
        return replace(self, keys=dict(self.keys))

    def add(self, leg: "Leg") -> None:
        """Add one leg's."""
        self.packets_in += leg.packets_in
        self.packets_out += leg.sender.packets
        self.lost += leg.lost
        self.late += leg.late
        for way, count in leg.keys.items():
            self.keys[way] += count


class Leg:
    """The media of one call.

    ``on_key(key)`` hears of each press once, however it came; ``on_media()`` of the first RTP;
    ``on_failed(error)`` of a bug that a packet or the mixer has met here, so that it ends this call and no
    other. ``codec`` is what is sent and received; ``speaks``: what it sends is meant for the meeting (on
    hold, it is music).
    """

    __slots__ = (
        "_agreement",
        "_audio",
        "_clock",
        "_destination",
        "_event_types",
        "_events",
        "_gathered",
        "_gathered_at",
        "_latch",
        "_late_before",
        "_lost_before",
        "_on_key",
        "_on_media",
        "_open",
        "_other_types",
        "_own_hosts",
        "_packet_octets",
        "_payload_type",
        "_ports",
        "_presses",
        "_pulse",
        "_reception",
        "_remote_ssrc",
        "_rtcp",
        "_sequence",
        "_settings",
        "_signalling_host",
        "_ssrc",
        "_talking",
        "_timestamp",
        "_transmitter",
        "codec",
        "failed",
        "heard_at",
        "keys",
        "packets_in",
        "receiver",
        "sender",
        "speaks",
    )

    codec: Codec
    speaks: bool
    receiver: AudioReceiver | KeyHearing

    def __init__(
        self,
        agreement: Agreement,
        settings: MediaSettings,
        ports: PortAllocator,
        *,
        signalling_host: str,
        cname: str,
        clock: Callable[[], float],
        random: Random,
        pulse: Pulse,
        on_key: Callable[[str], None],
        on_media: Callable[[], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._clock = clock
        self._pulse = pulse
        self._on_key = on_key
        self._on_media: Callable[[], None] | None = on_media
        self.failed = on_failed
        self._signalling_host = signalling_host
        self._transmitter: Transmitter | None = None
        self._own_hosts: Collection[str] = ()
        self._open = False  # the ACK came: we may send

        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(16)
        self._timestamp = random.getrandbits(32)  # of tick 0
        self._destination: Address | None = None
        self._gathered = b""  # payload of a packet longer than a tick
        self._gathered_at = 0
        self._talking = False  # whether the last packet was sent in the last packet time
        self.sender = SenderStatistics(self._ssrc, 8000)
        self._rtcp = RtcpSession(self.sender, cname, now=clock(), random=random.random, epoch=0.0)

        self._events = EventReceiver()
        self._presses = PressMerger()
        self._remote_ssrc = -1
        self._reception = ReceptionStatistics(0, 8000)
        self._lost_before = 0  # by sources that are no more
        self._late_before = 0
        self.packets_in = 0
        self.keys = dict.fromkeys(Way, 0)  # pressed, by the way they came
        self.heard_at = clock()  # when RTP or RTCP last came, or we last stopped expecting it

        self._agreement = agreement
        self._latch = SourceLatch(agreement.remote, signalling_host)
        self._audio = _audio_receiver(agreement.codec, settings)
        self._apply(agreement)

    def connect(self, transmitter: Transmitter, own_hosts: Collection[str]) -> None:
        """Take the sockets; ``own_hosts``: the addresses our media is bound to."""
        self._transmitter = transmitter
        self._own_hosts = own_hosts
        self._aim()

    @property
    def lost(self) -> int:
        """Packets that never came; never falls."""
        return self._lost_before + self._reception.missing

    @property
    def late(self) -> int:
        """Packets that came after their turn."""
        return self._late_before + self._audio.jitter.late

    @property
    def jitter(self) -> float:
        """Interarrival jitter, in seconds."""
        return self._reception.jitter_seconds

    def open(self) -> None:
        """Sending may begin: the ACK came (RFC 3261 section 13.2.2.4)."""
        self._open = True
        self.heard_at = self._clock()

    def update(self, agreement: Agreement) -> None:
        """A later offer was answered: hold, resume, other address, other codec."""
        if agreement.codec is not self.codec:
            self._late_before += self._audio.jitter.late
            self._audio = _audio_receiver(agreement.codec, self._settings)
        if agreement.remote is not None:  # the old hold takes the address away, and resuming brings it back
            self._latch.expect(agreement.remote, self._signalling_host)
        on_hold = not self.speaks
        self._apply(agreement)
        if self.speaks and on_hold:
            self.heard_at = self._clock()
        self._aim()

    def silent_for(self, now: float) -> float:
        """Seconds without RTP or RTCP; 0 while none is expected: before the ACK, or on hold (most phones
        that say sendonly send nothing)."""
        return now - self.heard_at if self._open and self.speaks else 0.0

    def _apply(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self.codec = agreement.codec
        self.speaks = agreement.receives and agreement.sends
        if agreement.event_types:
            self.receiver = self._audio
        else:
            self.receiver = KeyHearing(self._audio, agreement.codec, self._heard_key)
        self._payload_type = agreement.payload_type
        self._event_types = agreement.event_types
        noise_type = COMFORT_NOISE if agreement.noise_type is None else agreement.noise_type
        self._other_types = (*agreement.event_types, noise_type)
        self._packet_octets = agreement.packet_time * OCTETS_PER_MS
        self._gathered = b""

    def _aim(self) -> None:
        """Work out where to send, if anywhere."""
        address = self._latch.destination
        allowed = (
            self._transmitter is not None
            and address is not None
            and sendable(address, self._own_hosts, self._ports)
        )
        self._destination = (address[0], address[1]) if allowed and address is not None else None

    # What comes in

    def rtp_received(self, data: bytes, source: Address) -> None:
        """A datagram on the RTP port. Nothing that is in it can raise."""
        try:
            header = read_header(data)
            if header is None:
                self._other_received(data, source)
                return
            payload_type, _, sequence, timestamp, ssrc, start, end = header
            now = self._clock()
            if payload_type == self._payload_type and start < end:
                latch = self._latch
                if (source != latch.source or ssrc != self._remote_ssrc) and not self._admits(
                    source, ssrc, sequence, now
                ):
                    return
                latch.heard_at = self.heard_at = now
                latch.sequence = sequence
                self.packets_in += 1
                self._reception.received(sequence, timestamp, now)
                self._audio.put(sequence, timestamp, data[start:end], now, not self._pulse.held)
            elif payload_type in self._other_types:
                self._event_received(header, data, source, now)
        except Exception as error:  # noqa: BLE001 - a dispatch boundary; logged by the call
            self.failed(error)

    def _event_received(self, header: RtpHeader, data: bytes, source: Address, now: float) -> None:
        """A packet of a key pressed (RFC 4733), or of comfort noise."""
        payload_type, _, sequence, timestamp, ssrc, start, end = header
        latch = self._latch
        if source != latch.source and not self._admits(source, ssrc, sequence, now):
            return
        latch.heard_at = self.heard_at = now
        self.packets_in += 1
        if ssrc == self._remote_ssrc:  # some send their keys under an SSRC of their own
            latch.sequence = sequence
            self._reception.received(sequence, timestamp, now)
            self._audio.jitter.event(sequence, timestamp)
        if payload_type in self._event_types:
            key = self._events.receive(ssrc, timestamp, data[start:end])
            if key is not None:
                self.pressed(key, Way.RTP, now)

    def _admits(self, source: Address, ssrc: int, sequence: int, now: float) -> bool:
        """Whether a packet from a new source or of a new SSRC belongs to the call."""
        latch = self._latch
        if source == latch.source and now - latch.heard_at < OVERLAP:
            return False
        if not latch.accepts(source, ssrc, sequence, now):
            return False
        if ssrc != self._remote_ssrc:
            self._remote_ssrc = ssrc
            self._lost_before = self.lost
            self._reception = self._rtcp.reception = ReceptionStatistics(ssrc, 8000)
            self._audio.restart()
        self._aim()
        if self._on_media is not None:
            tell, self._on_media = self._on_media, None
            tell()
        return True

    def _other_received(self, data: bytes, source: Address) -> None:
        """Not RTP: RTCP where the two share a port (RFC 5761), else nothing of ours."""
        if self._agreement.rtcp_mux:
            self.rtcp_received(data, source)

    def rtcp_received(self, data: bytes, source: Address) -> None:
        """A datagram on the RTCP port. Believed only from the host that the media comes from."""
        believed = self._latch.destination
        if believed is None or source[0] != believed[0]:
            return
        now = self._clock()
        try:
            self._rtcp.receive(data, now)
        except RtcpError:
            return
        self.heard_at = now

    def _heard_key(self, key: str) -> None:
        self.pressed(key, Way.SOUND, self._clock())

    def pressed(self, key: str, way: Way, now: float) -> None:
        """A key was pressed; told once although some phones send it both ways."""
        if self._presses.accepts(key, way, now):
            self.keys[way] += 1
            self._on_key(key)

    # What goes out

    def send(self, payload: bytes, tick: int) -> None:
        """Send 20 ms of audio, the ones of this tick."""
        destination = self._destination
        if destination is None or not self._open or not self._agreement.sends:
            self._talking = False
            return
        position = tick * OCTETS_PER_TICK
        if self._packet_octets == OCTETS_PER_TICK:
            self._send_packet(payload, position, destination)
        else:
            self._send_in_packet_times(payload, position, destination)

    def _send_packet(self, payload: bytes, position: int, destination: Address) -> None:
        sequence = self._sequence = (self._sequence + 1) & 0xFFFF
        timestamp = (self._timestamp + position) & 0xFFFFFFFF
        marker = not self._talking
        self._talking = True
        packet = write_header(self._payload_type, sequence, timestamp, self._ssrc, marker) + payload
        self._transmitter.send_rtp(packet, destination)  # type: ignore[union-attr]
        sender = self.sender
        sender.packets += 1
        sender.octets += len(payload)
        sender.timestamp = timestamp

    def _send_in_packet_times(self, payload: bytes, position: int, destination: Address) -> None:
        """Cut or join ticks to what the other side asked for: an octet is an eighth of a millisecond."""
        if not self._gathered or self._gathered_at + len(self._gathered) != position:
            self._gathered = b""
            self._gathered_at = position
        gathered = self._gathered + payload
        size = self._packet_octets
        while len(gathered) >= size:
            self._send_packet(gathered[:size], self._gathered_at, destination)
            gathered = gathered[size:]
            self._gathered_at += size
        self._gathered = gathered

    def report(self, now: float) -> bool:
        """Send RTCP if it is due; whether it was."""
        if now < self._rtcp.deadline or not self._open:
            return False
        address = self._rtcp_destination()
        if address is None:
            return False
        if self._talking:
            self.sender.sent_at = now  # within this tick; on hold the RTP clock is reckoned from then
        self._send_rtcp(self._rtcp.report(now), address)
        return True

    def goodbye(self) -> None:
        """Tell the other side by RTCP that the stream has ended."""
        address = self._rtcp_destination()
        if self._open and address is not None:
            self._send_rtcp(self._rtcp.goodbye(self._clock()), address)

    def _rtcp_destination(self) -> Address | None:
        """Beside the RTP's source where it was learnt, else where it was described."""
        if self._destination is None:
            return None
        if self._agreement.rtcp_mux:
            return self._destination
        described = self._agreement.remote_rtcp
        if described is not None and self._destination == self._agreement.remote:
            return described if sendable(described, self._own_hosts, self._ports) else None
        return self._destination[0], self._destination[1] + 1

    def _send_rtcp(self, packet: bytes, address: Address) -> None:
        if self._transmitter is None or not 0 < address[1] <= 65535:
            return
        if self._agreement.rtcp_mux:
            self._transmitter.send_rtp(packet, address)
        else:
            self._transmitter.send_rtcp(packet, address)


def _audio_receiver(codec: Codec, settings: MediaSettings) -> AudioReceiver:
    return AudioReceiver(codec, settings.jitter_min_ms / 1000, settings.jitter_max_ms / 1000)
