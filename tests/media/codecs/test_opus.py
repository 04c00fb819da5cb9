"""Opus: tones found again after a trip through it, losses mended, and nothing that libopus cannot bear."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codecs import Pcm, opus
from media.codecs.opus import Decoder, Encoder, OpusError
from tests.bridge.lines import level_of, tone

FRAMES = 50


def frames(pcm: Pcm, rate: int) -> list[Pcm]:
    return list(pcm.reshape(-1, rate // 50))


def encoded(pcm: Pcm, rate: int) -> list[bytes]:
    encoder = Encoder(rate)
    return [encoder.encode(frame) for frame in frames(pcm, rate)]


def warble(rate: int, seconds: float = 1.0) -> Pcm:
    """Something like a voice: harmonics of a gliding pitch, in syllables."""
    time = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * (140 * time + 20 * np.sin(2 * np.pi * 1.5 * time))
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 12))
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    return np.asarray(5000 * voice * syllables, np.int16)


@pytest.mark.parametrize("spoken", [8000, 16000])
@pytest.mark.parametrize("heard", [8000, 16000, 48000])
def test_a_tone_goes_through(spoken: int, heard: int) -> None:
    decoder = Decoder(heard)
    pcm = np.concatenate([decoder.decode(p) for p in encoded(tone(1000.0, 1.0, spoken), spoken)])
    assert len(pcm) == heard
    assert level_of(pcm[heard // 5 :], heard, 1000.0) == pytest.approx(-12.2, abs=1.5)
    assert level_of(pcm[heard // 5 :], heard, 2300.0) < -45


def test_wideband_is_wide() -> None:
    decoder = Decoder(16000)
    pcm = np.concatenate([decoder.decode(p) for p in encoded(tone(6000.0, 1.0, 16000), 16000)])
    assert level_of(pcm[3200:], 16000, 6000.0) > -16


def test_the_bit_rate_is_as_said() -> None:
    sizes = [len(payload) for payload in encoded(warble(16000, 2.0), 16000)]
    assert 0.6 * opus.BITRATE < sum(sizes) * 8 / 2.0 < 1.15 * opus.BITRATE


def test_a_steady_tone_is_not_taken_for_silence() -> None:
    decoder = Decoder()
    pcm = np.concatenate([decoder.decode(p) for p in encoded(tone(1000.0, 5.0, 16000), 16000)])
    assert level_of(pcm[4 * 16000 :], 16000, 1000.0) == pytest.approx(-12.2, abs=1.5)


def test_a_payload_of_silence_is_silent() -> None:
    payload = encoded(warble(8000), 8000)[-1]
    silence = bytes([payload[0] & 0xFC])
    assert len(silence) <= opus.SILENCE
    assert opus.samples(silence, 48000) == 960
    assert not Decoder().decode(silence).any()


def test_every_payload_is_20_ms() -> None:
    for rate in (8000, 16000):
        assert {opus.samples(payload, 48000) for payload in encoded(warble(rate), rate)} == {960}


@pytest.mark.parametrize("samples", [80, 321, 0])
def test_what_is_not_a_frame_is_refused(samples: int) -> None:
    if samples == 80:
        Encoder(8000).encode(np.zeros(80, np.int16))  # 10 ms is one
    else:
        with pytest.raises(OpusError, match="invalid argument"):
            Encoder(8000).encode(np.zeros(samples, np.int16))


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x03\x00"])
def test_what_is_not_opus_is_refused_and_the_stream_goes_on(payload: bytes) -> None:
    payloads = encoded(tone(1000.0, 1.0, 16000), 16000)
    decoder = Decoder()
    heard = []
    for each in payloads:
        heard.append(decoder.decode(each))
        with pytest.raises(OpusError):
            decoder.decode(payload)
    assert level_of(np.concatenate(heard[10:]), 16000, 1000.0) > -14


def test_a_loss_is_concealed_and_fades() -> None:
    payloads = encoded(tone(400.0, 1.0, 16000), 16000)
    decoder = Decoder()
    for payload in payloads[:25]:
        before = decoder.decode(payload)
    concealed = [decoder.conceal(320) for _ in range(25)]
    powers = [float((pcm.astype(float) ** 2).mean()) for pcm in (before, *concealed)]
    assert powers[1] > 0.3 * powers[0]
    assert powers[-1] < 0.01 * powers[0]


def test_the_following_payload_mends_a_loss_better_than_concealment() -> None:
    """In-band error correction: the lost frame, in a lower quality, is in its successor."""
    payloads = encoded(warble(16000, 2.0), 16000)

    def error(lost: int, *, corrected: bool) -> float:
        truth, decoder = Decoder(), Decoder()
        for payload in payloads[:lost]:
            truth.decode(payload)
            decoder.decode(payload)
        wanted = truth.decode(payloads[lost])
        mended = decoder.recover(payloads[lost + 1], 320) if corrected else decoder.conceal(320)
        assert len(mended) == 320
        return float(((wanted.astype(float) - mended) ** 2).sum())

    losses = range(20, 90, 7)
    corrected = sum(error(lost, corrected=True) for lost in losses)
    assert corrected < 0.5 * sum(error(lost, corrected=False) for lost in losses)


def test_after_a_reset_nothing_rings_on() -> None:
    decoder = Decoder()
    for payload in encoded(tone(400.0, 0.5, 16000), 16000):
        decoder.decode(payload)
    decoder.reset()
    assert not decoder.conceal(320).any()


def test_more_than_a_payload_can_hold_is_never_asked_of_libopus() -> None:
    with pytest.raises(OpusError):
        Decoder().conceal(16000)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=1600), st.booleans()), max_size=8))
def test_whatever_comes_is_samples_or_an_error(stream: list[tuple[bytes, bool]]) -> None:
    decoder = Decoder()
    for payload, lost in stream:
        try:
            pcm = decoder.recover(payload, 320) if lost else decoder.decode(payload)
        except OpusError:
            continue
        assert 0 < len(pcm) <= 1920
        assert pcm.dtype == np.int16
        if not lost:
            assert len(pcm) == opus.samples(payload, 16000)
