"""Against the Recommendation's properties and against libavcodec's tables."""

from typing import Literal

import av
import numpy as np
import pytest
from av import AudioFrame, Packet
from av.audio.codeccontext import AudioCodecContext

from media.codecs import PCMA, PCMU, Codec
from media.codecs.g711 import ALAW, ULAW, CompandingLaw

CODES = bytes(range(256))
SAMPLES = np.arange(-32768, 32768).astype(np.int16)
LAWS = [pytest.param(ULAW, id="ulaw"), pytest.param(ALAW, id="alaw")]


def reference(name: str, mode: Literal["r", "w"]) -> AudioCodecContext:
    context = av.CodecContext.create(name, mode)
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout, context.format = 8000, "mono", "s16"
    return context


@pytest.mark.parametrize(("law", "name"), [(ULAW, "pcm_mulaw"), (ALAW, "pcm_alaw")])
def test_decoding_is_libavcodecs(law: CompandingLaw, name: str) -> None:
    (frame,) = reference(name, "r").decode(Packet(CODES))
    assert np.array_equal(law.decode(CODES), frame.to_ndarray()[0])


@pytest.mark.parametrize(("law", "name"), [(ULAW, "pcm_mulaw"), (ALAW, "pcm_alaw")])
def test_encoding_differs_from_libavcodecs_only_at_the_decision_values(law: CompandingLaw, name: str) -> None:
    """libavcodec rounds to the nearest output, the Recommendation's decision values are not all half-way."""
    frame = AudioFrame.from_ndarray(SAMPLES.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 8000
    encoded = b"".join(bytes(packet) for packet in reference(name, "w").encode(frame))
    theirs = law.decode(encoded).astype(np.int32)
    ours = law.decode(law.compress(SAMPLES)).astype(np.int32)
    assert np.mean(ours != theirs) < 0.02
    differing = ours != theirs
    wide = np.abs(ours - SAMPLES) - np.abs(theirs - SAMPLES)
    assert np.all(wide[differing] <= np.abs(ours[differing] - theirs[differing]) / 2)


@pytest.mark.parametrize("law", LAWS)
def test_a_code_decoded_and_encoded_is_itself(law: CompandingLaw) -> None:
    codes = np.frombuffer(CODES, np.uint8)
    again = law.compress(law.decode(CODES))
    negative_zero = {0x7F} if law is ULAW else set()
    assert {int(code) for code in codes[again != codes]} == negative_zero


@pytest.mark.parametrize("law", LAWS)
def test_encoding_is_monotonic(law: CompandingLaw) -> None:
    assert np.all(np.diff(law.decode(law.compress(SAMPLES)).astype(np.int32)) >= 0)


@pytest.mark.parametrize(("law", "silence", "loudest"), [(ULAW, 0xFF, 32124), (ALAW, 0xD5, 32256)])
def test_the_ends_of_the_scale(law: CompandingLaw, silence: int, loudest: int) -> None:
    assert law.compress(np.zeros(1, np.int16))[0] == silence
    assert law.decode(CODES).max() == loudest
    assert law.decode(CODES).min() == -loudest
    assert list(law.decode(law.compress(np.array([-32768, 32767], np.int16)))) == [-loudest, loudest]


@pytest.mark.parametrize("law", LAWS)
def test_a_full_range_sine_keeps_the_signal_to_distortion_ratio_of_g712(law: CompandingLaw) -> None:
    """G.712 asks 33 dB from 0 to -30 dBm0 of the whole path; the law alone does better."""
    time = np.arange(8000) / 8000
    for level in (20000.0, 5000.0, 1000.0):
        sine = np.rint(level * np.sin(2 * np.pi * 1020 * time)).astype(np.int16)
        error = law.decode(law.compress(sine)).astype(np.float64) - sine
        assert 10 * np.log10(np.mean(sine.astype(np.float64) ** 2) / np.mean(error**2)) > 35


@pytest.mark.parametrize("codec", [PCMU, PCMA], ids=lambda codec: codec.name)
def test_rows_of_many_streams_go_through_at_once(codec: Codec) -> None:
    assert codec.law is not None
    matrix = np.random.default_rng(1).integers(-32768, 32767, (7, 160)).astype(np.int16)
    octets = codec.law.compress(matrix)
    assert octets.shape == (7, 160)
    assert [bytes(row) for row in octets] == [codec.encoder().encode(row) for row in matrix]
    assert np.array_equal(codec.law.decode(octets)[3], codec.decoder().decode(bytes(octets[3])))


@pytest.mark.parametrize("codec", [PCMU, PCMA], ids=lambda codec: codec.name)
def test_its_descriptor(codec: Codec) -> None:
    assert (codec.clock_rate, codec.sample_rate, codec.stateless) == (8000, 8000, True)
    assert codec.samples_per_tick == codec.octets_per_tick == 160
    codec.encoder().prime(np.zeros(160, np.int16))
