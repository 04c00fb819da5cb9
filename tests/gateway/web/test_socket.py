"""Pages over the real HTTP server: they meet, talk, lead, come back, and misbehave."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from conferencing.embedded.media import Source
from rooms.values import Access, NewRoom
from tests.gateway.web.house import Gateway, Page, with_gateway


async def a_room(gateway: Gateway, access: Access = Access.OPEN) -> str:
    invitation = await gateway.store.add(NewRoom("Équipe", slug="team", access=access, host_pin="7890123"))
    return str(invitation.host_pin)


def test_two_pages_meet_and_talk(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        host_pin = await a_room(gateway)
        anna = await gateway.join("team", "Anna", pin=host_pin)
        assert anna.welcome["meeting"] == {
            "name": "Équipe",
            "slug": "team",
            "locked": False,
            "access": "open",
            "shares": 1,
        }
        assert [(each["name"], each["host"], each["you"]) for each in anna.welcome["participants"]] == [
            ("Anna", True, True)
        ]
        assert anna.welcome["resumed"] is False
        assert anna.welcome["invitation"]["link"].endswith("/r/team")
        bob = await gateway.join("team", "Bob")
        joined = await anna.until("joined")
        assert joined["participant"] == {
            "id": bob.welcome["you"],
            "name": "Bob",
            "kind": "browser",
            "host": False,
            "microphone": True,
            "camera": False,
            "screen": False,
            "hand": None,
            "key": False,
            "you": False,
        }

        await bob.send("chat", text="Bonjour\n<b>à tous</b>")
        for page in (anna, bob):
            line = (await page.until("chat"))["message"]
            assert (line["from"], line["name"], line["text"]) == (
                bob.welcome["you"],
                "Bob",
                "Bonjour\n<b>à tous</b>",
            )
        await bob.send("hand", raised=True)
        assert (await anna.until("changed"))["participant"]["hand"] > 1e9
        await bob.send("reaction", emoji="👏🏽")
        assert (await anna.until("reaction"))["emoji"] == "👏🏽"
        later = await gateway.join("team", "Claire")
        assert [line["text"] for line in later.welcome["chat"]] == ["Bonjour\n<b>à tous</b>"]
        await bob.send("leave")
        left = await anna.until("left")
        assert (left["participant"], left["reason"]) == (bob.welcome["you"], "left")
        await bob.closes()

    with_gateway(tmp_path, scenario)


def test_media_is_offered_wanted_and_really_muted(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        anna = await gateway.join("team", "Anna", pin=await a_room(gateway))
        bob = await gateway.join("team", "Bob")
        await bob.send("media", microphone=True, camera=True, screen=False)
        await bob.send("offer", sdp="v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n")
        assert (await bob.until("answer"))["sdp"] == "answer 1"
        peer = gateway.planes[0].peers[bob.welcome["you"]]
        assert peer.allowed == {Source.MICROPHONE: True, Source.CAMERA: True, Source.SCREEN: False}
        await bob.send("want", tiles=[{"participant": anna.welcome["you"], "height": 360}])
        await bob.send("offer", sdp="bad")
        assert (await bob.until("error"))["code"] == "bad_offer"

        await anna.send("mute", participant=bob.welcome["you"])
        assert (await bob.until("changed"))["participant"]["microphone"] is False
        assert (await bob.until("asked"))["what"] == "mute"
        assert gateway.planes[0].peers[bob.welcome["you"]].allowed[Source.MICROPHONE] is False
        await bob.send("media", microphone=True, camera=True, screen=False)
        assert (await anna.until("changed", type="changed"))["participant"]["id"] == bob.welcome["you"]

    with_gateway(tmp_path, scenario)


def test_a_page_that_is_reloaded_gets_media_anew_and_an_ice_restart_does_not(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)
        anna = await gateway.join("team", "Anna")
        plane = gateway.planes[0]
        await anna.send("offer", sdp="v=0\r\no=- 11 1 IN IP4 0.0.0.0\r\n")
        await anna.until("answer")
        first = plane.peers[anna.welcome["you"]]
        await anna.send("offer", sdp="v=0\r\no=- 11 2 IN IP4 0.0.0.0\r\n")
        await anna.until("answer", sdp="answer 2")
        assert plane.peers[anna.welcome["you"]] is first
        again = await gateway.resume(anna)
        await again.until("welcome")
        await again.send("offer", sdp="v=0\r\no=- 12 1 IN IP4 0.0.0.0\r\n")
        await again.until("answer", sdp="answer 1")
        assert plane.peers[anna.welcome["you"]] is not first

    with_gateway(tmp_path, scenario)


def test_the_waiting_room(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        host = await gateway.join("team", "Host", pin=await a_room(gateway, Access.WAITING))
        anna = await gateway.join("team", "Anna", waits=True)
        assert [each["name"] for each in (await host.until("lobby"))["waiting"]] == ["Anna"]
        await anna.send("chat", text="Let me in!")
        assert (await anna.until("error"))["code"] == "not_allowed"
        back = await gateway.resume(anna)
        back.welcome = await back.until("waiting")
        bob = await gateway.join("team", "Bob", waits=True)
        waiting = (await host.until("lobby"))["waiting"]
        assert [each["name"] for each in waiting] == ["Anna", "Bob"]
        await host.send("refuse", participant=waiting[1]["id"])
        assert (await bob.until("closed"))["reason"] == "refused"
        await host.send("admit", all=True)
        assert (await back.until("welcome"))["lobby"] == []
        assert (await host.until("joined"))["participant"]["name"] == "Anna"

    with_gateway(tmp_path, scenario)


def test_hosts_lead(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        host = await gateway.join("team", "Host", pin=await a_room(gateway))
        anna, bob = await gateway.join("team", "Anna"), await gateway.join("team", "Bob")
        for command in ("mute", "remove", "promote", "lower_hand", "stop_share", "refuse"):
            await anna.send(command, participant=bob.welcome["you"])
            assert (await anna.until("error"))["code"] == "not_allowed"
        for command in ("mute_all", "end"):
            await anna.send(command)
            assert (await anna.until("error", about=command))["code"] == "not_allowed"
        await anna.send("rename", participant=bob.welcome["you"], name="Robert")
        assert (await anna.until("error"))["code"] == "not_allowed"
        await anna.send("rename", participant=anna.welcome["you"], name="Anne")
        assert (await bob.until("changed"))["participant"]["name"] == "Anne"

        await host.send("lock", locked=True)
        assert (await bob.until("meeting"))["meeting"]["locked"] is True
        status, refused = await gateway.http("POST", "/api/join", {"slug": "team", "name": "Late"})
        assert (status, refused["code"]) == (409, "room_locked")

        await anna.send("media", microphone=True, camera=False, screen=True)
        await bob.until("changed", type="changed")
        await bob.send("media", microphone=True, camera=False, screen=True)
        assert (await bob.until("error"))["code"] == "share_taken"
        await host.send("stop_share", participant=anna.welcome["you"])
        assert (await anna.until("asked"))["what"] == "stop_share"

        await host.send("promote", participant=anna.welcome["you"])
        while not (await anna.until("changed"))["participant"]["host"]:
            pass
        await anna.send("remove", participant=bob.welcome["you"])
        assert (await bob.until("closed"))["reason"] == "removed"
        await bob.closes()
        assert (await host.until("left"))["reason"] == "removed"
        await anna.send("end")
        for page in (anna, host):
            assert (await page.until("closed"))["reason"] == "ended"
        await host.closes()
        gateway.engine.tick()

    with_gateway(tmp_path, scenario)


def test_a_page_comes_back_and_hears_what_it_missed(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)
        anna, bob = await gateway.join("team", "Anna"), await gateway.join("team", "Bob")
        await anna.until("joined")
        anna.socket.transport.abort()
        await bob.send("chat", text="one")
        await bob.send("chat", text="two")
        await bob.until("chat")
        await bob.until("chat")
        again = await gateway.resume(anna)
        heard = [await again.next() for _ in range(3)]
        assert [event["type"] for event in heard] == ["chat", "chat", "welcome"]
        assert [event["message"]["text"] for event in heard[:2]] == ["one", "two"]
        assert heard[0]["n"] > anna.last
        assert heard[2]["resumed"] is True
        assert len(heard[2]["participants"]) == 2

        again.welcome = heard[2]
        third = await gateway.resume(again, last=0)
        assert (await third.next())["type"] == "welcome"
        assert (await again.until("closed"))["reason"] == "replaced"
        await again.closes()

    with_gateway(tmp_path, scenario)


def test_who_comes_back_all_the_time_is_told_to_wait_and_keeps_the_seat(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)
        anna = await gateway.join("team", "Anna")
        for _ in range(100):
            event = await (await gateway.resume(anna, last=0)).next()
            if event["type"] != "welcome":
                break
        assert (event["type"], event["code"], event["about"]) == ("error", "too_fast", "resume")
        assert anna.welcome["session"] in gateway.engine.sessions

    with_gateway(tmp_path, scenario)


def test_a_seat_is_given_up_by_its_secret_without_a_socket(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)
        anna, bob = await gateway.join("team", "Anna"), await gateway.join("team", "Bob")
        seat = {key: anna.welcome[key] for key in ("session", "secret")}
        for wrong in ({"secret": bob.welcome["secret"]}, {"session": bob.welcome["session"]}):
            assert (await gateway.http("POST", "/api/leave", seat | wrong))[0] == 204
        await bob.send("ping")
        await bob.until("pong")
        assert len(gateway.engine.sessions) == 2
        assert (await gateway.http("POST", "/api/leave", seat))[0] == 204
        left = await bob.until("left")
        assert (left["participant"], left["reason"]) == (anna.welcome["you"], "left")
        assert (await gateway.http("POST", "/api/leave", seat))[0] == 204
        assert (await gateway.http("POST", "/api/leave", {"session": "a"}))[0] == 400

    with_gateway(tmp_path, scenario)


@pytest.mark.parametrize(
    ("change", "value"), [("secret", "0" * 32), ("session", "0" * 16), ("secret", ""), ("session", "é")]
)
def test_nobody_takes_over_a_strangers_seat(tmp_path: Path, change: str, value: str) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)
        anna = await gateway.join("team", "Anna")
        anna.welcome[change] = value
        thief = await gateway.resume(anna)
        assert (await thief.until("error"))["code"] in ("unknown_session", "invalid")
        await thief.closes()
        await anna.send("ping")
        await anna.until("pong")

    with_gateway(tmp_path, scenario)


def test_a_token_is_good_once(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)
        token = await gateway.ticket("team")
        for expected in ("welcome", "error"):
            page = await gateway.connect()
            await page.send("hello", version=1, token=token, name="Anna")
            event = await page.until(expected)
        assert event["code"] == "bad_token"
        await page.closes()

    with_gateway(tmp_path, scenario)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None, "https://127.0.0.1:1"])
def test_a_foreign_origin_is_refused(tmp_path: Path, origin: str | None) -> None:
    async def scenario(gateway: Gateway) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await gateway.connect(origin=origin)
        assert refused.value.response.status_code == 403

    with_gateway(tmp_path, scenario)


HOSTILE: list[str | bytes] = [
    "",
    "[]",
    "null",
    "{",
    "[" * 50_000,
    '{"type": "chat"}',
    '{"type": 5}',
    '{"type": "become_host"}',
    '{"type": "chat", "text": "\\u0000"}',
    '{"type": "chat", "text": "\\ud800"}',
    '{"type": "want", "tiles": [{"participant": "a", "height": 1e400}]}',
    '{"type": "want", "tiles": ' + json.dumps([{"participant": "a", "height": 1}] * 33) + "}",
    '{"type": "hello", "version": 1, "token": "a", "name": "a"}',
    '{"type": "chat", "text": "' + "x" * 5000 + '"}',
    b"\x00\xff",
]


def test_hostile_messages_are_answered_and_harm_nobody(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)
        anna, mallory = await gateway.join("team", "Anna"), await gateway.join("team", "Mallory")
        for message in HOSTILE:
            await mallory.socket.send(message)
            event = await mallory.until("error")
            assert event["code"] in ("invalid", "unknown_type", "too_long"), message
        for _ in range(400):
            await mallory.send("chat", text="spam")
        await mallory.closes()
        await anna.send("ping")
        await anna.until("pong")
        assert sum(1 for meeting in gateway.engine.meetings() for _ in meeting.chat) < 20

    with_gateway(tmp_path, scenario)


def test_a_hostile_first_message_ends_only_that_connection(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)
        anna = await gateway.join("team", "Anna")
        for first in HOSTILE:
            page = await gateway.connect()
            await page.socket.send(first)
            assert (await page.until("error"))["n"] == 0
            await page.closes()
        await anna.send("ping")
        await anna.until("pong")

    with_gateway(tmp_path, scenario)


def test_too_long_a_message_is_not_read(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)
        anna = await gateway.join("team", "Anna")
        await anna.socket.send("x" * 600_000)
        assert (await anna.until("error"))["code"] == "too_long"

    with_gateway(tmp_path, scenario)


def test_compression_is_never_agreed_on(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        async with connect(f"ws://{gateway.listen}/ws", origin=Origin(gateway.origin)) as socket:
            assert socket.protocol.extensions == []
            await socket.send("x" * 600_000)
            assert json.loads(await socket.recv())["code"] == "too_long"

    with_gateway(tmp_path, scenario)


def test_strangers_are_not_waited_for_without_end(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        page = await gateway.connect()
        await page.closes()
        assert gateway.sockets.opened == 0

    with_gateway(tmp_path, scenario, first_seconds=0.05)


def test_who_says_nothing_locks_nobody_out(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)

        async def silent(source: str) -> Page:
            return await gateway.connect(additional_headers={"X-Forwarded-For": source})

        elsewhere = await silent("198.51.100.1")
        silence = [await silent(f"2001:db8:1:1::{number}") for number in range(3)]
        await gateway.join("team", "Anna")
        await silence[0].closes()
        await gateway.join("team", "Bob")
        await silence[1].closes()
        for page in (elsewhere, silence[2]):
            await page.send("ping")
            assert (await page.until("error"))["code"] == "invalid"

    with_gateway(tmp_path, scenario, most_strangers=3, http={"proxies": ["127.0.0.0/8"]})


def test_a_stopping_server_says_so(tmp_path: Path) -> None:
    async def scenario(gateway: Gateway) -> None:
        await a_room(gateway)
        anna = await gateway.join("team", "Anna")
        gateway.engine.close()
        assert (await anna.until("closed"))["reason"] == "restarting"
        await anna.closes()
        await asyncio.sleep(0)
        assert not gateway.engine.sessions

    with_gateway(tmp_path, scenario)
