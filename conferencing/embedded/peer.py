"""One browser's media: its offer answered, what it publishes received, its slots sent.

The transport gives packets in clear; this class finds out which stream they belong to (``publication``) and
gives the publisher its feedback: arrival times several times a second, receiver reports every second. What
it is sent is the business of ``subscriber``. :meth:`MediaPeer.tick` lets time pass; nothing else here knows a
clock.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final, Protocol

from conferencing.embedded import answer, feedback
from conferencing.embedded.codecs import Codec
from conferencing.embedded.extensions import Extension, elements
from conferencing.embedded.media import OfferError, PeerEvents, Rates, Source, Statistics, WantedTile
from conferencing.embedded.offer import Offer, Place, read_offer
from conferencing.embedded.publication import Binding, Publisher
from conferencing.embedded.slot import abs_send_time
from conferencing.embedded.stage import Cast
from conferencing.embedded.statistics import statistics
from conferencing.embedded.subscriber import Subscriber
from conferencing.embedded.voice import Voice
from config.buckets import Bucket
from media.rtcp import (
    CNAME,
    Feedback,
    Packet,
    ReceiverReport,
    RtcpError,
    SenderReport,
    SourceDescription,
    parse_compound,
    write_compound,
)
from media.rtp import ReportBlock, read_header
from media.webrtc.dtls import FingerprintError
from media.webrtc.ice import IceParameters

FEEDBACK_INTERVAL: Final = 0.05  # s between reports of arrival times, at least
ENOUGH: Final = 8  # arrivals for a report; fewer wait, since a voice alone has no rate to steer
PATIENCE: Final = 0.2  # s more
LOOK_INTERVAL: Final = 0.2  # s between looks at bandwidth and layers
REPORT_INTERVAL: Final = 1.0  # s between sender and receiver reports
MAX_BLOCKS: Final = 31
TOLERANCE: Final = 1.25  # times what a publisher may send: an encoder told of a rate swings around it
# A voice goes to all, whatever their links take: no more than Opus at 160 kbit/s, or 125 packets a second.
SPEECH: Final = 20_000  # octets a second
LEAST_SPEECH: Final = 160  # octets that a packet counts for, however small
LONGEST_SPEECH: Final = 1275  # octets of a frame (RFC 6716 section 3.2.1)


class Transport(Protocol):
    """What is asked of ``media.webrtc.transport.PeerTransport``."""

    @property
    def local(self) -> IceParameters:
        """Our ICE credentials."""

    @property
    def fingerprint(self) -> str:
        """The value of ``a=fingerprint``."""

    def candidates(self) -> list[str]:
        """The values of ``a=candidate``."""

    def connect(self, remote: IceParameters, fingerprint: str, setup: str) -> None:
        """Await the peer."""

    def restart(self, remote: IceParameters) -> IceParameters:
        """ICE restart."""

    def send_rtp(self, packet: bytes | bytearray) -> None:
        """Send one packet."""

    def send_rtcp(self, packet: bytes | bytearray) -> None:
        """Send one compound."""

    def close(self) -> None:
        """Let go of the peer."""


class House(Cast, Protocol):
    """The meeting's plane, as a peer sees it."""

    @property
    def rates(self) -> Rates:
        """The most video that may come from a peer, and go to it."""

    @property
    def layout(self) -> Sequence[Place]:
        """The m-lines of an offer."""

    @property
    def has_pictures(self) -> bool:
        """Whether anybody has published one; else there is nothing to assign, whoever is wanted."""

    def publishable(self) -> Sequence[Codec]:
        """The video codecs that all decode, most wanted first."""

    def negotiated(self, peer: "MediaPeer") -> None:
        """A peer's slots or codecs have changed."""

    def route_voices(self) -> None:
        """Who is on whose slots has changed."""


class MediaPeer:
    """One browser. Made by :meth:`conferencing.embedded.plane.Plane.join`."""

    def __init__(
        self,
        participant_id: str,
        house: House,
        events: PeerEvents,
        random: Random,
        clock: Callable[[], float],
    ) -> None:
        now = clock()
        self.id = participant_id
        self.ssrc = random.randrange(1, 1 << 32)  # what we call ourselves in feedback
        self.publisher = Publisher(participant_id, self)
        self.subscriber = Subscriber(participant_id, house, random, now, house.rates.download)
        self.offer_wanted = False  # a new offer would let this client publish what everybody decodes
        self.decodes: frozenset[Codec] | None = None
        self.malformed = 0
        self.unbound = 0
        self.excess = 0
        self.connected_now = False
        self._house = house
        self._events = events
        self._random = random
        self._clock = clock
        self._transport: Transport | None = None
        self._offer: Offer | None = None
        self._session_id = random.randrange(1 << 62)
        self._version = 0
        self._cname = f"{random.randrange(1 << 64):016x}"
        self._arrivals = feedback.Arrivals()
        self._transport_cc = 0
        self._level_id = 0
        self._dependency_id = 0
        octets = house.rates.upload / 8
        self._upload = Bucket(now, refill=TOLERANCE * octets, depth=octets)
        self._speech = Bucket(now, refill=SPEECH, depth=SPEECH)
        self._feedback_due = now
        self._look_due = now
        self._report_due = now

    def attach(self, transport: Transport) -> None:
        """Give the peer its transport, right after it was made."""
        self._transport = transport
        self.subscriber.attach(transport)

    @property
    def round_trip(self) -> float:
        """In seconds, as the browser's reports tell."""
        return self.subscriber.round_trip

    # Signalling

    def offer(self, sdp: str) -> str:
        """Answer an offer.

        Raises:
            OfferError: it cannot be taken, the text tells why; nothing has changed.
        """
        transport = self._transport
        if transport is None:
            raise OfferError("this peer is closed")
        offer = read_offer(sdp, self._house.layout, self._offer)
        local = self._connect(transport, offer)
        self._offer = offer
        self._version += 1
        self.offer_wanted = False
        self._learn_extensions(offer)
        self.publisher.negotiated(offer)
        for line in offer.lines:
            if line.taken and not line.place.source:
                self.subscriber.stage.add_line(line)
        self.decodes = offer.decodes
        self._house.negotiated(self)
        ours = answer.Ours(local.ufrag, local.password, transport.fingerprint, transport.candidates())
        return answer.write_answer(
            offer,
            ours,
            self.subscriber.stage.names,
            self._house.publishable(),
            cname=self._cname,
            session_id=self._session_id,
            version=self._version,
            upload=self._house.rates.upload,
        )

    def _connect(self, transport: Transport, offer: Offer) -> IceParameters:
        remote = IceParameters(offer.ufrag, offer.password)
        before = self._offer
        if before is None:
            try:
                transport.connect(remote, offer.fingerprint, offer.setup)
            except FingerprintError as error:
                raise OfferError(str(error)) from None
            return transport.local
        if offer.fingerprint.lower() != before.fingerprint.lower():
            raise OfferError("the fingerprint cannot change within a session")
        if (offer.ufrag, offer.password) != (before.ufrag, before.password):
            return transport.restart(remote)
        return transport.local

    def _learn_extensions(self, offer: Offer) -> None:
        numbers: dict[Extension, int] = {}
        for line in offer.lines:
            if line.place.source:
                numbers.update(answer.accepted_extensions(line))
        self._transport_cc = numbers.get(Extension.TRANSPORT_CC, -1)
        self._level_id = numbers.get(Extension.AUDIO_LEVEL, -1)
        self._dependency_id = numbers.get(Extension.DEPENDENCY, -1)

    def want(self, tiles: Sequence[WantedTile]) -> None:
        """Show these participants, the most important first; those beyond the slots are not shown."""
        self.subscriber.stage.wanted = [(tile.participant, tile.height) for tile in tiles]
        self.assign(self._clock())

    def allow(self, source: Source, allowed: bool) -> None:
        """Forward this source, or drop it here whatever the page does."""
        publication = self.publisher.publication(source)
        if publication is None:
            self.publisher.microphone_allowed = allowed
            if not allowed:
                self.publisher.voice.silence()
        elif publication.allowed != allowed:
            publication.allowed = allowed
            if not allowed:
                for stream in publication.streams:
                    stream.restarted()

    # What the transport tells (media.webrtc.transport.TransportHandler)

    def connected(self) -> None:
        """Media may flow."""
        self.connected_now = True
        self._house.route_voices()
        self._events.connected()

    def closed(self, reason: str) -> None:
        """The transport is gone."""
        self.connected_now = False
        self._transport = None
        self.subscriber.stage.clear(self._clock())
        self._house.route_voices()
        self._events.closed(reason)

    def rtp_received(self, packet: bytes, now: float) -> None:
        """The hot path: one packet of the publisher."""
        header = read_header(packet)
        if header is None:
            self.malformed += 1
            return
        payload_type, marker, sequence, timestamp, ssrc, start, end = header
        found = elements(packet)
        at = found.get(self._transport_cc)
        if at is not None and at[1] == 2:
            self._arrivals.seen.append((packet[at[0]] << 8 | packet[at[0] + 1], now))
        binding = self.publisher.bindings.get(ssrc) or self.publisher.bind(ssrc, payload_type, found, packet)
        if binding is None:
            self.unbound += 1
            return
        codec = binding.codecs.get(payload_type)
        if codec is None:
            self.malformed += 1
            return
        mark = 0x80 if marker else 0
        if binding.voice is not None:
            at = found.get(self._level_id)
            level = packet[at[0]] & 0x7F if at else None
            self._voice_received(binding.voice, (sequence, timestamp, mark), packet[start:end], now, level)
            return
        if not self._upload.take(len(packet), now):
            self.excess += 1
            return
        at = found.get(self._dependency_id)
        dependency = packet[at[0] : at[0] + at[1]] if at and at[1] >= 3 else None
        self._video_received(binding, codec, (sequence, timestamp, mark), packet[start:end], now, dependency)

    def _voice_received(
        self, voice: Voice, header: tuple[int, int, int], payload: bytes, now: float, level: int | None
    ) -> None:
        sequence, timestamp, mark = header
        if len(payload) > LONGEST_SPEECH:
            self.malformed += 1
        elif not self._speech.take(max(LEAST_SPEECH, len(payload)), now):
            self.excess += 1
        else:
            voice.stream.statistics.received(sequence, timestamp, now)
            if self.publisher.microphone_allowed:
                voice.received(sequence, timestamp, mark, payload, now, level)

    def _video_received(
        self,
        binding: Binding,
        codec: Codec,
        header: tuple[int, int, int],
        payload: bytes,
        now: float,
        dependency: bytes | None,
    ) -> None:
        sequence, timestamp, mark = header
        stream = binding.stream
        if stream is None or binding.publication is None:
            return
        if binding.repairs:
            if len(payload) < 3:  # a probe of the publisher's
                return
            sequence, payload = payload[0] << 8 | payload[1], payload[2:]
        else:
            stream.statistics.received(sequence, timestamp, now)
        if binding.publication.allowed:
            stream.received(codec, sequence, timestamp, mark, payload, now, abs_send_time(now), dependency)

    def rtcp_received(self, packet: bytes, now: float) -> None:
        """Reports and feedback of the publisher and of the subscriber."""
        try:
            packets = parse_compound(packet)
        except RtcpError:
            self.malformed += 1
            return
        blocks: list[ReportBlock] = []
        for part in packets:
            match part:
                case SenderReport():
                    self._sender_report(part, now)
                    blocks += part.reports
                case ReceiverReport():
                    blocks += part.reports
                case Feedback():
                    self.subscriber.hear(part, now)
        if blocks:
            self.subscriber.reported(blocks, now)

    def _sender_report(self, report: SenderReport, now: float) -> None:
        binding = self.publisher.bindings.get(report.ssrc)
        if binding is not None and not binding.repairs:
            stream = binding.stream or (binding.voice and binding.voice.stream)
            if stream:
                stream.reported(report.ntp_time, report.rtp_timestamp, now)

    def send_feedback(self, packet: Packet) -> None:
        """Tell the publisher (RFC 5506: a packet of feedback may go alone)."""
        if self._transport is not None:
            self._transport.send_rtcp(write_compound([packet]))

    def assign(self, now: float) -> None:
        """Somebody came, left, or is wanted."""
        if self._transport is None:
            return
        if self.subscriber.assign(now):
            self._house.route_voices()
        self._tell_slots()

    def _tell_slots(self) -> None:
        changes = self.subscriber.stage.changes()
        if changes:
            self._events.slots(changes)

    # Time

    def tick(self, now: float) -> None:
        """Let time pass; every 20 to 100 ms."""
        if self._transport is None or not self.connected_now:
            return
        self.subscriber.tick(now)
        for stream in self.publisher.streams():
            stream.tick(now)
        self.publisher.voice.tick(now)
        waiting = len(self._arrivals.seen)
        if waiting and now >= self._feedback_due + (0.0 if waiting >= ENOUGH else PATIENCE):
            self._feedback_due = now + FEEDBACK_INTERVAL
            self._tell_arrivals()
        if now >= self._look_due:
            self._look_due = now + LOOK_INTERVAL
            self._look(now)
        if now >= self._report_due:
            self._report_due = now + REPORT_INTERVAL * (0.5 + self._random.random())
            self._transport.send_rtcp(write_compound(self._reports(now)))

    def _look(self, now: float) -> None:
        for stream in (self.publisher.voice.stream, *self.publisher.streams()):
            stream.measure(now)
        self.subscriber.look(now)
        if self._house.has_pictures or self.subscriber.stage.shows:
            self.assign(now)
        else:
            self._tell_slots()

    def _tell_arrivals(self) -> None:
        streams = (self.publisher.voice.stream, *self.publisher.streams())
        media = next((stream.ssrc for stream in streams if stream.ssrc), 0)
        report = self._arrivals.report(self.ssrc, media)
        if report is not None:
            self.send_feedback(report)

    def _reports(self, now: float) -> Iterator[Packet]:
        """A compound: a sender report for each slot in use, a report block for each stream that comes."""
        streams = (self.publisher.voice.stream, *self.publisher.streams())
        blocks = tuple(
            stream.statistics.report_block(now) for stream in streams if stream.statistics.packets
        )[:MAX_BLOCKS]
        yield ReceiverReport(self.ssrc, blocks)
        yield SourceDescription(((self.ssrc, ((CNAME, self._cname),)),))
        published = [stream.ssrc for stream in self.publisher.streams() if stream.ssrc]
        if published:
            yield feedback.write_remb(self.ssrc, self._house.rates.upload, published)
        yield from self.subscriber.reports(now)

    def stats(self) -> Statistics:
        """How it travels."""
        return statistics(self.publisher, self.subscriber, self._clock())

    def close(self) -> None:
        """Leave: give up the transport, and what would take memory until the next full collection."""
        self.connected_now = False
        transport, self._transport = self._transport, None
        self.subscriber.close(self._clock())
        self.publisher.close()
        if transport is not None:
            transport.close()
