"""The answer to a browser's offer: ICE-lite, DTLS passive, everything on one port (RFC 8829, RFC 8843).

What is negotiated:

- audio: Opus with ``usedtx=1`` (a silent browser would send 50 packets a second otherwise) and
  ``useinbandfec=1``; RED and the telephone codecs are not taken;
- what a client publishes: only codecs that everybody in the room decodes, in the room's order of preference,
  since browsers send the first; NACK, PLI, FIR and transport-wide feedback; simulcast where offered;
- slots: every codec the client can decode, so that no newcomer's codec asks for a new negotiation;
  ``goog-remb`` and abs-send-time, not transport-wide numbers, which had to be written per subscriber.

A slot's SSRCs are fixed for the session. Both slots of a tile are of one msid, for lip sync.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from conferencing.embedded.codecs import OPUS, Codec
from conferencing.embedded.extensions import Extension
from conferencing.embedded.offer import Offer, OfferedLine, Place
from media.rtpmap import RtpMap
from media.sdp import Direction, MediaDescription, Origin, SessionDescription

OPUS_PARAMETERS: Final = "minptime=10;useinbandfec=1;usedtx=1"

_EXTENSIONS: Final[Mapping[Place, tuple[Extension, ...]]] = {
    Place.MICROPHONE: (Extension.MID, Extension.AUDIO_LEVEL, Extension.TRANSPORT_CC),
    Place.CAMERA: (
        *(Extension.MID, Extension.RID, Extension.REPAIRED_RID),
        *(Extension.TRANSPORT_CC, Extension.DEPENDENCY),
    ),
    Place.SCREEN: (Extension.MID, Extension.TRANSPORT_CC, Extension.DEPENDENCY),
    Place.TILE_VOICE: (Extension.AUDIO_LEVEL,),
    Place.VOICE: (Extension.AUDIO_LEVEL,),
    Place.TILE_PICTURE: (Extension.ABS_SEND_TIME, Extension.DEPENDENCY),
    Place.SHARE: (Extension.ABS_SEND_TIME, Extension.DEPENDENCY),
}
_LOSS_FEEDBACK: Final = ("nack", "nack pli", "ccm fir")


@dataclass(frozen=True, slots=True)
class Ours:
    """What the transport tells of itself."""

    ufrag: str
    password: str
    fingerprint: str
    candidates: Sequence[str]


@dataclass(frozen=True, slots=True)
class SlotNames:
    """What the answer says of a slot. ``stream`` is shared by the two slots of a tile."""

    ssrc: int
    rtx_ssrc: int
    stream: str


def accepted_extensions(line: OfferedLine) -> dict[Extension, int]:
    """The extensions of a line that are answered, with the client's numbers."""
    return {name: line.extensions[name] for name in _EXTENSIONS[line.place] if name in line.extensions}


def accepted_formats(line: OfferedLine, publishable: Sequence[Codec]) -> list[Codec]:
    """The codecs of a line that are answered, most wanted first."""
    if line.place.kind == "audio":
        return [OPUS] if OPUS in line.formats else []
    if line.place.source:
        return [codec for codec in publishable if codec in line.formats]
    return list(line.formats)


def write_answer(
    offer: Offer,
    ours: Ours,
    slots: Mapping[str, SlotNames],
    publishable: Sequence[Codec],
    *,
    cname: str,
    session_id: int,
    version: int,
    upload: int | None = None,
) -> str:
    """Write the answer. ``slots`` by mid; ``publishable``: codecs all decode, most wanted first.

    ``upload`` (bit/s) is the most a client may publish on one line.
    """
    session = SessionDescription(Origin("-", session_id, version, "IP4", "127.0.0.1"))
    answered = [line.mid for line in offer.lines if not line.stopped]
    session.set("group", " ".join(("BUNDLE", *answered)))
    session.set("ice-lite")
    if offer.mixed:
        session.set("extmap-allow-mixed")
    session.set("msid-semantic", "WMS *")
    bundled = False
    for line in offer.lines:
        media = _media(line, ours, publishable)
        if media.port:
            if not bundled:
                media.attributes += [("candidate", candidate) for candidate in ours.candidates]
                media.attributes.append(("end-of-candidates", None))
                bundled = True
            if line.mid in slots and line.taken:
                media.attributes += _slot_attributes(slots[line.mid], line, cname)
            if upload and line.place in (Place.CAMERA, Place.SCREEN):
                media.bandwidths["TIAS"] = upload
        session.medias.append(media)
    return session.to_bytes().decode()


def _media(line: OfferedLine, ours: Ours, publishable: Sequence[Codec]) -> MediaDescription:
    if line.stopped:
        refused = line.media.refused()
        refused.set("mid", line.mid)
        return refused
    media = MediaDescription(line.media.kind, 9, line.media.protocol, connection="0.0.0.0")  # noqa: S104
    media.attributes += [
        ("mid", line.mid),
        ("ice-ufrag", ours.ufrag),
        ("ice-pwd", ours.password),
        ("fingerprint", ours.fingerprint),
        ("setup", "passive"),
        ("rtcp-mux", None),
        ("rtcp-rsize", None),
    ]
    codecs = accepted_formats(line, publishable)
    taken = line.taken and bool(codecs)
    ours_direction = Direction.RECVONLY if line.place.source else Direction.SENDONLY
    media.direction = ours_direction if taken else Direction.INACTIVE
    for name, number in accepted_extensions(line).items():
        media.attributes.append(("extmap", f"{number} {name}"))
    # An inactive line still has to list a format that was offered.
    for codec in codecs or list(line.formats)[:1]:
        _add_codec(media, line, codec)
    if not media.formats:
        media.formats = line.media.formats[:1]
    if taken and line.rids and line.place is Place.CAMERA:
        media.attributes += [("rid", f"{rid} recv") for rid in line.rids]
        media.attributes.append(("simulcast", f"recv {';'.join(line.rids)}"))
    return media


def _add_codec(media: MediaDescription, line: OfferedLine, codec: Codec) -> None:
    payload_type = line.formats[codec]
    if codec == OPUS:
        media.add_format(payload_type, RtpMap("opus", 48000, 2), OPUS_PARAMETERS)
        wanted: Collection[str] = ("transport-cc",) if line.place.source else ()
    else:
        media.add_format(payload_type, RtpMap(codec.name, 90000), line.payloads.parameters.get(payload_type))
        wanted = (*_LOSS_FEEDBACK, "transport-cc" if line.place.source else "goog-remb")
    offered = line.payloads.feedback
    for feedback in wanted:
        if f"{payload_type} {feedback}" in offered or f"* {feedback}" in offered:
            media.attributes.append(("rtcp-fb", f"{payload_type} {feedback}"))
    if payload_type in line.rtx:
        media.add_format(line.rtx[payload_type], RtpMap("rtx", 90000), f"apt={payload_type}")


def _slot_attributes(slot: SlotNames, line: OfferedLine, cname: str) -> Iterator[tuple[str, str]]:
    track = f"{slot.stream}-{line.place.kind}"
    yield "msid", f"{slot.stream} {track}"
    ssrcs = [slot.ssrc]
    if line.rtx:
        ssrcs.append(slot.rtx_ssrc)
        yield "ssrc-group", f"FID {slot.ssrc} {slot.rtx_ssrc}"
    for ssrc in ssrcs:
        yield "ssrc", f"{ssrc} cname:{cname}"
        yield "ssrc", f"{ssrc} msid:{slot.stream} {track}"
