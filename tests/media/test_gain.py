import numpy as np
import pytest

from media.codecs import Pcm
from media.gain import SILENCE, dbov, power, saturate, smooth

from .signals import tone


@pytest.mark.parametrize(
    ("pcm", "level"),
    [
        (tone(1000, 0.02, 8000, 32767), -3.01),
        (tone(1000, 0.02, 8000, 3276.7), -23.01),
        (np.full(160, -32768, np.int16), 0.0),
        (np.zeros(160, np.int16), SILENCE),
    ],
)
def test_levels_in_dbov(pcm: Pcm, level: float) -> None:
    assert float(dbov(power(pcm))) == pytest.approx(level, abs=0.02)


def test_all_legs_in_one_call() -> None:
    matrix = np.stack([tone(440, 0.02, 16000, amplitude) for amplitude in (100, 1000, 10000)])
    levels = dbov(power(matrix))
    assert levels.shape == (3,)
    assert np.diff(levels) == pytest.approx([20, 20], abs=0.1)


def test_smoothed_power_rises_fast_and_falls_slowly() -> None:
    loud, silent = np.array([1e6], np.float32), np.zeros(1, np.float32)
    level = silent
    for _ in range(3):
        level = smooth(level, loud)
    assert level[0] > 0.8 * loud[0]
    for _ in range(10):  # a gap of 200 ms between two words
        level = smooth(level, silent)
    assert level[0] > 0.5 * loud[0]
    for _ in range(100):
        level = smooth(level, silent)
    assert level[0] < 0.05 * loud[0]


def test_a_sum_saturates() -> None:
    total = np.array([40000, -40000, 32767, -32768, 5], np.int32)
    assert list(saturate(total)) == [32767, -32768, 32767, -32768, 5]
    assert saturate(total).dtype == np.int16
