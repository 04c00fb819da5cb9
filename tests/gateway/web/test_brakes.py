"""Brakes by source: what one does costs another nothing."""

from __future__ import annotations

from ipaddress import ip_network

from gateway.web.brakes import Brakes


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_source_has_its_own_tokens() -> None:
    clock = Clock()
    each = Brakes(clock, [ip_network("192.0.2.0/24")], refill=1.0, depth=3.0)
    assert [each.take("198.51.100.1") for _ in range(4)] == [True, True, True, False]
    assert each.take("198.51.100.2")
    assert [each.take(f"2001:db8:1:{subnet}::") for subnet in range(4)] == [True, True, True, False]
    assert all(each.take("192.0.2.1") for _ in range(100))
    clock.now += 1.0
    assert [each.take("198.51.100.1") for _ in range(2)] == [True, False]


def test_a_debt_is_paid_first() -> None:
    clock = Clock()
    each = Brakes(clock, [ip_network("192.0.2.0/24")], refill=1.0, depth=3.0)
    each.spend("198.51.100.1", 5.0)
    assert [each.wait(source) for source in ("198.51.100.1", "198.51.100.2", "192.0.2.1")] == [3.0, 0.0, 0.0]
    clock.now += 2.5
    assert not each.take("198.51.100.1")
    clock.now += 0.5
    assert each.take("198.51.100.1")


def test_those_longest_unused_are_forgotten() -> None:
    each = Brakes(Clock(), (), refill=1.0, depth=1.0, most=2)
    assert [each.take(source) for source in ("a", "b", "a", "c", "a", "b")] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]
