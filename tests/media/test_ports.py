"""Port pairs: each to one call at a time, and rested before the next."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.outcome import Outcome
from media.ports import REST, SHORTEST_REST, PortAllocator, PortsExhaustedError


@pytest.mark.parametrize(
    ("first", "last", "ports"),
    [(20000, 20003, [20000, 20002]), (20001, 20005, [20002, 20004]), (65534, 65535, [65534])],
)
def test_pairs_lie_within_the_range(first: int, last: int, ports: list[int]) -> None:
    allocator = PortAllocator(first, last)
    assert [allocator.allocate(0.0) for _ in ports] == ports
    with pytest.raises(PortsExhaustedError) as error:
        allocator.allocate(0.0)
    assert error.value.outcome is Outcome.OVERLOADED


@pytest.mark.parametrize(
    ("first", "last"), [(20000, 20000), (20001, 20002), (0, 10), (-2, 10), (20000, 70000)]
)
def test_a_range_without_a_pair_is_refused(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="expected an even port"):
        PortAllocator(first, last)


def test_a_freed_port_rests_while_there_are_others() -> None:
    allocator = PortAllocator(20000, 20003)
    port = allocator.allocate(0.0)
    assert port in allocator
    assert port + 1 in allocator
    allocator.release(port, 10.0)
    assert port not in allocator
    other = allocator.allocate(11.0)
    assert other != port
    allocator.release(other, 40.0)
    assert allocator.allocate(42.0) == port


def test_where_ports_are_few_the_one_that_rested_longest_is_taken_but_not_at_once() -> None:
    allocator = PortAllocator(20000, 20003)
    first, second = allocator.allocate(0.0), allocator.allocate(0.0)
    allocator.release(second, 10.0)
    allocator.release(first, 11.0)
    with pytest.raises(PortsExhaustedError):
        allocator.allocate(11.9)
    assert allocator.allocate(12.0) == second
    with pytest.raises(PortsExhaustedError):
        allocator.allocate(12.9)
    assert allocator.allocate(13.0) == first


def test_a_port_that_nobody_was_told_of_need_not_rest() -> None:
    allocator = PortAllocator(20000, 20003)
    port = allocator.allocate(0.0)
    allocator.release(port, 0.0, told=False)
    assert [allocator.allocate(0.0), allocator.allocate(0.0)] == [port + 2, port], "in turn all the same"


def test_what_is_not_in_use_cannot_be_released() -> None:
    allocator = PortAllocator(20000, 20003)
    for port in (20000, 20001, 5060):
        with pytest.raises(KeyError):
            allocator.release(port, 0.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 40), st.integers(0, 5)), max_size=60))
def test_no_port_is_ever_given_twice_or_too_early(steps: list[tuple[float, int]]) -> None:
    allocator = PortAllocator(30000, 30011)
    used: list[int] = []
    freed: dict[int, float] = {}
    now = 0.0
    for delay, choice in steps:
        now += delay
        if choice < len(used):
            port = used.pop(choice)
            allocator.release(port, now)
            freed[port] = now
            continue
        ages = {port: now - freed.get(port, -60) for port in range(30000, 30012, 2) if port not in used}
        rested = [port for port, age in ages.items() if age >= REST] or [
            port for port, age in ages.items() if age >= SHORTEST_REST and age == max(ages.values())
        ]
        if not rested:
            with pytest.raises(PortsExhaustedError):
                allocator.allocate(now)
            continue
        port = allocator.allocate(now)
        assert port in rested
        used.append(port)
        assert allocator.in_use == len(used)
