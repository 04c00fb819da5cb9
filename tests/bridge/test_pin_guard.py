from ipaddress import ip_network

from bridge.pin_guard import MOST_SOURCES, PinGuard
from config.settings import LimitsSettings

LIMITS = LimitsSettings(
    pin_failures_per_source=3, pin_failures_per_room=4, pin_failures=6, pin_window_seconds=60
)


def test_a_source_is_stopped_and_let_in_again() -> None:
    guard = PinGuard(LIMITS)
    for now in (0.0, 1.0, 2.0):
        assert guard.may_try("192.0.2.1", None, now)
        guard.failed("192.0.2.1", None, now)
    assert not guard.may_try("192.0.2.1", None, 3.0)
    assert guard.may_try("192.0.2.2", None, 3.0)
    assert guard.may_try("192.0.2.1", None, 60.0), "the first try has left the window"
    assert guard.failures == 3


def test_a_named_room_has_a_lock_of_its_own() -> None:
    guard = PinGuard(LIMITS)
    for number in range(4):
        guard.failed(f"192.0.2.{number}", "team", 0.0)
    assert not guard.may_try("192.0.2.9", "team", 1.0)
    assert guard.may_try("192.0.2.9", "other", 1.0)
    assert guard.may_try("192.0.2.9", None, 1.0)


def test_an_ipv6_subscriber_is_one_source() -> None:
    guard = PinGuard(LIMITS)
    for number in range(3):
        guard.failed(f"2001:db8::{number}", None, 0.0)
    assert not guard.may_try("2001:db8::9", None, 1.0)
    assert guard.may_try("2001:db8:0:1::9", None, 1.0)


def test_callers_behind_a_trusted_address_share_no_limit_but_the_rooms_and_the_overall_one() -> None:
    guard = PinGuard(LIMITS.model_copy(update={"trusted": (ip_network("192.0.2.0/24"),)}))
    for _ in range(4):
        guard.failed("192.0.2.1", "team", 0.0)
    assert guard.may_try("192.0.2.1", "other", 1.0)
    assert not guard.may_try("192.0.2.1", "team", 1.0)
    for _ in range(2):
        guard.failed("192.0.2.1", None, 1.0)
    assert not guard.may_try("192.0.2.1", "other", 2.0)
    assert guard.failures == 6


def test_many_sources_together_are_stopped() -> None:
    guard = PinGuard(LIMITS)
    for number in range(6):
        guard.failed(f"192.0.2.{number}", None, 0.0)
    assert not guard.may_try("198.51.100.1", None, 1.0)


def test_memory_is_bounded() -> None:
    guard = PinGuard(LimitsSettings(pin_failures=10**6))
    for number in range(MOST_SOURCES + 100):
        guard.failed(str(number), None, 0.0)
    assert len(guard._sources._times) == MOST_SOURCES
