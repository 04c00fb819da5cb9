"""Full collections happen when nobody calls, and are counted."""

import gc
from collections.abc import Iterator

import pytest

from gateway.garbage import OLDEST, Garbage


class Calls:
    def __init__(self) -> None:
        self.running = 0

    def none(self) -> bool:
        return self.running == 0


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def garbage(calls: Calls) -> Iterator[Garbage]:
    before = gc.get_threshold()
    garbage = Garbage(calls.none)
    garbage.install()
    yield garbage
    garbage.uninstall()
    assert gc.get_threshold() == before


def grow(times: int) -> None:
    for _ in range(times):
        gc.collect(1)


def test_the_oldest_generation_is_not_collected_by_itself(garbage: Garbage) -> None:
    grow(20)
    cycles: list[list[object]] = [[] for _ in range(100_000)]
    assert cycles
    assert garbage.collections[OLDEST] == 0
    assert garbage.collections[1] >= 20


def test_swept_when_idle(garbage: Garbage, calls: Calls) -> None:
    grow(1)
    calls.running = 1
    assert not garbage.sweep()
    calls.running = 0
    assert garbage.sweep()
    assert garbage.collections[OLDEST] == 1
    assert not garbage.sweep(), "nothing has grown since"


def test_swept_when_overdue_though_busy(garbage: Garbage, calls: Calls) -> None:
    calls.running = 1
    grow(99)
    assert not garbage.sweep()
    grow(10)
    assert garbage.sweep()


def test_what_was_there_at_the_start_is_frozen(garbage: Garbage) -> None:
    assert gc.get_freeze_count() > 1000


def test_pauses_are_timed() -> None:
    times = iter([1.0, 1.05])
    garbage = Garbage(lambda: True, clock=lambda: next(times))
    garbage.measure("start", {"generation": 1})
    garbage.measure("stop", {"generation": 1})
    assert garbage.collections == [0, 1, 0]
    assert garbage.pauses.count == 1
    assert garbage.pauses.total == pytest.approx(0.05)
