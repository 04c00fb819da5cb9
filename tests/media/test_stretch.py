import numpy as np
import pytest

from media.codecs import Pcm
from media.stretch import lengthen, period, shorten

from .signals import purity, roughness, tone

SPEECH_PITCHES = [90, 120, 200, 350]


def voice(pitch: float, seconds: float, rate: int) -> Pcm:
    """A pulse train through a decaying resonance: what a vowel looks like."""
    pulses = np.zeros(round(seconds * rate))
    pulses[(np.arange(0, seconds, 1 / pitch) * rate).astype(int)] = 1.0
    time = np.arange(round(0.02 * rate)) / rate
    ring = np.exp(-time * 250) * np.sin(2 * np.pi * 700 * time)
    sound = np.convolve(pulses, ring)[: len(pulses)]
    vowel: Pcm = np.rint(9000 * sound / np.abs(sound).max()).astype(np.int16)
    return vowel


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("pitch", SPEECH_PITCHES)
def test_the_period_of_a_voice_is_found(pitch: int, rate: int) -> None:
    longest = int(0.015 * rate)
    found = period(voice(pitch, 0.2, rate)[-3 * longest :], int(0.0025 * rate), longest)
    periods = found * pitch / rate
    assert periods == pytest.approx(round(periods), abs=0.05)
    assert round(periods) >= 1


def test_silence_goes_furthest() -> None:
    assert period(np.zeros(360, np.int16), 20, 120) == 120


def test_the_shift_is_a_multiple_of_the_step() -> None:
    for frequency in (310, 440, 555):
        assert period(tone(frequency, 0.045, 16000), 40, 240, 2) % 2 == 0


def stretched(pcm: Pcm, rate: int, every: int, longer: bool) -> Pcm:
    """The signal by ticks, every n-th of them made from a period more or less."""
    tick, longest = rate // 50, int(0.015 * rate)
    at, out = 3 * longest, [pcm[: 3 * longest]]
    count = 0
    while at + tick + longest < len(pcm):
        count += 1
        past = np.concatenate(out[-5:])
        if count % every:
            out.append(pcm[at : at + tick])
            at += tick
            continue
        shift = period(past[-3 * longest :], int(0.0025 * rate), longest)
        size = tick - shift if longer else tick + shift
        piece = pcm[at : at + size]
        out.append(lengthen(piece, tick, rate, past) if longer else shorten(piece, tick, rate))
        assert len(out[-1]) == tick
        assert out[-1].dtype == np.int16
        at += size
    return np.concatenate(out)


@pytest.mark.parametrize("longer", [True, False])
@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("frequency", [200, 313, 440, 997])
def test_a_tone_stays_a_clean_tone(frequency: int, rate: int, longer: bool) -> None:
    """1.5 % faster or slower, far more than any clock drifts: a seam of up to 15 ms every 40 ticks."""
    heard = stretched(tone(frequency, 4.0, rate), rate, 40, longer)
    assert purity(heard, frequency, rate) > 40
    assert roughness(heard, frequency, rate) < 1.1


@pytest.mark.parametrize("longer", [True, False])
@pytest.mark.parametrize("pitch", SPEECH_PITCHES)
def test_a_voice_gets_no_click(pitch: int, longer: bool) -> None:
    spoken = voice(pitch, 2.0, 8000)
    heard = stretched(spoken, 8000, 5, longer)
    steps = np.abs(np.diff(heard.astype(np.int32)))
    assert steps.max() <= 1.1 * np.abs(np.diff(spoken.astype(np.int32))).max()
    assert np.abs(heard).max() <= 1.1 * np.abs(spoken).max()


def test_the_ends_are_untouched() -> None:
    pcm, past = tone(313, 0.03, 8000), tone(313, 0.06, 8000)
    shorter = shorten(pcm, 160, 8000)
    assert shorter[0] == pcm[0]
    assert shorter[-1] == pcm[-1]
    assert lengthen(pcm[:120], 160, 8000, past)[-1] == pcm[119]
