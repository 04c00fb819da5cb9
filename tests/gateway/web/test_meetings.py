"""The doors over HTTP: who is let into which room, and how a no is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from conferencing.lobby import MOST_OF_SOURCE
from rooms.values import Access, NewRoom
from tests.gateway.web.house import Gateway, with_gateway


def key_of(link: str) -> str:
    return urlsplit(link).fragment.removeprefix("k=")


def test_a_room_for_one_meeting(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        status, made = await gateway.http("POST", "/api/meetings", {"name": "Point du lundi"})
        assert status == 200
        assert made["link"].endswith(f"/r/{made['slug']}")
        status, room = await gateway.http("GET", f"/api/rooms/{made['slug']}")
        assert room == {
            "name": "Point du lundi",
            "slug": made["slug"],
            "access": "open",
            "pin_needed": False,
        }
        host = await gateway.join(made["slug"], "Host", key=key_of(made["host_link"]))
        assert host.welcome["participants"][0]["host"] is True
        assert host.welcome["invitation"]["pin"].isdigit()
        guest = await gateway.join(made["slug"], "Guest")
        assert [each["host"] for each in guest.welcome["participants"]] == [True, False]
        stored = await gateway.store.by_slug(made["slug"])
        assert stored is not None
        assert stored.expires_at is not None

    with_gateway(tmp_path, scenario)


@pytest.mark.parametrize(
    ("body", "name", "language"),
    [
        ({"language": "en"}, "Meeting", "en"),
        ({"language": "fr"}, "Réunion", "fr"),
        ({"language": "de"}, "Meeting", "en"),
        ({"language": "fr", "name": "  Point d’étape "}, "Point d’étape", "fr"),
        ({"name": "Stand-up"}, "Stand-up", "en"),
    ],
)
def test_a_room_for_one_meeting_is_named_in_the_language_of_whoever_makes_it(
    tmp_path: Path, body: dict[str, str], name: str, language: str
) -> None:
    async def scenario(gateway: Gateway) -> None:
        _, made = await gateway.http("POST", "/api/meetings", body)
        room = await gateway.store.by_slug(made["slug"])
        assert room is not None
        assert (room.name, room.language) == (name, language)

    with_gateway(tmp_path, scenario, ivr={"language": "en"})


def test_rooms_are_made_by_the_administrator_where_the_settings_say_so(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        status, refused = await gateway.http("POST", "/api/meetings", {})
        assert (status, refused["code"]) == (404, "no_room")

    with_gateway(tmp_path, scenario, meetings={"ad_hoc": False})


def test_not_too_many_rooms_are_made_at_once(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        answers = [await gateway.http("POST", "/api/meetings", {}) for _ in range(40)]
        assert {(status, answer.get("code")) for status, answer in answers} == {
            (200, None),
            (429, "throttled"),
        }

    with_gateway(tmp_path, scenario)


@pytest.mark.parametrize("access", Access)
def test_what_opens_a_room(tmp_path: Path, access: Access) -> None:
    async def scenario(gateway: Gateway) -> None:
        made = await gateway.store.add(NewRoom("Team", access=access))

        async def join(**credentials: str) -> tuple[int, Any]:
            status, answer = await gateway.http(
                "POST", "/api/join", {"slug": "team", "name": "Anna", **credentials}
            )
            return status, answer.get("role") or answer.get("code")

        by_name = {Access.SIGNED_IN: (403, "pin_needed")}.get(access, (200, "guest"))
        assert await join() == by_name
        assert await join(pin=made.pin) == (200, "guest")
        assert await join(pin=made.host_pin or "") == (200, "host")
        assert await join(pin="0000000") == (403, "wrong_pin")
        wrong_key = {Access.SIGNED_IN: (403, "wrong_pin")}.get(access, (200, "guest"))
        assert await join(key="nonsense") == wrong_key

    with_gateway(tmp_path, scenario)


def test_however_a_pin_is_written_and_what_is_none_is_no_guess(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await gateway.store.add(NewRoom("Team", pin="5555123456"))

        async def join(pin: str) -> int:
            body = {"slug": "team", "name": "Anna", "pin": pin}
            return (await gateway.http("POST", "/api/join", body))[0]

        assert {await join(pin) for pin in ("abc", "12", "", "5555/123456")} == {403}
        assert {
            await join(pin) for pin in ("5555-123456", "5555123456#", "5555 123 456", "55.55\u00a012 34 56 #")
        } == {200}

    with_gateway(tmp_path, scenario, limits={"pin_failures_per_source": 1})


def test_guessing_pins_is_braked(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        made = await gateway.store.add(NewRoom("Team"))
        body = {"slug": "team", "name": "Anna"}
        for _ in range(3):
            assert (await gateway.http("POST", "/api/join", {**body, "pin": "0000000"}))[0] == 403
        status, refused = await gateway.http("POST", "/api/join", {**body, "pin": made.pin})
        assert (status, refused["code"]) == (429, "pin_throttled")
        assert "wrong PINs" in refused["message"]
        assert gateway.headers["retry-after"] == str(24 * 3600 // 3)
        assert (await gateway.http("POST", "/api/join", {**body, "key": "AWghost"}))[0] == 403, "not braked"

    with_gateway(tmp_path, scenario, limits={"pin_failures_per_source": 3})


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "slug"),
        ({"slug": "team"}, "name"),
        ({"slug": "team", "name": "  "}, "name"),
        ({"slug": "team", "name": "a\nb"}, "name"),
        ({"slug": "team", "name": "x" * 81}, "name"),
        ({"slug": "team", "name": "Anna", "pin": "481516" * 10}, "pin"),
        ({"slug": "team", "name": "Anna", "key": ["a"]}, "key"),
    ],
)
def test_what_is_not_understood_is_named_and_not_repeated(
    tmp_path: Path, body: dict[str, Any], named: str
) -> None:
    async def scenario(gateway: Gateway) -> None:
        status, refused = await gateway.http("POST", "/api/join", body)
        assert (status, refused["code"]) == (400, "invalid")
        assert f"body.{named}: " in refused["message"]
        assert "481516" not in refused["message"]

    with_gateway(tmp_path, scenario)


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_pages_from_elsewhere_may_not_post(tmp_path: Path, origin: str | None) -> None:
    async def scenario(gateway: Gateway) -> None:
        for path in ("/api/meetings", "/api/join", "/api/leave"):
            body = {"slug": "a", "name": "a", "session": "a", "secret": "a"}
            status, refused = await gateway.http("POST", path, body, origin=origin)
            assert (status, refused["code"]) == (403, "forbidden")
            assert "an Origin header that names it is needed" in refused["message"]
        assert await gateway.store.count() == 0

    with_gateway(tmp_path, scenario)


def test_rooms_that_are_not_there(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await gateway.store.add(NewRoom("Over", expires_at=1000))
        for slug in ("nowhere", "over", "%2e%2e", "x" * 100):
            status, refused = await gateway.http("GET", f"/api/rooms/{slug}")
            assert (status, refused["code"]) == (404, "no_room")

    with_gateway(tmp_path, scenario)


def test_behind_a_proxy_only_its_public_address_counts(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        assert (await gateway.http("POST", "/api/meetings", {}))[0] == 403
        status, made = await gateway.http("POST", "/api/meetings", {}, origin="https://meet.example.org")
        assert status == 200
        assert made["link"] == f"https://meet.example.org/r/{made['slug']}"

    with_gateway(tmp_path, scenario, http={"public_url": "https://meet.example.org"})


def test_a_full_meeting_is_told_at_the_door(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await gateway.store.add(NewRoom("Team", access=Access.OPEN, max_participants=1))
        await gateway.join("team", "Anna")
        status, refused = await gateway.http("POST", "/api/join", {"slug": "team", "name": "Bob"})
        assert (status, refused["code"]) == (409, "room_full")

    with_gateway(tmp_path, scenario)


PROXY = {"proxies": ["127.0.0.0/8"]}


def by(source: str) -> dict[str, str]:
    """What the proxy says of who asks."""
    return {"X-Forwarded-For": source}


def test_one_address_does_not_use_up_the_rooms_of_all(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        async def make(source: str) -> int:
            status, _ = await gateway.http("POST", "/api/meetings", {}, headers=by(source))
            return status

        greedy = [await make(f"2001:db8:7:{subnet}::1") for subnet in range(20)]
        assert greedy == [200] * 10 + [429] * 10
        assert gateway.headers["retry-after"] == "10"
        assert await make("2001:db8:8::1") == 200
        assert await make("198.51.100.1") == 200

    with_gateway(tmp_path, scenario, http=PROXY)


def test_trying_which_rooms_there_are_takes_long_and_knowing_one_does_not(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await gateway.store.add(NewRoom("Team", access=Access.OPEN))

        async def ask(source: str, slug: str) -> int:
            return (await gateway.http("GET", f"/api/rooms/{slug}", headers=by(source)))[0]

        assert {await ask("198.51.100.1", "team") for _ in range(50)} == {200}
        guesses = [await ask("198.51.100.2", f"team{number}") for number in range(20)]
        assert guesses[:10] == [404] * 10
        assert guesses[-5:] == [429] * 5
        assert 0 < int(gateway.headers["retry-after"]) <= 2
        body = {"slug": "team", "name": "Mallory"}
        status, refused = await gateway.http("POST", "/api/join", body, headers=by("198.51.100.2"))
        assert (status, refused["code"]) == (429, "throttled")
        assert await ask("198.51.100.3", "team") == 200

    with_gateway(tmp_path, scenario, http=PROXY)


def test_what_a_closed_room_is_called_is_told_with_a_key_only(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        made = await gateway.store.add(NewRoom("Plan B", slug="b", access=Access.SIGNED_IN))
        guest = await gateway.join("b", "Anna", pin=made.pin)
        key = key_of(guest.welcome["invitation"]["link"])
        for headers, name in (({}, None), ({"Room-Key": "nonsense"}, None), ({"Room-Key": key}, "Plan B")):
            _, room = await gateway.http("GET", "/api/rooms/b", headers=headers)
            assert room == {"name": name, "slug": "b", "access": "signed-in", "pin_needed": True}

    with_gateway(tmp_path, scenario)


def test_one_address_does_not_fill_the_waiting_room(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await gateway.store.add(NewRoom("Team", access=Access.WAITING))

        async def knock(source: str) -> tuple[int, str]:
            body = {"slug": "team", "name": "Anna"}
            status, answer = await gateway.http("POST", "/api/join", body, headers=by(source))
            if status == 200:
                page = await gateway.connect()
                await page.send("hello", version=1, token=answer["token"], name="Anna")
                await page.until("waiting")
            return status, answer.get("code", "")

        assert {await knock("198.51.100.1") for _ in range(MOST_OF_SOURCE)} == {(200, "")}
        assert await knock("198.51.100.1") == (409, "room_full")
        assert await knock("198.51.100.2") == (200, "")

    with_gateway(tmp_path, scenario, http=PROXY)
