"""ICE servers as engines name them."""

import pytest

from media.webrtc.servers import IceServerError, StunServer, TurnServer, read_servers

CREDENTIALS = {"username": "phone", "credential": "secret"}


def turn(host: str, port: int, *, tcp: bool = False, tls: bool = False) -> TurnServer:
    return TurnServer(host, port, "phone", "secret", tcp=tcp, tls=tls)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("stun:stun.example.org", StunServer("stun.example.org", 3478)),
        ("STUN:192.0.2.1:19302", StunServer("192.0.2.1", 19302)),
        ("turn:turn.example.org", turn("turn.example.org", 3478)),
        ("turn:turn.example.org:80?transport=udp", turn("turn.example.org", 80)),
        ("turn:[2001:db8::1]:80?transport=tcp", turn("2001:db8::1", 80, tcp=True)),
        ("turns:turn.example.org", turn("turn.example.org", 5349, tcp=True, tls=True)),
        ("turns:turn.example.org:443?transport=tcp", turn("turn.example.org", 443, tcp=True, tls=True)),
    ],
)
def test_urls(url: str, server: StunServer | TurnServer) -> None:
    assert read_servers([{"urls": url, **CREDENTIALS}]) == [server]
    assert read_servers([{"urls": [url, url], **CREDENTIALS}, {"urls": (), "username": ""}]) == [server]


@pytest.mark.parametrize("url", ["stuns:stun.example.org", "turns:turn.example.org?transport=udp"])
def test_what_is_for_other_clients_is_passed_over(url: str) -> None:
    assert read_servers([{"urls": [url, "stun:192.0.2.1"], **CREDENTIALS}]) == [StunServer("192.0.2.1")]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "turn",
        "turn:",
        "http://turn.example.org",
        "turn://turn.example.org",
        "turn:phone@turn.example.org",
        "turn:turn.example.org:0",
        "turn:turn.example.org:65536",
        "turn:turn.example.org:port",
        "turn:turn.example.org?transport=sctp",
        "turn:turn.example.org?transport=udp&x=1",
        "turn:[2001:db8::1",
        "turn:[2001:db8::1::2]",
        "turn:two words",
        "stun:stun.example.org?transport=udp",
    ],
)
def test_what_is_malformed_is_refused(url: str) -> None:
    with pytest.raises(IceServerError, match="expected"):
        read_servers([{"urls": [url], **CREDENTIALS}])


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"urls": 7},
        {"urls": "turn:turn.example.org"},
        {"urls": "turn:turn.example.org", "username": "phone", "credential": ""},
        {"urls": "turn:turn.example.org", "username": 1, "credential": "secret"},
    ],
)
def test_what_is_missing_is_said(entry: dict[str, object]) -> None:
    with pytest.raises(IceServerError, match="expected"):
        read_servers([entry])


def test_no_error_and_no_value_shows_the_credential() -> None:
    with pytest.raises(IceServerError) as refused:
        read_servers([{"urls": "turn:turn.example.org:0", **CREDENTIALS}])
    assert "secret" not in str(refused.value) + repr(turn("turn.example.org", 1))
