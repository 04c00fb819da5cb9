from ipaddress import ip_network

from structlog.testing import capture_logs

from bridge.pin_guard import MOST_BUCKETS, PinGuard
from config.settings import LimitsSettings

LIMITS = LimitsSettings(
    pin_failures_per_source=3,
    pin_failures_per_trusted=40,
    pin_failures=60,
    pin_window_seconds=60,
    trusted=(ip_network("192.0.2.0/24"), ip_network("203.0.113.0/24")),
)
TRUNK, OTHER_TRUNK = "192.0.2.1", "203.0.113.1"


def wrong(guard: PinGuard, source: str, *, seen: bool = True, now: float = 0.0, times: int = 10**6) -> int:
    """Try wrong PINs until one is refused; how many were tried."""
    for count in range(times):
        if guard.begin(source, now, seen=seen) is None:
            return count
        guard.wrong()
    return times


def may_try(guard: PinGuard, source: str, *, seen: bool = True, now: float = 0.0) -> bool:
    brakes = guard.begin(source, now, seen=seen)
    guard.release(brakes or ())
    return brakes is not None


def test_a_source_is_stopped_and_let_in_again_little_by_little() -> None:
    guard = PinGuard(LIMITS)
    assert wrong(guard, "198.51.100.1") == 3
    assert guard.failures == 3
    assert may_try(guard, "198.51.100.2")
    assert not may_try(guard, "198.51.100.1", now=19.9)
    assert wrong(guard, "198.51.100.1", now=20.0) == 1, "a third of the window, a third of the tries"
    assert wrong(guard, "198.51.100.1", now=500.0) == 3


def test_right_pins_count_for_nothing() -> None:
    guard = PinGuard(LIMITS)
    assert all(may_try(guard, "198.51.100.1") for _ in range(100))
    assert guard.failures == 0


def test_tries_at_the_same_moment_count_before_their_answers_are_known() -> None:
    guard = PinGuard(LIMITS)
    under_way = [guard.begin("198.51.100.1", 0.0, seen=True) for _ in range(10)]
    assert [brakes is not None for brakes in under_way] == [True] * 3 + [False] * 7
    for brakes in under_way[:3]:
        guard.release(brakes or ())
    assert wrong(guard, "198.51.100.1") == 3


def test_an_ipv6_subscriber_is_one_source() -> None:
    guard = PinGuard(LIMITS)
    for subnet in range(3):
        assert wrong(guard, f"2001:db8:0:{subnet}::9", times=1) == 1
    assert not may_try(guard, "2001:db8:0:99::9")
    assert may_try(guard, "2001:db8:1::9")


def test_many_sources_together_are_stopped_but_not_the_trunk() -> None:
    guard = PinGuard(LIMITS)
    assert sum(wrong(guard, f"198.51.100.{number}") for number in range(200)) == 60
    assert not may_try(guard, "203.0.114.1")
    assert may_try(guard, TRUNK)


def test_a_guesser_behind_a_trunk_stops_only_that_trunk() -> None:
    guard = PinGuard(LIMITS)
    assert wrong(guard, TRUNK) == 40
    assert not may_try(guard, "192.0.2.200"), "the network counts, not the address"
    assert may_try(guard, OTHER_TRUNK)
    assert wrong(guard, "198.51.100.1") == 3


def test_forged_sources_stop_nobody_who_was_seen() -> None:
    guard = PinGuard(LIMITS)
    forged = [f"198.51.100.{number}" for number in range(100)]
    assert sum(wrong(guard, source, seen=False) for source in [*forged, TRUNK]) == 6 + 4
    assert not may_try(guard, "198.51.100.200", seen=False)
    assert not may_try(guard, TRUNK, seen=False)
    assert may_try(guard, "198.51.100.1")
    assert wrong(guard, TRUNK) == 40


def test_a_shared_limit_that_is_reached_is_told_once_an_hour() -> None:
    guard = PinGuard(LIMITS)
    with capture_logs() as logs:
        wrong(guard, "198.51.100.1")
        assert logs == [], "one guesser is no news"
        wrong(guard, TRUNK)
        wrong(guard, TRUNK, now=1800.0)
        assert [(entry["limit"], entry["bucket"]) for entry in logs] == [
            ("limits.pin_failures_per_trusted", "192.0.2.0/24")
        ]
        wrong(guard, TRUNK, now=3600.0)
    assert len(logs) == 2


def test_memory_is_bounded_and_what_is_in_use_stays() -> None:
    guard = PinGuard(LimitsSettings(pin_failures=10**6))
    for number in range(MOST_BUCKETS + 100):
        wrong(guard, str(number), times=1)
    assert len(guard._buckets) == MOST_BUCKETS
    assert "all" in guard._buckets


def test_what_the_documentation_says_of_the_defaults() -> None:
    """The table in the module's docstring."""
    trunk = LimitsSettings(trusted=LIMITS.trusted)
    guard = PinGuard(trunk)
    day = trunk.pin_window_seconds
    assert day == 86_400
    assert wrong(guard, "198.51.100.1") + wrong(guard, "198.51.100.1", seen=False) == 55
    assert wrong(guard, TRUNK) + wrong(guard, TRUNK, seen=False) == 550
    many = [f"198.51.100.{number}" for number in range(2, 256)]
    assert 55 + sum(wrong(guard, one) + wrong(guard, one, seen=False) for one in many) == 1100
