"""Keys of links, tickets, and TURN credentials."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import WebRtcSettings
from gateway.web.tokens import TICKET_SECONDS, LinkKeys, Tickets
from gateway.web.turn import ice_servers
from rooms.values import Role, Room

ROOM = Room(7, "team", "Team")
KEYS = LinkKeys(bytes(32), lambda: 1000.0)


@pytest.mark.parametrize("role", Role)
def test_a_key_gives_its_role_in_its_room(role: Role) -> None:
    key = KEYS.make(ROOM, role)
    assert KEYS.role(key, ROOM) is role
    assert KEYS.role(key, Room(8, "team", "Team")) is None, "a room of the same name made later"
    assert LinkKeys(b"x" * 32, lambda: 1000.0).role(key, ROOM) is None
    assert key.startswith("AWg") is (role is Role.HOST), "by which the page knows a host's (api.js)"
    assert set(key) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_key_dies_with_a_room_of_one_meeting() -> None:
    now = [1000.0]
    keys = LinkKeys(bytes(32), lambda: now[0])
    room = Room(7, "team", "Team", expires_at=2000)
    key = keys.make(room, Role.HOST)
    assert keys.role(key, room) is Role.HOST
    now[0] = 2000.0
    assert keys.role(key, room) is None


@given(st.integers(0, 29), st.integers(1, 255))
def test_no_octet_of_a_key_can_be_changed(at: int, change: int) -> None:
    key = bytearray(urlsafe_b64decode(KEYS.make(ROOM, Role.GUEST) + "=="))
    key[at] ^= change
    assert KEYS.role(urlsafe_b64encode(key).decode(), ROOM) is None


@settings(deadline=None)
@given(st.text(max_size=80))
def test_whatever_is_no_key_opens_nothing(text: str) -> None:
    assert KEYS.role(text, ROOM) is None


def test_a_ticket_is_good_once_and_for_a_minute() -> None:
    now = [0.0]
    tickets: Tickets[str] = Tickets(lambda: now[0], Random(1))
    first, second = tickets.issue("first"), tickets.issue("second")
    assert tickets.redeem(first) == "first"
    assert tickets.redeem(first) is None
    now[0] = TICKET_SECONDS
    assert tickets.redeem(second) is None
    assert tickets.redeem("") is None


def test_tickets_do_not_pile_up() -> None:
    tickets: Tickets[int] = Tickets(lambda: 0.0, Random(1), most=3)
    issued = [tickets.issue(number) for number in range(5)]
    assert [tickets.redeem(ticket) for ticket in issued] == [None, None, 2, 3, 4]


def test_credentials_that_coturn_takes() -> None:
    """The password is that of ``printf %s USER | openssl dgst -sha1 -hmac SECRET -binary | base64``."""
    webrtc = WebRtcSettings(turn=("turn:turn.example.org:3478",), turn_secret="north", turn_seconds=60)
    [server] = ice_servers(webrtc, "anna", 1_000_000_000.5)
    assert server.urls == ("turn:turn.example.org:3478",)
    assert server.username == "1000000060:anna"
    assert len(b64decode(server.credential)) == 20
    assert server.credential == "IzpxqyXdKV41uxDiLfLoTzYaB1k="
    assert ice_servers(WebRtcSettings(), "anna", 0.0) == ()
