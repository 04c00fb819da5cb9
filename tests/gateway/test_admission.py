"""Who is let in, who is told 503 and who is told 486."""

from ipaddress import ip_network

import pytest

from config.outcome import Outcome
from config.settings import LimitsSettings
from gateway.admission import RETRY_AFTER, Admission


def test_calls_at_once() -> None:
    admission = Admission(LimitsSettings(calls=2))
    assert admission.admit("192.0.2.1", 0.0) is None
    assert admission.admit("192.0.2.2", 0.0) is None
    assert admission.admit("192.0.2.3", 0.0) is Outcome.OVERLOADED
    admission.ended("192.0.2.1")
    assert admission.admit("192.0.2.3", 0.0) is None
    assert admission.running == 2


def test_calls_per_second() -> None:
    admission = Admission(LimitsSettings(calls_per_second=10))
    verdicts = [admission.admit(f"192.0.2.{n}", 100.0) for n in range(11)]
    assert verdicts == [None] * 10 + [Outcome.OVERLOADED]
    assert admission.admit("192.0.2.20", 100.05) is Outcome.OVERLOADED
    assert admission.admit("192.0.2.20", 100.11) is None
    assert admission.admit("192.0.2.21", 100.11) is Outcome.OVERLOADED
    verdicts = [admission.admit(f"198.51.100.{n}", 200.0) for n in range(11)]
    assert verdicts == [None] * 10 + [Outcome.OVERLOADED], "a pause saves up one second, no more"


def test_a_process_whose_sound_is_late_takes_nobody_until_it_has_caught_up() -> None:
    behind = 0.0
    admission = Admission(LimitsSettings(), lambda: behind)
    assert admission.admit("192.0.2.1", 0.0) is None
    behind = 0.061
    assert admission.admit("192.0.2.1", 0.0) is Outcome.OVERLOADED
    assert admission.running == 1
    behind = 0.059
    assert admission.admit("192.0.2.1", 0.0) is None
    behind = 0.5
    assert Admission(LimitsSettings(late_ms=0), lambda: behind).admit("192.0.2.1", 0.0) is None


def test_calls_per_source() -> None:
    admission = Admission(LimitsSettings(calls_per_source=2))
    assert admission.admit("192.0.2.1", 0.0) is None
    assert admission.admit("192.0.2.1", 0.0) is None
    assert admission.admit("192.0.2.1", 0.0) is Outcome.SOURCE_LIMIT
    assert admission.admit("192.0.2.2", 0.0) is None
    admission.ended("192.0.2.1")
    assert admission.admit("192.0.2.1", 0.0) is None


def test_one_source_cannot_use_up_the_calls_per_second() -> None:
    admission = Admission(LimitsSettings(calls_per_second=3, calls_per_source=1))
    assert admission.admit("192.0.2.1", 0.0) is None
    for _ in range(10):
        assert admission.admit("192.0.2.1", 0.0) is Outcome.SOURCE_LIMIT
    assert admission.admit("192.0.2.2", 0.0) is None


def test_calls_per_second_of_one_source() -> None:
    limits = LimitsSettings(calls_per_second_per_source=2, trusted=(ip_network("203.0.113.0/24"),))
    admission = Admission(limits)
    verdicts = [admission.admit("192.0.2.1", 100.0) for _ in range(4)]
    assert verdicts == [None, None, Outcome.SOURCE_LIMIT, Outcome.SOURCE_LIMIT]
    admission.ended("192.0.2.1")
    assert admission.admit("192.0.2.1", 100.9) is Outcome.SOURCE_LIMIT, "new ones count, running or not"
    assert admission.admit("192.0.2.2", 100.9) is None
    assert admission.admit("192.0.2.1", 101.0) is None
    assert [admission.admit("203.0.113.1", 101.0) for _ in range(5)] == [None] * 5


def test_one_source_leaves_calls_per_second_to_others() -> None:
    admission = Admission(LimitsSettings(calls_per_second=5, calls_per_second_per_source=2))
    for _ in range(100):
        admission.admit("192.0.2.1", 0.0)
    assert [admission.admit(f"192.0.2.{n}", 0.0) for n in range(2, 5)] == [None] * 3


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        ("192.0.2.9", True),
        ("::ffff:192.0.2.9", True),
        ("2001:db8:1::9", True),
        ("192.0.3.9", False),
        ("2001:db8:2::9", False),
        ("fe80::1%eth0", False),
        ("not an address", False),
    ],
)
def test_trusted_networks_have_no_share(host: str, trusted: bool) -> None:
    admission = Admission(
        LimitsSettings(
            calls_per_source=1, trusted=(ip_network("192.0.2.0/24"), ip_network("2001:db8:1::/48"))
        )
    )
    assert admission.admit(host, 0.0) is None
    assert admission.admit(host, 0.0) is (None if trusted else Outcome.SOURCE_LIMIT)


def test_ipv6_counts_by_64_bits() -> None:
    admission = Admission(LimitsSettings(calls_per_source=1))
    assert admission.admit("2001:db8::1", 0.0) is None
    assert admission.admit("2001:db8::ffff:2", 0.0) is Outcome.SOURCE_LIMIT
    assert admission.admit("2001:db8:0:1::1", 0.0) is None
    admission.ended("2001:db8::aaaa")
    assert admission.admit("2001:db8::1", 0.0) is None


def test_draining_refuses_everyone() -> None:
    admission = Admission(LimitsSettings(trusted=(ip_network("192.0.2.0/24"),)))
    admission.begin_drain()
    assert admission.admit("192.0.2.1", 0.0) is Outcome.DRAINING
    assert admission.running == 0


def test_only_running_calls_are_remembered() -> None:
    admission = Admission(LimitsSettings())
    for n in range(100):
        assert admission.admit(f"198.51.100.{n}", float(n)) is None
        admission.ended(f"198.51.100.{n}")
    assert admission.running == 0
    assert not admission._by_source
    assert set(admission._new_by_source) == {"198.51.100.99"}


def test_every_503_says_when_to_come_back() -> None:
    assert set(RETRY_AFTER) == {Outcome.OVERLOADED, Outcome.DRAINING}
