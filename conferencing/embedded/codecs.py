"""The video formats that are forwarded, and the little that must be seen inside them.

Nothing is decoded. Of each packet a forwarder asks two questions: does a picture that needs no other one
begin here (:func:`starts_keyframe`), and, where the format numbers its pictures outside the bit stream,
where do those numbers stand (:func:`number_pictures`), since they have to stay continuous when a slot goes
from one encoder to another.

======  =================================  ===================================================
format  key frame begins                   numbers
======  =================================  ===================================================
VP8     S, partition 0, P = 0 (RFC 7741)   picture ID (7 or 15 bits), TL0PICIDX (8 bits)
VP9     B, not P, lowest spatial layer     picture ID, TL0PICIDX (RFC 9628)
H.264   SPS or IDR slice (RFC 6184)        none
AV1     N in the aggregation header        frame number, in the dependency descriptor extension
======  =================================  ===================================================

A codec is *(name, profile)*: two H.264 profiles are two codecs, for who decodes one may not decode the
other. :data:`PREFERENCE` orders them: VP8 first, as every browser has it, encodes it cheaply and in
simulcast; then H.264 constrained baseline in packetization mode 1, which room systems and Safari's hardware
speak; then the thriftier but dearer VP9 and AV1.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple


@dataclass(frozen=True, slots=True)
class Codec:
    """A format with its profile: H.264's ``profile_idc`` and constraints as four hex digits, VP9's number."""

    name: str
    profile: str = ""

    def __str__(self) -> str:
        return f"{self.name}/{self.profile}" if self.profile else self.name


OPUS: Final = Codec("opus")
VP8: Final = Codec("VP8")
H264: Final = Codec("H264", "42e0")
VP9: Final = Codec("VP9", "0")
AV1: Final = Codec("AV1", "0")
PREFERENCE: Final = (VP8, H264, VP9, AV1)

_VIDEO: Final = frozenset(codec.name for codec in PREFERENCE)


def video_codec(name: str, parameters: str) -> Codec | None:
    """Name the codec of an ``rtpmap`` and its ``fmtp``; None for what is not forwarded."""
    if name not in _VIDEO:
        return None
    values = parse_parameters(parameters)
    if name == "H264":
        # Mode 0 cannot carry what mode 1 senders make of it, and the reverse holds in no browser's encoder.
        if values.get("packetization-mode") != "1":
            return None
        return Codec(name, _h264_profile(values.get("profile-level-id", "420010")))
    if name == "VP8":
        return VP8
    return Codec(name, values.get("profile-id" if name == "VP9" else "profile", "0"))


def parse_parameters(text: str) -> dict[str, str]:
    """Read ``a=1;b=2`` of an ``a=fmtp``; names in lower case."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def _h264_profile(level_id: str) -> str:
    profile = level_id[:4].lower()
    # Baseline with constraint_set1 is Constrained Baseline, however the other constraint bits stand.
    if profile[:2] == "42" and profile[2:3] in tuple("4567cdef"):
        return "42e0"
    return profile


def starts_keyframe(name: str, payload: bytes) -> bool:
    """Return whether a picture that needs no other begins in this payload; never raises."""
    try:
        return _KEYFRAMES[name](payload)
    except IndexError:
        return False


def keyframe_height(name: str, payload: bytes) -> int | None:
    """Return the height in pixels that a key frame's first packet tells; None where that is not read."""
    if name != "VP8":
        return None
    try:
        at = _vp8_layout(payload).size
    except IndexError:
        return None
    if payload[at + 3 : at + 6] != b"\x9d\x01\x2a" or len(payload) < at + 10:
        return None
    return int.from_bytes(payload[at + 8 : at + 10], "little") & 0x3FFF


def _vp8_keyframe(payload: bytes) -> bool:
    if payload[0] & 0x17 != 0x10:  # S, and partition 0
        return False
    return payload[_vp8_layout(payload).size] & 1 == 0


def _vp9_keyframe(payload: bytes) -> bool:
    first = payload[0]
    if first & 0x48 != 0x08:  # B without P
        return False
    if not first & 0x20:  # no layer indices
        return True
    at = 1
    if first & 0x80:
        at += 2 if payload[1] & 0x80 else 1
    return payload[at] & 0x0E == 0  # spatial layer 0


_IDR, _SPS, _STAP_A, _FU_A = 5, 7, 24, 28


def _h264_keyframe(payload: bytes) -> bool:
    kind = payload[0] & 0x1F
    if kind == _FU_A:
        return bool(payload[1] & 0x80) and payload[1] & 0x1F in (_IDR, _SPS)
    if kind == _STAP_A:
        at = 1
        while at + 2 < len(payload):
            if payload[at + 2] & 0x1F in (_IDR, _SPS):
                return True
            at += 2 + (payload[at] << 8 | payload[at + 1])
        return False
    return kind in (_IDR, _SPS)


def _av1_keyframe(payload: bytes) -> bool:
    return payload[0] & 0x08 != 0


_KEYFRAMES: Final = {
    "VP8": _vp8_keyframe,
    "VP9": _vp9_keyframe,
    "H264": _h264_keyframe,
    "AV1": _av1_keyframe,
}


class _Layout(NamedTuple):
    """Where a VP8 or VP9 payload descriptor keeps its numbers; -1 where it has none."""

    picture_at: int
    wide: bool
    tl0_at: int
    size: int


def _vp8_layout(payload: bytes) -> _Layout:
    if not payload[0] & 0x80:
        return _Layout(-1, False, -1, 1)
    flags, at, picture_at, wide, tl0_at = payload[1], 2, -1, False, -1
    if flags & 0x80:
        picture_at, wide = at, bool(payload[at] & 0x80)
        at += 2 if wide else 1
    if flags & 0x40:
        tl0_at = at
        at += 1
    if flags & 0x30:
        at += 1
    return _Layout(picture_at, wide, tl0_at, at)


def _vp9_layout(payload: bytes) -> _Layout:
    first, at, picture_at, wide, tl0_at = payload[0], 1, -1, False, -1
    if first & 0x80:
        picture_at, wide = at, bool(payload[at] & 0x80)
        at += 2 if wide else 1
    if first & 0x20:
        at += 1
        if not first & 0x10:  # TL0PICIDX only in non-flexible mode
            tl0_at = at
            at += 1
    return _Layout(picture_at, wide, tl0_at, at)


_LAYOUTS: Final = {"VP8": _vp8_layout, "VP9": _vp9_layout}


class Picture(NamedTuple):
    """The numbers of one packet's picture, unwrapped, and where the payload keeps them.

    ``picture_at`` is where 15 bits with the M bit in front stand; ``tl0_at`` is -1 without TL0PICIDX.
    """

    number: int
    picture_at: int
    tl0: int
    tl0_at: int


class PictureCounter:
    """Unwraps one encoder's picture numbers, and brings them all to 15 bits."""

    __slots__ = ("_number", "_tl0")

    def __init__(self) -> None:
        self._number = -1
        self._tl0 = -1

    def read(self, name: str, payload: bytes) -> tuple[bytes, Picture | None]:
        """Return the payload with a 15-bit picture ID and what it says; as it came where there is none."""
        layout_of = _LAYOUTS.get(name)
        if layout_of is None:
            return payload, None
        try:
            at, wide, tl0_at, _ = layout_of(payload)
            if at < 0:
                return payload, None
            if wide:
                said, bits = (payload[at] & 0x7F) << 8 | payload[at + 1], 15
            else:
                said, bits = payload[at], 7
            tl0 = payload[tl0_at] if tl0_at >= 0 else 0
        except IndexError:
            return payload, None
        number = self._number = _unwrap(said, self._number, bits)
        if not wide:
            payload = payload[:at] + (0x8000 | number & 0x7FFF).to_bytes(2, "big") + payload[at + 1 :]
            tl0_at += tl0_at >= 0
        if tl0_at >= 0:
            tl0 = self._tl0 = _unwrap(tl0, self._tl0, 8)
        return payload, Picture(number, at, tl0, tl0_at)


def _unwrap(said: int, before: int, bits: int) -> int:
    """Return the number nearest to ``before`` whose low ``bits`` are ``said``."""
    if before < 0:
        return said
    half = 1 << (bits - 1)
    number = before + ((said - before + half) & ((1 << bits) - 1)) - half
    return number if number >= 0 else said
