"""Codecs ⇄ SDP: what we offer, what we answer, and what was agreed (RFC 3264, 3551, 4733).

The answer has the offer's m-lines in the offer's order. The first audio line that we can serve is taken, with
one codec (ours preferred) and telephone-event; every other line (video, BFCP, fax, a second audio) is refused
with port 0. G.722 says 8000 in its rtpmap although it samples at 16 kHz (RFC 3551 section 4.5.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from media.codecs import G722, PCMA, PCMU, Codec
from media.sdp import Direction, MediaDescription, Origin, RtpMap, SessionDescription
from sip.call import Mismatch, NotAcceptable

CODECS = {codec.name: codec for codec in (G722, PCMA, PCMU)}
PROFILES = ("RTP/AVP", "RTP/AVPF")
EVENTS = "telephone-event"
EVENT_KEYS = "0-16"  # RFC 4733: the sixteen keys, and flash because many say so
EVENT_PAYLOAD_TYPE = 101
COMFORT_NOISE = 13
PACKET_TIMES = range(10, 61, 10)  # ms
DEFAULT_PACKET_TIME = 20  # ms, RFC 3551 section 4.2
# The hold of RFC 2543: an address that says that there is none.
NOWHERE = ("0.0.0.0", "::", "0:0:0:0:0:0:0:0")  # noqa: S104 - compared, never bound
Address = tuple[str, int]
PayloadTypes = dict[str, int]  # by the name of what it carries


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides agreed on for the audio of a call.

    ``packet_time`` (ms) is what the other side wants to receive. ``sends``, ``receives``: we do. ``remote``
    and ``remote_rtcp``: where the other side says it listens, None where it gave no address (old hold).
    ``event_types``: under which numbers keys may come, none if not at all.
    """

    codec: Codec
    payload_type: int
    event_types: tuple[int, ...]
    noise_type: int | None
    packet_time: int
    sends: bool
    receives: bool
    remote: Address | None
    remote_rtcp: Address | None
    rtcp_mux: bool


class Negotiation:
    """The descriptions of one call. ``host`` and ``port``: what we say of our RTP."""

    def __init__(self, codecs: Sequence[str], host: str, port: int) -> None:
        self._codecs = [CODECS[name] for name in codecs]
        self._host = host
        self._port = port
        self._said: SessionDescription | None = None  # our last description
        self._agreed: Agreement | None = None
        self._event_type = EVENT_PAYLOAD_TYPE  # in our own descriptions

    def answer(self, offer: SessionDescription) -> tuple[SessionDescription, Agreement]:
        """Answer an offer.

        Raises :class:`NotAcceptable` when no audio line of it will do; nothing has changed then.
        """
        taken, codec, types = self._choose(offer)
        agreement = self._agreed = _agreement(offer, taken, codec, types)
        self._event_type = types.get(EVENTS, self._event_type)
        medias = [
            self._audio(agreement, taken.protocol) if media is taken else media.refused()
            for media in offer.medias
        ]
        return self._describe(medias), agreement

    def offer(self) -> SessionDescription:
        """Offer what we can do; when something was agreed already, the same m-lines with their numbers."""
        lines = self._said.medias if self._said else [MediaDescription("audio", self._port)]
        at = next((index for index, media in enumerate(lines) if media.kind == "audio" and media.port), 0)
        audio = MediaDescription("audio", self._port, lines[at].protocol)
        for codec in self._codecs:
            audio.add_format(codec.payload_type, RtpMap(codec.name, codec.clock_rate))
        if self._agreed is not None and self._agreed.rtcp_mux:
            audio.set("rtcp-mux")
        self._finish(audio, Direction.SENDRECV, events=True)
        return self._describe([audio if index == at else media for index, media in enumerate(lines)])

    def accept(self, answer: SessionDescription) -> Agreement:
        """Take the answer to our offer.

        An answer may give telephone-event another number: that is for what we send, and keys come under ours
        (RFC 3264 section 6.1); some send them under theirs all the same.

        Raises :class:`NotAcceptable` when it agrees to nothing that was offered.
        """
        agreement = _agreement(answer, *self._choose(answer))
        if agreement.event_types:
            both = dict.fromkeys((self._event_type, *agreement.event_types))
            agreement = replace(agreement, event_types=tuple(both))
        self._agreed = agreement
        return agreement

    def _choose(self, description: SessionDescription) -> tuple[MediaDescription, Codec, PayloadTypes]:
        audio = [media for media in description.medias if media.kind == "audio" and media.port]
        if not audio:
            raise NotAcceptable("no audio; this gateway takes calls with audio", Mismatch.MEDIA)
        plain = [media for media in audio if media.protocol.upper() in PROFILES]
        if not plain:
            raise NotAcceptable(f"{audio[0].protocol} is not spoken here, RTP/AVP is", Mismatch.TRANSPORT)
        for media in plain:
            types = _payload_types(media)
            for codec in self._codecs:
                if codec.name in types:
                    return media, codec, types
        ours = ", ".join(codec.name for codec in self._codecs)
        raise NotAcceptable(f"no codec in common; this gateway has {ours}", Mismatch.FORMAT)

    def _audio(self, agreement: Agreement, protocol: str) -> MediaDescription:
        audio = MediaDescription("audio", self._port, protocol)
        codec = agreement.codec
        audio.add_format(agreement.payload_type, RtpMap(codec.name, codec.clock_rate))
        if agreement.rtcp_mux:
            audio.set("rtcp-mux")
        direction = Direction.of(sends=agreement.sends, receives=agreement.receives)
        self._finish(audio, direction, events=bool(agreement.event_types))
        return audio

    def _finish(self, audio: MediaDescription, direction: Direction, *, events: bool) -> None:
        if events:
            audio.add_format(self._event_type, RtpMap(EVENTS, 8000), EVENT_KEYS)
        audio.set("ptime", str(DEFAULT_PACKET_TIME))
        audio.set("maxptime", str(PACKET_TIMES[-1]))
        audio.direction = direction

    def _describe(self, medias: list[MediaDescription]) -> SessionDescription:
        """A description of ours; the numbers of its ``o=`` line are the call's business (:mod:`sip`)."""
        family = "IP6" if ":" in self._host else "IP4"
        origin = Origin("passerelle", address_type=family, address=self._host)
        self._said = SessionDescription(origin, "Passerelle", self._host, medias)
        return self._said


def _payload_types(media: MediaDescription) -> PayloadTypes:
    """Under which payload type each mono codec with an 8 kHz clock is named, the first one if several."""
    types: PayloadTypes = {}
    for number, rtpmap in media.rtpmap.items():
        if rtpmap.clock_rate == 8000 and rtpmap.channels == 1:
            types.setdefault(rtpmap.name, number)
    return types


def _agreement(
    theirs: SessionDescription, media: MediaDescription, codec: Codec, types: PayloadTypes
) -> Agreement:
    direction = theirs.direction_of(media)
    host = theirs.address_of(media)
    host = None if host in NOWHERE else host
    return Agreement(
        codec=codec,
        payload_type=types[codec.name],
        event_types=(types[EVENTS],) if EVENTS in types else (),
        noise_type=types.get("CN"),
        packet_time=_packet_time(media),
        sends=direction.receives,
        receives=direction.sends,
        remote=(host, media.port) if host else None,
        remote_rtcp=(media.rtcp_address or host, media.rtcp_port) if host else None,
        rtcp_mux=media.rtcp_mux,
    )


def _packet_time(media: MediaDescription) -> int:
    """What the other side wants to receive in one packet, in ms: what we can make that is nearest."""
    wanted = min(media.ptime or DEFAULT_PACKET_TIME, media.maxptime or PACKET_TIMES[-1])
    return max(PACKET_TIMES[0], min(PACKET_TIMES[-1], wanted // 10 * 10))
