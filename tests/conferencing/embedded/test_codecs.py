"""Key frames and picture numbers, in payloads as encoders make them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conferencing.embedded.codecs import (
    AV1,
    H264,
    VP8,
    VP9,
    Codec,
    PictureCounter,
    keyframe_height,
    starts_keyframe,
    video_codec,
)

from .room import vp8


@pytest.mark.parametrize(
    ("name", "parameters", "codec"),
    [
        ("VP8", "", VP8),
        ("VP9", "profile-id=0", VP9),
        ("VP9", "", VP9),
        ("VP9", "profile-id=2", Codec("VP9", "2")),
        ("AV1", "level-idx=5;profile=0;tier=0", AV1),
        ("H264", "packetization-mode=1;profile-level-id=42e01f", H264),
        ("H264", "profile-level-id=42C01F ; packetization-mode=1", H264),
        ("H264", "packetization-mode=1;profile-level-id=42001f", Codec("H264", "4200")),
        ("H264", "packetization-mode=1;profile-level-id=640c1f", Codec("H264", "640c")),
        ("H264", "profile-level-id=42e01f", None),
        ("H265", "", None),
        ("rtx", "apt=96", None),
    ],
)
def test_the_codec_of_a_payload_type(name: str, parameters: str, codec: Codec | None) -> None:
    assert video_codec(name, parameters) == codec


@pytest.mark.parametrize(
    ("name", "payload", "begins"),
    [
        ("VP8", vp8(5, keyframe=True), True),
        ("VP8", vp8(5), False),
        ("VP8", bytes((0x10, 0x00)), True),
        ("VP8", bytes((0x00, 0x00)), False),  # a key frame goes on
        ("VP8", bytes((0x11, 0x00)), False),  # another partition
        ("VP9", bytes((0x08, 0x82)), True),
        ("VP9", bytes((0x48, 0x82)), False),
        ("VP9", bytes((0x04, 0x82)), False),
        ("VP9", bytes((0xA8, 0x81, 0x02, 0x00, 0x07)), True),
        ("VP9", bytes((0xA8, 0x81, 0x02, 0x02, 0x07)), False),  # an upper spatial layer
        ("H264", bytes((0x65, 0x88)), True),
        ("H264", bytes((0x67, 0x42)), True),
        ("H264", bytes((0x61, 0x88)), False),
        ("H264", bytes((0x78, 0, 2, 0x09, 0x10, 0, 2, 0x67, 0x42)), True),
        ("H264", bytes((0x78, 0, 2, 0x09, 0x10, 0, 2, 0x61, 0x42)), False),
        ("H264", bytes((0x7C, 0x85, 0)), True),
        ("H264", bytes((0x7C, 0x45, 0)), False),
        ("H264", bytes((0x7C, 0x81, 0)), False),
        ("AV1", bytes((0x18, 0x0A)), True),
        ("AV1", bytes((0x10, 0x0A)), False),
    ],
)
def test_where_a_key_frame_begins(name: str, payload: bytes, begins: bool) -> None:
    assert starts_keyframe(name, payload) is begins


@given(st.sampled_from(("VP8", "VP9", "H264", "AV1")), st.binary(max_size=30))
def test_nothing_from_outside_raises(name: str, payload: bytes) -> None:
    starts_keyframe(name, payload)
    keyframe_height(name, payload)
    read, picture = PictureCounter().read(name, payload)
    assert len(read) - len(payload) in (0, 1)
    if picture is not None:
        assert read[picture.picture_at] & 0x80
        assert picture.tl0_at < len(read)


def test_the_height_of_a_key_frame() -> None:
    assert keyframe_height("VP8", vp8(1, keyframe=True)) == 480
    assert keyframe_height("VP8", vp8(1)) is None


def test_picture_numbers_are_unwrapped() -> None:
    counter = PictureCounter()
    read = [counter.read("VP8", vp8(number, tl0=number)) for number in (0x7FFE, 0x7FFF, 0, 0x7FFF, 1)]
    assert [picture.number - 0x7FFE for _, picture in read if picture] == [0, 1, 2, 1, 3]
    assert [picture.tl0 - 0xFE for _, picture in read if picture] == [0, 1, 2, 1, 3]


def test_seven_bits_become_fifteen() -> None:
    counter = PictureCounter()
    short = [bytes((0x90, 0xC0, number & 0x7F, 9)) + b"rest" for number in (126, 127, 128)]
    read = [counter.read("VP8", payload) for payload in short]
    assert [payload[2:4] for payload, _ in read] == [b"\x80\x7e", b"\x80\x7f", b"\x80\x80"]
    assert [payload[4:] for payload, _ in read] == [b"\x09rest"] * 3
    assert read[2][1] == (128, 2, 9, 4)


def test_vp9_has_numbers_too() -> None:
    payload = bytes((0xA8, 0x81, 0x02, 0x00, 0x07)) + b"rest"
    assert PictureCounter().read("VP9", payload) == (payload, (0x102, 1, 7, 4))
