"""Offers as browsers write them, cut to what matters: payload types and extension numbers are Chromium's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conferencing.embedded.extensions import Extension
from conferencing.embedded.offer import TILES, Place, layout_of

OPUS = 111
VP8, VP8_RTX = 96, 97
H264, H264_RTX = 103, 104
VP9, VP9_RTX = 98, 99
AV1, AV1_RTX = 45, 46
IDS = {
    Extension.AUDIO_LEVEL: 1,
    Extension.ABS_SEND_TIME: 2,
    Extension.TRANSPORT_CC: 3,
    Extension.MID: 4,
    Extension.RID: 10,
    Extension.REPAIRED_RID: 11,
    Extension.DEPENDENCY: 8,
}
_VIDEO = {
    "VP8": (VP8, VP8_RTX, "VP8/90000", None),
    "H264": (
        H264,
        H264_RTX,
        "H264/90000",
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    ),
    "VP9": (VP9, VP9_RTX, "VP9/90000", "profile-id=0"),
    "AV1": (AV1, AV1_RTX, "AV1/90000", "level-idx=5;profile=0;tier=0"),
}
FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)


def offer(
    *,
    lines: int | None = None,
    tiles: int = TILES,
    codecs: Sequence[str] = ("VP8", "VP9", "H264", "AV1"),
    simulcast: bool = False,
    ufrag: str = "abcd",
    password: str = "p" * 24,
    fingerprint: str = FINGERPRINT,
    extensions: bool = True,
) -> str:
    """A browser's offer for our layout, or for the first ``lines`` of it; mids are their numbers."""
    layout = layout_of(tiles)[:lines]
    text = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    text += ["a=group:BUNDLE " + " ".join(map(str, range(len(layout)))), "a=extmap-allow-mixed"]
    for mid, place in enumerate(layout):
        text += [*_line(mid, place, codecs, simulcast and place is Place.CAMERA, extensions)]
        text += [f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{password}", f"a=fingerprint:{fingerprint}"]
    return "\r\n".join(text) + "\r\n"


def _line(mid: int, place: Place, codecs: Sequence[str], simulcast: bool, extensions: bool) -> Iterator[str]:
    audio = place.kind == "audio"
    formats = [OPUS, 63, 9] if audio else [number for name in codecs for number in _VIDEO[name][:2]]
    yield f"m={place.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, formats))}"
    yield "c=IN IP4 0.0.0.0"
    yield "a=setup:actpass"
    yield f"a=mid:{mid}"
    if extensions:
        for uri, number in IDS.items():
            if audio == (uri is Extension.AUDIO_LEVEL) or uri in (Extension.MID, Extension.TRANSPORT_CC):
                yield f"a=extmap:{number} {uri}"
        yield "a=extmap:13 urn:3gpp:video-orientation"
    yield "a=sendonly" if place.source else "a=recvonly"
    yield "a=rtcp-mux"
    yield "a=rtcp-rsize"
    if audio:
        yield f"a=rtpmap:{OPUS} opus/48000/2"
        yield f"a=rtcp-fb:{OPUS} transport-cc"
        yield f"a=fmtp:{OPUS} minptime=10;useinbandfec=1"
        yield "a=rtpmap:63 red/48000/2"
        yield f"a=fmtp:63 {OPUS}/{OPUS}"
    else:
        for name in codecs:
            number, rtx, rtpmap, fmtp = _VIDEO[name]
            yield f"a=rtpmap:{number} {rtpmap}"
            for feedback in ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"):
                yield f"a=rtcp-fb:{number} {feedback}"
            if fmtp:
                yield f"a=fmtp:{number} {fmtp}"
            yield f"a=rtpmap:{rtx} rtx/90000"
            yield f"a=fmtp:{rtx} apt={number}"
    if simulcast:
        yield from (f"a=rid:{rid} send" for rid in "qhf")
        yield "a=simulcast:send q;h;f"
