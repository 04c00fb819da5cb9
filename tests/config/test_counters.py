"""The histogram that the hot path feeds."""

import pytest

from config.counters import Histogram


def test_a_value_on_a_bound_belongs_to_it() -> None:
    histogram = Histogram([0.01, 0.1, 1.0])
    for value in (0.0, 0.01, 0.010001, 0.1, 0.9, 1.0, 1.5):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 2, 1]
    assert histogram.count == 7
    assert histogram.total == pytest.approx(3.520001)


def test_quantiles_are_upper_estimates() -> None:
    histogram = Histogram([0.01, 0.1, 1.0])
    for _ in range(99):
        histogram.observe(0.005)
    histogram.observe(0.5)
    assert histogram.quantile(0.99) == 0.01
    assert histogram.quantile(1.0) == 1.0
    histogram.observe(10.0)
    assert histogram.quantile(1.0) == float("inf")


def test_quantile_of_nothing() -> None:
    assert Histogram([1.0]).quantile(0.99) == 0.0


@pytest.mark.parametrize("bounds", [[], [2.0, 1.0], [1.0, 1.0]])
def test_bounds_must_ascend(bounds: list[float]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        Histogram(bounds)
