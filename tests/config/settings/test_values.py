import pytest

from config.settings.values import Endpoint, Listener, PortRange, ip_address


@pytest.mark.parametrize(
    ("text", "listener"),
    [
        ("udp:127.0.0.1:5060", Listener("udp", "127.0.0.1", 5060)),
        ("tcp:[::1]:5060", Listener("tcp", "::1", 5060)),
        ("udp:[2001:db8::10]:5060", Listener("udp", "2001:db8::10", 5060)),
        ("tcp:0.0.0.0:0", Listener("tcp", "0.0.0.0", 0)),
    ],
)
def test_a_listener_is_read_and_written_back(text: str, listener: Listener) -> None:
    assert Listener.parse(text) == listener
    assert str(listener) == text


def test_the_transport_is_written_small() -> None:
    assert Listener.parse("UDP:127.0.0.1:5060").transport == "udp"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5060",
        "127.0.0.1:5060",
        "sctp:127.0.0.1:5060",
        "udp:127.0.0.1",
        "udp:127.0.0.1:",
        "udp:127.0.0.1:sip",
    ],
)
def test_what_is_no_listener_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        Listener.parse(text)


@pytest.mark.parametrize(
    "text", ["::1:8080", "[::1]", "[127.0.0.1]:8080", "localhost:8080", "127.0.0.1:-1", ":80"]
)
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="like"):
        Endpoint.parse(text)


def test_ports_end_at_65535() -> None:
    assert Endpoint.parse("127.0.0.1:65535").port == 65535
    with pytest.raises(ValueError, match="0 to 65535"):
        Endpoint.parse("127.0.0.1:65536")


def test_addresses_are_written_one_way() -> None:
    assert ip_address("[2001:DB8:0::0010]") == "2001:db8::10"
    with pytest.raises(ValueError, match="an IP address like"):
        ip_address("gateway.example")


def test_a_port_range_counts_pairs() -> None:
    ports = PortRange.parse("20000-20007")
    assert ports.pairs == 4
    assert 20007 in ports
    assert 20008 not in ports
    assert str(ports) == "20000-20007"
    assert PortRange.parse("20000-20004").pairs == 2  # the last even port has no odd one


@pytest.mark.parametrize(
    "text", ["20000", "20000-", "a-b", "29999-20000", "20000-20000", "1000-2000", "20000-70000"]
)
def test_what_is_no_port_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="range of ports"):
        PortRange.parse(text)


def test_a_port_range_begins_even() -> None:
    with pytest.raises(ValueError, match="even port"):
        PortRange.parse("20001-29999")
