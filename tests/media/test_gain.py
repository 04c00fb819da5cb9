import numpy as np
import pytest

from media.gain import power, saturate

from .signals import tone


def test_power_is_the_mean_square() -> None:
    assert power(tone(1000, 0.02, 8000, 1000)) == pytest.approx(1000**2 / 2, rel=0.01)
    assert power(np.full(160, -32768, np.int16)) == 32768.0**2
    assert power(np.zeros(160, np.int16)) == 0.0


def test_a_sum_saturates() -> None:
    total = np.array([40000, -40000, 32767, -32768, 5], np.int32)
    assert list(saturate(total)) == [32767, -32768, 32767, -32768, 5]
    assert saturate(total).dtype == np.int16
