"""The ears of the interop tests, on sounds whose content is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .peers.audio import (
    TONES,
    clicks,
    has_tone,
    lacks_tone,
    likeness,
    onset,
    read_wav,
    tone,
    tones_in,
    wideband,
    write_wav,
)
from .peers.phone import PROMPTS, _opening
from .peers.rtp import DECODE, encode

RATE = 8000


def through_g711(
    samples: np.ndarray[tuple[int], np.dtype[np.int16]],
) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return DECODE[np.frombuffer(encode(samples), np.uint8)]


def test_each_tone_is_told_from_the_others_through_g711() -> None:
    for frequency in TONES:
        heard = through_g711(tone(frequency, 1.0, RATE))
        assert has_tone(heard, RATE, frequency)
        assert all(lacks_tone(heard, RATE, other) for other in TONES if other != frequency)


def test_a_sum_of_tones_is_taken_apart() -> None:
    mix = sum((tone(frequency, 1.0, RATE, -20) for frequency in TONES[:3]), np.zeros(RATE, np.int16))
    found = tones_in(through_g711(mix), RATE)
    assert sorted(round(frequency, -1) for frequency in found) == [420, 620, 1030]
    assert all(-23 < level < -17 for level in found.values())


def test_what_passes_is_no_tone() -> None:
    word = np.concatenate([tone(TONES[0], 0.3, RATE), np.zeros(RATE, np.int16)])
    assert lacks_tone(word, RATE, TONES[0])
    assert not tones_in(word, RATE)


def test_own_ulaw_is_that_of_g711() -> None:
    """Both ends of the scale, both zeros, and every code through a round trip."""
    assert DECODE[[0x00, 0x80, 0x7F, 0xFF]].tolist() == [-32124, 32124, 0, 0]
    codes = np.delete(np.arange(256, dtype=np.uint8), 0x7F)
    assert np.array_equal(DECODE[np.frombuffer(encode(DECODE[codes]), np.uint8)], DECODE[codes])


def test_wideband_needs_more_than_the_rate() -> None:
    assert wideband(tone(6000, 1.0, 16000), 16000)
    assert not wideband(tone(1030, 1.0, 16000), 16000)
    assert not wideband(tone(1030, 1.0, RATE), RATE)


def test_onset_and_its_absence() -> None:
    late = np.concatenate([np.zeros(4000, np.int16), tone(1030, 0.5, RATE)])
    assert onset(late, RATE, 1030) == 0.5
    assert onset(late[:4000], RATE, 1030) is None


def test_clicks_are_found_where_they_are() -> None:
    steady = through_g711(tone(TONES[1], 2.0, RATE))
    assert clicks(steady, RATE, [TONES[1]]) == []
    broken = np.concatenate([steady[:8037], steady[8077:]])
    assert clicks(broken, RATE, [TONES[1]]) == [1.0]


def test_a_prompt_is_told_from_another() -> None:
    heard = through_g711(np.concatenate([np.zeros(5000, np.int16), _opening("fr/welcome", RATE) // 3]))
    assert likeness(heard, _opening("fr/welcome", RATE)) > 0.95
    for other in ("fr/wrong_pin", "fr/goodbye_silent", "en/welcome"):
        assert likeness(heard, _opening(other, RATE)) < 0.6
    assert (PROMPTS / "fr" / "welcome.flac").exists()


def test_a_recording_is_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, tone(1030, 0.1, RATE), RATE)
    unfinished = bytearray(path.read_bytes())
    unfinished[40:44] = bytes(4)
    path.write_bytes(unfinished)
    rate, samples = read_wav(path)
    assert (rate, len(samples)) == (RATE, 800)
    path.write_bytes(b"RIFF")
    assert len(read_wav(path)[1]) == 0
