import numpy as np
import pytest

from media.gain import power
from media.tones import join, leave

from .signals import spectrum


@pytest.mark.parametrize("rate", [8000, 16000])
def test_two_short_and_soft_tones(rate: int) -> None:
    for chime in (join(rate), leave(rate)):
        assert chime.dtype == np.int16
        assert len(chime) <= 0.25 * rate
        assert -45 < 10 * np.log10(power(chime) / 32768.0**2) < -30
        assert abs(int(chime[0])) < 10
        assert abs(int(chime[-1])) < 10
        assert np.abs(np.diff(chime.astype(np.int32))).max() < 2000  # no click between the notes


@pytest.mark.parametrize("rate", [8000, 16000])
def test_one_rises_the_other_falls(rate: int) -> None:
    half = len(join(rate)) // 2
    pitches = []
    for part in (join(rate)[:half], join(rate)[half:], leave(rate)[:half], leave(rate)[half:]):
        frequencies, strength = spectrum(part, rate)
        pitches.append(float(frequencies[strength.argmax()]))
    assert pitches == pytest.approx([523, 784, 784, 523], abs=10)


def test_shared_tones_cannot_be_spoilt() -> None:
    with pytest.raises(ValueError, match="read-only"):
        join(8000)[0] = 1
