import numpy as np
import pytest

from media.codecs import Pcm
from media.resample import Downsampler, Upsampler

from .signals import rms, spectrum, tone


def through(resampler: Upsampler | Downsampler, pcm: Pcm, tick: int) -> Pcm:
    return np.concatenate([resampler.process(pcm[at : at + tick]) for at in range(0, len(pcm), tick)])


@pytest.mark.parametrize("frequency", [200, 1000, 2000, 3000, 3400])
def test_up_keeps_the_tone_and_leaves_no_image(frequency: int) -> None:
    heard = through(Upsampler(), tone(frequency, 1.0, 8000), 160)[320:]
    assert len(heard) == 16000 - 320
    frequencies, power = spectrum(heard, 16000)
    assert frequencies[power.argmax()] == pytest.approx(frequency, abs=2)
    elsewhere = np.abs(frequencies - frequency) > 20
    assert 10 * np.log10(power[elsewhere].max() / power.max()) < -60
    assert 20 * np.log10(rms(heard) / rms(tone(frequency, 1.0, 8000))) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("frequency", [200, 1000, 2000, 3000, 3400])
def test_down_keeps_what_8_khz_can_carry(frequency: int) -> None:
    heard = through(Downsampler(), tone(frequency, 1.0, 16000), 320)[160:]
    assert len(heard) == 8000 - 160
    frequencies, power = spectrum(heard, 8000)
    assert frequencies[power.argmax()] == pytest.approx(frequency, abs=2)
    assert 20 * np.log10(rms(heard) / rms(tone(frequency, 1.0, 16000))) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("frequency", [4600, 5000, 6000, 7500])
def test_down_folds_nothing_back(frequency: int) -> None:
    sent = tone(frequency, 1.0, 16000, 20000)
    heard = through(Downsampler(), sent, 320)[160:]
    assert 20 * np.log10(max(rms(heard), 0.1) / rms(sent)) < -60


def test_the_delay_is_below_two_milliseconds() -> None:
    impulse = np.zeros(320, np.int16)
    impulse[100] = 10000
    up = Upsampler().process(impulse)
    assert int(up.argmax()) - 200 == 31  # samples at 16 kHz: 1.94 ms
    impulse = np.zeros(320, np.int16)
    impulse[100:102] = 10000
    assert abs(int(Downsampler().process(impulse).argmax()) - 50) <= 16


def test_full_scale_saturates_and_does_not_wrap() -> None:
    square = np.where(np.arange(1600) // 8 % 2, 32767, -32768).astype(np.int16)
    up = through(Upsampler(), square, 160).astype(np.int32)
    straight = np.repeat(square, 2).astype(np.int32)
    wrapped = (np.sign(up[31:]) != np.sign(straight[: len(up) - 31])) & (np.abs(up[31:]) > 20000)
    assert not wrapped.any()


def test_reset_forgets_the_past() -> None:
    used = Upsampler()
    used.process(tone(440, 0.02, 8000))
    used.reset()
    assert np.array_equal(used.process(tone(300, 0.02, 8000)), Upsampler().process(tone(300, 0.02, 8000)))
