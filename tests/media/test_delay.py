import random

import pytest

from media.delay import PlayoutDelay

TICK = 160


def observed(delay: PlayoutDelay, lags: list[float], *, start: int = 0) -> None:
    """Packets that lag behind the fastest by that much, played one tick after they were sent."""
    for number, lag in enumerate(lags, start):
        position = number * TICK
        delay.observe(5000.0 + position + lag, position, position - TICK)


def fresh() -> PlayoutDelay:
    delay = PlayoutDelay(160, 1600)
    delay.rebase(5000.0, 0)
    delay.place(5000.0, -TICK)
    return delay


def test_without_jitter_it_wants_the_least() -> None:
    delay = fresh()
    observed(delay, [0.0] * 500)
    assert delay.wanted == 160
    assert delay.present == pytest.approx(TICK, abs=1)


def test_it_wants_what_99_of_100_packets_need() -> None:
    delay, chance = fresh(), random.Random(2)
    lags = [chance.random() * 400 for _ in range(3000)]
    observed(delay, lags)
    wanted = []
    for number in range(3000, 6000):
        observed(delay, [chance.random() * 400], start=number)
        wanted.append(delay.wanted)
    assert sum(wanted) / len(wanted) == pytest.approx(400 + 80, abs=40)


def test_one_packet_out_of_a_thousand_does_not_matter() -> None:
    delay = fresh()
    observed(delay, ([0.0] * 999 + [1200.0]) * 3)
    assert delay.wanted <= 240


def test_it_follows_a_clock_that_drifts() -> None:
    """1000 ppm slow: transit grows by 8 octets a second, which is no jitter."""
    delay = fresh()
    observed(delay, [number * TICK * 0.001 for number in range(5000)])
    assert delay.wanted <= 240
    assert delay.lag(5000.0 + 5000 * TICK * 1.001, 5000 * TICK) < 80


def test_what_belongs_to_another_time_line() -> None:
    delay = fresh()
    observed(delay, [0.0] * 10)
    assert delay.fits(5000.0 + 1000, 1000)
    assert delay.fits(5000.0 + 1000 + 2000, 1000)
    assert not delay.fits(5000.0 + 1000 + 8000, 1000)
    assert not delay.fits(5000.0 + 1000 - 8000, 1000)


def test_moving_the_play_out_moves_the_delay() -> None:
    delay = fresh()
    delay.shift(40)
    assert delay.present == TICK + 40
    delay.place(5000.0, -300)
    assert delay.present == 300
