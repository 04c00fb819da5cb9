"""What a browser offers: fixed m-lines in a fixed order, read and checked.

The client always offers, and its m-lines stay the same for the whole session; each has a :class:`Place`::

    1 microphone   2 camera   3 screen                       sendonly, what the client publishes
    N × (tile voice, tile picture)                           recvonly, each pair serves one participant
    3 × voice                                                recvonly, speakers who are on no tile: telephones
    2 × share                                                recvonly, shared screens

N is the service's last-N: of all cameras, so many are sent at once. The client is told it before it offers.
A client may leave away lines at the end. Anything else (a line too many, another kind, a mid that changed,
no fingerprint) is an :class:`OfferError` whose text is for the client; nothing has changed then.

From the lines this module takes what forwarding needs: payload types by codec, RTX (RFC 4588), header
extensions, simulcast stream ids (RFC 8853), SSRCs where the client names them (Firefox and aiortc send no MID
in some packets).
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from conferencing.embedded.codecs import OPUS, Codec, parse_parameters, video_codec
from conferencing.embedded.extensions import Extension
from conferencing.embedded.media import OfferError, Source
from media.rtpmap import RtpMap
from media.sdp import Direction, MediaDescription, SdpError, SessionDescription

TILES: Final = 9  # as a rule
MOST_TILES: Final = 25
VOICES: Final = 3
SHARES: Final = 2
RIDS: Final = ("q", "h", "f")  # simulcast layers, lowest first
LINE_OCTETS: Final = 5_000  # the most for each m-line, of all together; Chromium's has 3,200
LINE_TEXT: Final = 190  # lines of text, likewise; Chromium's has 100
MAX_NAMED_SSRCS: Final = 12  # per m-line: three layers with RTX, twice


class Place(Enum):
    """What an m-line is for: (kind, what is published there)."""

    MICROPHONE = ("audio", Source.MICROPHONE)
    CAMERA = ("video", Source.CAMERA)
    SCREEN = ("video", Source.SCREEN)
    TILE_VOICE = ("audio", None, 1)
    TILE_PICTURE = ("video", None, 1)
    VOICE = ("audio", None, 2)
    SHARE = ("video", None, 2)

    def __init__(self, kind: str, source: Source | None, _: int = 0) -> None:
        self.kind = kind
        self.source = source


def layout_of(tiles: int) -> tuple[Place, ...]:
    """The m-lines of a client that is sent so many cameras at once."""
    return (
        *(Place.MICROPHONE, Place.CAMERA, Place.SCREEN),
        *(Place.TILE_VOICE, Place.TILE_PICTURE) * tiles,
        *(Place.VOICE,) * VOICES,
        *(Place.SHARE,) * SHARES,
    )


MOST_OCTETS: Final = LINE_OCTETS * len(layout_of(MOST_TILES))
"""Of any offer."""


@dataclass(frozen=True, slots=True)
class Payloads:
    """What a line's payload types mean. Of ``a=fmtp`` and ``a=rtcp-fb`` the text is kept."""

    formats: Mapping[Codec, int]
    rtx: Mapping[int, int]
    parameters: Mapping[int, str]
    feedback: frozenset[str]


@dataclass(frozen=True, slots=True)
class OfferedLine:
    """One m-line; ``rids`` are the known ones, lowest first.

    ``stopped`` is one given up for good (port 0 without bundle-only), ``taken`` one that is not switched off.
    """

    mid: str
    place: Place
    stopped: bool
    taken: bool
    media: MediaDescription
    payloads: "Payloads"
    extensions: Mapping[Extension, int]
    rids: tuple[str, ...]
    ssrcs: tuple[int, ...]  # of media, as the client names them
    repairs: Mapping[int, int]  # RTX SSRC -> the SSRC it repairs

    @property
    def formats(self) -> Mapping[Codec, int]:
        """The codecs with their payload types, most wanted first."""
        return self.payloads.formats

    @property
    def rtx(self) -> Mapping[int, int]:
        """The payload types of retransmissions, by those of what is sent again."""
        return self.payloads.rtx


@dataclass(frozen=True, slots=True)
class Offer:
    """A checked offer. ``mixed``: extensions may be written with two-byte headers (RFC 8285 section 4.3)."""

    lines: tuple[OfferedLine, ...]
    ufrag: str
    password: str
    fingerprint: str
    setup: str
    mixed: bool

    @property
    def decodes(self) -> frozenset[Codec] | None:
        """The video codecs this client can be sent; None when it takes no picture at all."""
        pictures = [line for line in self.lines if line.place is Place.TILE_PICTURE and line.taken]
        return frozenset.intersection(*(frozenset(line.formats) for line in pictures)) if pictures else None


def read_offer(sdp: str, layout: Sequence[Place], before: Offer | None = None) -> Offer:
    """Read an offer of these m-lines, or of the first ones of them.

    ``before`` is the one that was answered last, whose lines must still be there.

    Raises:
        OfferError: it is no offer of ours.
    """
    # Counted before anything is built: a peer may offer a thousand lines.
    if (count := sdp.count("\nm=")) > len(layout):
        raise OfferError(f"an offer has at most {len(layout)} m-lines, this one {count}")
    if sdp.count("\n") > (most := LINE_TEXT * len(layout)):
        raise OfferError(f"an offer has at most {most} lines of text")
    try:
        session = SessionDescription.parse(sdp, LINE_OCTETS * len(layout))
    except SdpError as error:
        raise OfferError(f"the offer is not a session description: {error}") from None
    if not session.medias:
        raise OfferError("the offer has no m-lines")
    if len(session.medias) > len(layout):
        raise OfferError(f"an offer has at most {len(layout)} m-lines")
    known: dict[Hashable, Payloads] = {}
    lines = tuple(
        _line(number, place, session, media, known)
        for number, (place, media) in enumerate(zip(layout, session.medias, strict=False), 1)
    )
    mids = [line.mid for line in lines]
    if len(set(mids)) < len(mids):
        raise OfferError("two m-lines have the same mid")
    if before and [line.mid for line in before.lines] != mids[: len(before.lines)]:
        raise OfferError("m-lines and their mids stay the same for the whole session")
    offer = Offer(
        lines,
        ufrag=_said(session, "ice-ufrag"),
        password=_said(session, "ice-pwd"),
        fingerprint=_said(session, "fingerprint"),
        setup=_said(session, "setup"),
        mixed=any(part.get("extmap-allow-mixed") is not None for part in (session, *session.medias)),
    )
    _check_transport(session, offer, mids)
    return offer


def _check_transport(session: SessionDescription, offer: Offer, mids: list[str]) -> None:
    groups = [group.split() for group in session.get_all("group")]
    if not any(group[:1] == ["BUNDLE"] and set(mids) <= set(group[1:]) for group in groups):
        raise OfferError("all m-lines must be in one BUNDLE group")
    if not 4 <= len(offer.ufrag) <= 256 or not 22 <= len(offer.password) <= 256:
        raise OfferError("ice-ufrag has 4 to 256 characters, ice-pwd 22 to 256")
    if offer.setup not in ("actpass", "active"):
        raise OfferError("a=setup must be actpass or active: this server is passive")
    if not offer.fingerprint.lower().startswith("sha-256 "):
        raise OfferError("a=fingerprint must be sha-256")
    for line in offer.lines:
        if line.taken and not line.media.rtcp_mux:
            raise OfferError("every m-line needs a=rtcp-mux")


def _said(session: SessionDescription, name: str) -> str:
    """An attribute of the transport: at the first line that has it, else in the session part."""
    for part in (*session.medias, session):
        if value := part.get(name):
            return value
    raise OfferError(f"the offer has no a={name}")


def _line(
    number: int,
    place: Place,
    session: SessionDescription,
    media: MediaDescription,
    known: dict[Hashable, Payloads],
) -> OfferedLine:
    if media.kind != place.kind:
        raise OfferError(f"m-line {number} must be {place.kind}, not {media.kind[:20]!r}")
    mid = media.get("mid") or ""
    if not 1 <= len(mid) <= 32 or not mid.isascii():
        raise OfferError(f"m-line {number} needs a=mid")
    direction = session.direction_of(media)
    wanted = Direction.SENDONLY if place.source else Direction.RECVONLY
    stopped = media.port == 0 and media.get("bundle-only") is None
    if direction not in (wanted, Direction.SENDRECV, Direction.INACTIVE) and not stopped:
        raise OfferError(f"m-line {number} must be {wanted}, not {direction}")
    return OfferedLine(
        mid=mid,
        place=place,
        stopped=stopped,
        taken=not stopped and direction is not Direction.INACTIVE,
        media=media,
        payloads=_payloads(media, known),
        extensions=dict(_extensions(media)),
        rids=_rids(media),
        ssrcs=_ssrcs(media),
        repairs=dict(_repairs(media)),
    )


def _payloads(media: MediaDescription, known: dict[Hashable, Payloads]) -> Payloads:
    """What the payload types mean. Most lines say the same in 70 lines of text: it is read once."""
    said = (pair for pair in media.attributes if pair[0].lower() in _OF_PAYLOADS)
    key = (media.kind, media.protocol, *media.formats, *said)
    if key not in known:
        rtpmap, fmtp = media.rtpmap, media.fmtp
        known[key] = Payloads(
            dict(_formats(media.kind, rtpmap, fmtp)),
            dict(_rtx(rtpmap, fmtp)),
            fmtp,
            frozenset(media.get_all("rtcp-fb")),
        )
    return known[key]


_OF_PAYLOADS: Final = frozenset(("rtpmap", "fmtp", "rtcp-fb"))


def _formats(
    kind: str, rtpmaps: Mapping[int, RtpMap], fmtp: Mapping[int, str]
) -> Iterator[tuple[Codec, int]]:
    """Codecs with their payload types; of several with one meaning the first counts."""
    seen = set()
    for payload_type, rtpmap in rtpmaps.items():
        if kind == "audio":
            codec = OPUS if (rtpmap.name, rtpmap.clock_rate, rtpmap.channels) == ("opus", 48000, 2) else None
        else:
            codec = video_codec(rtpmap.name, fmtp.get(payload_type, ""))
        if codec and codec not in seen:
            seen.add(codec)
            yield codec, payload_type


def _rtx(rtpmaps: Mapping[int, RtpMap], fmtp: Mapping[int, str]) -> Iterator[tuple[int, int]]:
    for payload_type, rtpmap in rtpmaps.items():
        original = parse_parameters(fmtp.get(payload_type, "")).get("apt", "")
        if rtpmap.name == "rtx" and original.isascii() and original.isdigit() and len(original) <= 3:
            yield int(original), payload_type


def _extensions(media: MediaDescription) -> Iterator[tuple[Extension, int]]:
    for value in media.get_all("extmap"):
        number, _, rest = value.partition(" ")
        number = number.partition("/")[0]
        uri = rest.split(" ", 1)[0]
        # Above 14 they do not fit the one-byte headers that we write.
        if uri in _URIS and number in _EXTENSION_NUMBERS:
            yield Extension(uri), int(number)


_URIS: Final = frozenset(Extension)
_EXTENSION_NUMBERS: Final = frozenset(map(str, range(1, 15)))


def _rids(media: MediaDescription) -> tuple[str, ...]:
    direction, _, streams = (media.get("simulcast") or "").partition(" ")
    if direction != "send":
        return ()
    offered = {choice.lstrip("~") for choice in streams.split(" ")[0].replace(",", ";").split(";")}
    described = {value.split(" ")[0] for value in media.get_all("rid") if value.split(" ")[1:2] == ["send"]}
    return tuple(rid for rid in RIDS if rid in offered & described)


def _ssrcs(media: MediaDescription) -> tuple[int, ...]:
    named = dict.fromkeys(filter(None, (_number(value.partition(" ")[0]) for value in media.get_all("ssrc"))))
    repairs = dict(_repairs(media))
    return tuple(ssrc for ssrc in named if ssrc not in repairs)[:MAX_NAMED_SSRCS]


def _repairs(media: MediaDescription) -> Iterator[tuple[int, int]]:
    for value in media.get_all("ssrc-group")[:MAX_NAMED_SSRCS]:
        words = value.split()
        if words[:1] == ["FID"] and len(words) == 3:
            original, repair = _number(words[1]), _number(words[2])
            if original and repair:
                yield repair, original


def _number(text: str) -> int:
    """An SSRC; 0 when it is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
    return number if number <= 0xFFFFFFFF else 0
