from ipaddress import ip_network

import pytest

from config.sources import counted_as, first_of_most, trusted_network

TRUSTED = (ip_network("192.0.2.0/24"), ip_network("2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address", "not an address"),
        ("", ""),
    ],
)
def test_the_name_an_address_is_counted_under(host: str, name: str) -> None:
    assert counted_as(host, ()) == name
    assert counted_as(host, TRUSTED) == name


@pytest.mark.parametrize("host", ["192.0.2.9", "::ffff:192.0.2.9", "2001:db8:1:2::9"])
def test_trusted_networks_are_not_counted(host: str) -> None:
    assert counted_as(host, TRUSTED) is None


def test_fewer_bits_of_an_ipv6_address_may_count() -> None:
    assert counted_as("2001:db8:0:1::1", (), bits=48) == "2001:db8::/48"
    assert counted_as("::ffff:198.51.100.1", (), bits=48) == "198.51.100.1"


@pytest.mark.parametrize(
    ("host", "network"),
    [("192.0.2.9", TRUSTED[0]), ("::ffff:192.0.2.9", TRUSTED[0]), ("2001:db8:1:2::9", TRUSTED[1])],
)
def test_the_trusted_network_of_an_address(host: str, network: object) -> None:
    assert trusted_network(host, TRUSTED) == network


@pytest.mark.parametrize("host", ["198.51.100.1", "2001:db8::1", "", "sbc.example.org"])
def test_no_trusted_network(host: str) -> None:
    assert trusted_network(host, TRUSTED) is None


def test_what_gives_way_is_the_first_of_whoever_holds_most() -> None:
    assert first_of_most({"1": "a", "2": "b", "3": "b", "4": "a", "5": "b"}) == "2"
    assert first_of_most({"1": None}) == "1"
