from ipaddress import ip_network

from sip.guard import Guard


def admitted(guard: Guard, host: str, now: float, messages: int, octets: int = 500) -> int:
    return sum(guard.admits(host, octets, now) for _ in range(messages))


def test_a_sender_may_burst_and_then_send_at_the_rate() -> None:
    guard = Guard(rate=10, burst=20)
    assert admitted(guard, "192.0.2.1", 0.0, 100) == 20
    assert admitted(guard, "192.0.2.1", 1.0, 100) == 10
    assert admitted(guard, "192.0.2.1", 100.0, 100) == 20
    assert guard.dropped == 250


def test_a_flood_of_one_leaves_the_others_alone() -> None:
    guard = Guard(rate=10, burst=20)
    admitted(guard, "192.0.2.1", 0.0, 100)
    assert admitted(guard, "192.0.2.2", 0.0, 20) == 20


def test_trusted_networks_have_no_brake_in_either_notation() -> None:
    guard = Guard(rate=1, burst=1, trusted=[ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")])
    assert admitted(guard, "192.0.2.1", 0.0, 100) == 100
    assert admitted(guard, "::ffff:192.0.2.1", 0.0, 100) == 100
    assert admitted(guard, "2001:db8::1", 0.0, 100) == 100
    assert admitted(guard, "198.51.100.1", 0.0, 100) == 1


def test_an_ipv6_subscriber_is_one_sender() -> None:
    guard = Guard(rate=1, burst=10)
    assert sum(guard.admits(f"2001:db8::{n:x}", 500, 0.0) for n in range(50)) == 10
    assert guard.admits("2001:db8:0:1::1", 500, 0.0)


def test_only_so_many_senders_are_remembered() -> None:
    guard = Guard(rate=1, burst=1, remembered=3)
    hosts = [f"192.0.2.{n}" for n in range(4)]
    assert [guard.admits(host, 500, 0.0) for host in hosts] == [True] * 4
    assert not guard.admits(hosts[3], 500, 0.0)
    assert guard.admits(hosts[0], 500, 0.0)  # forgotten, and so as good as new


def test_a_clock_that_goes_back_gives_no_tokens() -> None:
    guard = Guard(rate=10, burst=1)
    assert guard.admits("192.0.2.1", 500, 10.0)
    assert not guard.admits("192.0.2.1", 500, 5.0)


def test_a_long_message_costs_more() -> None:
    guard = Guard(rate=10, burst=300)
    assert admitted(guard, "192.0.2.1", 0.0, 100, octets=60_000) == 2  # 120 tokens each
    assert admitted(guard, "192.0.2.1", 0.0, 100) == 60  # what is left is still good for short ones
