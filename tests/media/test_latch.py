"""Whom the latch believes, and whom we never send to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.latch import IN_SEQUENCE, SILENCE, Address, LatchState, SourceLatch, sendable

DESCRIBED = ("192.168.1.34", 11780)  # what a phone behind a NAT says
NAT = ("203.0.113.7", 40000)  # where it really comes from; its signalling too
MOVED = ("203.0.113.7", 41000)  # the same phone when its NAT has lost the mapping
STRANGER = ("198.51.100.9", 5000)
OTHER = ("198.51.100.10", 6000)
SSRC = 0x1234


def latch() -> SourceLatch:
    return SourceLatch(DESCRIBED, signalling_host="203.0.113.7")


def feed(
    latch: SourceLatch, source: Address, count: int, *, start: int = 100, ssrc: int = SSRC, at: float = 0.0
) -> list[bool]:
    return [
        latch.accepts(source, ssrc, (start + index) & 0xFFFF, at + index * 0.02) for index in range(count)
    ]


PROVING = [False] * (IN_SEQUENCE - 1)


def test_before_anything_arrives_the_description_counts() -> None:
    assert latch().destination == DESCRIBED
    assert SourceLatch(None).destination is None


def test_the_described_address_is_believed_at_once() -> None:
    one = latch()
    assert feed(one, DESCRIBED, 1) == [True]
    assert (one.source, one.state) == (DESCRIBED, LatchState.LATCHED)


def test_the_signallings_host_is_believed_after_four() -> None:
    one = latch()
    assert feed(one, NAT, 5) == [*PROVING, True, True]
    assert (one.destination, one.state) == (NAT, LatchState.LATCHED)


def test_the_described_host_may_send_from_another_port() -> None:
    one = latch()
    assert feed(one, (DESCRIBED[0], 9999), 4) == [*PROVING, True]
    assert one.state is LatchState.LATCHED


def test_four_must_be_in_sequence_and_of_one_source() -> None:
    one = latch()
    for sequence in (1, 2, 3, 5, 6, 7, 9, 8, 7, 6):
        assert not one.accepts(NAT, SSRC, sequence, 0.0)
    for sequence in range(20, 30):
        assert not one.accepts(NAT, sequence, sequence, 0.0)
    assert one.state is LatchState.SEARCHING


def test_the_sequence_may_wrap() -> None:
    assert feed(latch(), NAT, 4, start=0xFFFE) == [*PROVING, True]


def test_a_stranger_is_believed_until_someone_named_speaks() -> None:
    one = latch()
    assert feed(one, STRANGER, 4) == [*PROVING, True]
    assert one.state is LatchState.PROVISIONAL
    assert feed(one, OTHER, 10) == [False] * 10
    assert feed(one, NAT, 4, ssrc=77) == [*PROVING, True]
    assert (one.source, one.state) == (NAT, LatchState.LATCHED)
    assert not any(feed(one, STRANGER, 10, start=200))


def test_the_described_address_displaces_a_stranger_at_once() -> None:
    one = latch()
    feed(one, STRANGER, 4)
    assert feed(one, DESCRIBED, 1, ssrc=77) == [True]
    assert one.state is LatchState.LATCHED


def test_nobody_displaces_a_source_that_speaks() -> None:
    one = latch()
    feed(one, NAT, 100)
    assert not any(feed(one, STRANGER, 10, start=200, at=2.5))
    assert not any(feed(one, DESCRIBED, 10, start=200, at=2.5))
    assert one.source == NAT


def test_what_was_proven_before_the_latch_counts_no_more_after_it() -> None:
    one = latch()
    assert feed(one, MOVED, 3) == PROVING
    feed(one, DESCRIBED, 1, start=102)
    assert not one.accepts(MOVED, SSRC, 103, SILENCE)


def test_a_silent_source_may_move() -> None:
    one = latch()
    feed(one, NAT, 10)  # sequence 100..109, the last at 0.18 s
    assert feed(one, MOVED, 4, start=210, at=0.18 + SILENCE) == [*PROVING, True]
    assert (one.source, one.state) == (MOVED, LatchState.LATCHED)
    assert feed(one, STRANGER, 4, start=220, at=10.0) == [*PROVING, True]
    assert one.state is LatchState.PROVISIONAL


@pytest.mark.parametrize(
    ("ssrc", "start", "at"),
    [
        pytest.param(77, 110, 10.0, id="another SSRC"),
        pytest.param(SSRC, 90, 10.0, id="older numbers"),
        pytest.param(SSRC, 4000, 10.0, id="numbers far ahead"),
        pytest.param(SSRC, 110, 0.2, id="not silent yet"),
    ],
)
def test_who_does_not_go_on_with_the_stream_is_not_believed(ssrc: int, start: int, at: float) -> None:
    one = latch()
    feed(one, NAT, 10)
    assert not any(feed(one, MOVED, 10, ssrc=ssrc, start=start, at=at))


def test_a_description_that_moves_starts_anew() -> None:
    one = latch()
    feed(one, NAT, 4)
    one.expect(("192.0.2.99", 7000), "203.0.113.7")
    assert (one.destination, one.state) == (("192.0.2.99", 7000), LatchState.SEARCHING)
    assert feed(one, ("192.0.2.99", 7000), 1, ssrc=5) == [True]


def test_a_description_that_stays_keeps_the_latch() -> None:
    one = latch()
    feed(one, NAT, 4)
    one.expect(DESCRIBED, "203.0.113.7")
    assert one.source == NAT


def test_addresses_are_compared_by_what_they_mean() -> None:
    one = SourceLatch(("2001:DB8:0:0::1", 7000))
    assert one.accepts(("2001:db8::1", 7000, 0, 0), SSRC, 1, 0.0)
    mapped = SourceLatch(("192.0.2.1", 7000))
    assert mapped.accepts(("::ffff:192.0.2.1", 7000, 0, 0), SSRC, 1, 0.0)


def test_a_flood_of_strangers_does_not_crowd_out_the_named_one() -> None:
    one = latch()
    accepted = []
    for index in range(4):
        for attacker in range(50):
            assert not one.accepts((f"198.51.100.{index * 50 + attacker}", 1), attacker, index, 0.0)
        accepted.append(one.accepts(NAT, SSRC, index, 0.0))
    assert accepted == [*PROVING, True]


sources = st.sampled_from([DESCRIBED, NAT, MOVED, STRANGER, OTHER])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(sources, st.sampled_from([1, 2]), st.integers(0, 12), st.floats(0, 0.5)), max_size=80)
)
def test_the_latch_never_leaves_a_named_source_that_speaks(
    steps: list[tuple[tuple[str, int], int, int, float]],
) -> None:
    one = latch()
    now = 0.0
    heard = -10.0
    for source, ssrc, sequence, delay in steps:
        now += delay
        before, state = one.source, one.state
        accepted = one.accepts(source, ssrc, sequence, now)
        assert accepted == (one.source == source)
        if state is LatchState.LATCHED and one.source != before:
            assert now - heard >= SILENCE
        if accepted:
            heard = now


# -- whom we send to ---------------------------------------------------------------------------------------

OWN_HOSTS = ["192.0.2.1", "2001:db8::1"]
OWN_PORTS = {20000, 20001}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (("198.51.100.7", 4000), True),
        (("10.0.0.1", 4000), True),
        (("2001:db8::7", 4000), True),
        (("64:ff9b::c633:6407", 4000), True),  # NAT64
        (("fe80::1%eth0", 4000, 0, 2), True),
        (("192.0.2.1", 4000), True),  # a phone on our own machine
        (("192.0.2.1", 20000), False),
        (("::ffff:192.0.2.1", 20001), False),
        (("2001:db8::1", 20001), False),
        (("0.0.0.0", 4000), False),
        (("0.1.2.3", 4000), False),
        (("::", 4000), False),
        (("255.255.255.255", 4000), False),
        (("240.0.0.1", 4000), False),
        (("224.2.36.42", 4000), False),
        (("ff02::1", 4000), False),
        (("::ffff:224.0.0.1", 4000), False),
        (("127.0.0.1", 4000), False),
        (("::1", 4000), False),
        (("198.51.100.7", 0), False),
        (("198.51.100.7", 65536), False),
        (("phone.example.org", 4000), False),
        (("", 4000), False),
    ],
)
def test_whom_we_send_to(address: Address, expected: bool) -> None:
    assert sendable(address, OWN_HOSTS, OWN_PORTS) is expected


def test_loopback_is_for_those_who_are_bound_to_it() -> None:
    assert sendable(("127.0.0.5", 4000), ["127.0.0.1"], OWN_PORTS)
    assert not sendable(("127.0.0.1", 20000), ["127.0.0.1"], OWN_PORTS)
