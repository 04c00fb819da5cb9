from __future__ import annotations

import numpy as np
import pytest

from media.codecs import G722, PCMA, PCMU, Codec, Pcm
from media.inband import COLUMNS, PAD, ROWS, KeyHearing, ToneDetector, key_in
from media.receiver import AudioReceiver

KEYS = "".join(PAD)


def pair(
    key: str, seconds: float, rate: int = 8000, low: float = 4000, high: float = 4000, off: float = 1.0
) -> Pcm:
    row = next(index for index, keys in enumerate(PAD) if key in keys)
    column = PAD[row].index(key)
    time = np.arange(round(seconds * rate)) / rate
    tones = low * np.sin(2 * np.pi * ROWS[row] * off * time) + high * np.sin(
        2 * np.pi * COLUMNS[column] * off * time + 1
    )
    return tones.astype(np.int16)


def pause(seconds: float, rate: int = 8000) -> Pcm:
    return np.zeros(round(seconds * rate), np.int16)


def presses(pcm: Pcm) -> str:
    detector = ToneDetector()
    frames = pcm[: len(pcm) // 160 * 160].reshape(-1, 160)
    return "".join(key for key, _ in map(detector.receive, frames) if key)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("off", [0.985, 1.0, 1.015])
def test_every_key_within_tolerance(key: str, off: float) -> None:
    assert key_in(pair(key, 0.02, off=off)) == key


@pytest.mark.parametrize("phase", range(0, 160, 16))
def test_presses_at_any_phase_are_told_once_each(phase: int) -> None:
    sound = [pause(phase / 8000)]
    for key in "1123*#0":
        sound += [pair(key, 0.07), pause(0.07)]
    assert presses(np.concatenate(sound)) == "1123*#0"


def test_a_long_press_is_one() -> None:
    assert presses(np.concatenate([pair("5", 2.0), pause(0.1)])) == "5"


def test_a_dropout_within_a_press_does_not_double_it() -> None:
    assert presses(np.concatenate([pair("5", 0.2), pause(0.02), pair("5", 0.2)])) == "5"


@pytest.mark.parametrize("db", [-6.0, 6.0])
def test_twist_within_reason(db: float) -> None:
    assert key_in(pair("8", 0.02, low=4000, high=4000 * 10 ** (db / 20))) == "8"


def test_what_is_no_key() -> None:
    rng = np.random.default_rng(1)
    time = np.arange(160) / 8000
    assert key_in((8000 * np.sin(2 * np.pi * 697 * time)).astype(np.int16)) is None
    assert key_in(pair("8", 0.02, low=30, high=30)) is None, "too faint"
    assert key_in(pair("8", 0.02, low=8000, high=1000)) is None, "too much twist"
    assert not any(key_in((rng.standard_normal(160) * 3000).astype(np.int16)) for _ in range(500))


def test_nothing_is_heard_in_noisy_buzz() -> None:
    """A voice's harmonics: every multiple of its pitch at once."""
    time = np.arange(8000) / 8000
    for pitch in range(90, 260, 7):
        buzz = sum(1500 / n * np.sin(2 * np.pi * pitch * n * time) for n in range(1, 15))
        assert presses(np.asarray(buzz).astype(np.int16)) == ""


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722])
def test_through_a_codec_and_no_tone_gets_past(codec: Codec) -> None:
    rate = codec.sample_rate
    sound = np.concatenate(
        [pause(0.1, rate), pair("7", 0.1, rate), pause(0.2, rate), pair("#", 0.1, rate), pause(0.2, rate)]
    )
    receiver = AudioReceiver(codec)
    heard: list[str] = []
    hearing = KeyHearing(receiver, codec, heard.append)
    encoder = codec.encoder()
    loudest = 0
    size = codec.samples_per_tick
    for index in range(len(sound) // size):
        receiver.put(
            index, index * 160, encoder.encode(sound[index * size : (index + 1) * size]), index * 0.02
        )
        assert hearing.take_plain() is None
        pcm = hearing.take_pcm()
        if pcm is not None:
            loudest = max(loudest, int(np.mean(np.abs(pcm.astype(np.int32)))))
    assert "".join(heard) == "7#"
    assert loudest < 2500, "at most the edge of a tone, never a whole tick of it"
