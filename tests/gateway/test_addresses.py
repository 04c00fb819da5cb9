from typing import Any

import pytest

from config.settings import Settings
from gateway.addresses import reserved, sip_uri, web_url


@pytest.mark.parametrize(
    ("sip", "expected"),
    [
        ({}, "sip:team@127.0.0.1"),
        ({"listen": ["udp:192.0.2.1:5070"]}, "sip:team@192.0.2.1:5070"),
        ({"listen": ["tcp:192.0.2.1:5060", "udp:192.0.2.1:5070"]}, "sip:team@192.0.2.1:5070"),
        ({"listen": ["tcp:192.0.2.1:5060"]}, "sip:team@192.0.2.1;transport=tcp"),
        ({"listen": ["udp:[2001:db8::5060]:5060"]}, "sip:team@[2001:db8::5060]"),
        ({"listen": ["udp:[::1]:5070"]}, "sip:team@[::1]:5070"),
        (
            {"listen": ["udp:0.0.0.0:5070"], "advertised": ["2001:db8::1", "192.0.2.9"]},
            "sip:team@192.0.2.9:5070",
        ),
        ({"listen": ["udp:10.0.0.1:5060"], "advertised": ["192.0.2.9"]}, "sip:team@192.0.2.9"),
        ({"listen": ["udp:0.0.0.0:5070"], "domain": "visio.example"}, "sip:team@visio.example"),
    ],
)
def test_what_to_dial(sip: dict[str, Any], expected: str) -> None:
    assert sip_uri(Settings.model_validate({"sip": sip}), "team") == expected


@pytest.mark.parametrize(
    ("listen", "advertised", "expected"),
    [
        ("127.0.0.1:8080", [], "http://127.0.0.1:8080/r/team"),
        ("192.0.2.1:80", ["192.0.2.9"], "http://192.0.2.1/r/team"),
        ("0.0.0.0:8080", ["192.0.2.9"], "http://192.0.2.9:8080/r/team"),
        ("0.0.0.0:8080", [], "http://127.0.0.1:8080/r/team"),
        ("[::]:8080", ["192.0.2.9"], "http://[::1]:8080/r/team"),
    ],
)
def test_where_to_point_a_browser(listen: str, advertised: list[str], expected: str) -> None:
    settings = Settings.model_validate({"http": {"listen": listen}, "sip": {"advertised": advertised}})
    assert web_url(settings, "/r/team") == expected


def test_names_of_the_reception_are_no_rooms() -> None:
    sip = {"reception": ["meet", "+33 1 23 45 67 89", "*"]}
    taken = reserved(Settings.model_validate({"sip": sip, "ivr": {"languages": {"meet-en": "en"}}}))
    assert all(map(taken, ["meet", "meet-en", "33123456789", "0033123456789"]))
    assert not any(map(taken, ["team", "123456789", "*"]))
