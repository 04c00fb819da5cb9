"""Telephones and browsers in the meetings of one process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from conferencing.embedded.engine import EmbeddedSeat, EmbeddedWaitingSeat
from conferencing.engine import SpeakerFrame
from conferencing.meeting import MeetingRules
from conferencing.participant import Kind
from config.outcome import Outcome, PasserelleError
from tests.conferencing.embedded.pages import House, Page


@dataclass(frozen=True)
class Said:
    participant_id: str
    payload: bytes = b"opus"
    level: int = -20
    sequence: int = 7


async def call(
    house: House, name: str = "phone", *, host: bool = False, waiting_room: bool = False
) -> EmbeddedSeat | EmbeddedWaitingSeat:
    rules = MeetingRules(waiting_room=waiting_room)
    return await house.engine.enter("team", rules, name, Kind.PHONE, name, host=host)


async def seat(house: House, name: str = "phone") -> EmbeddedSeat:
    place = await call(house, name)
    assert isinstance(place, EmbeddedSeat)
    return place


async def wait_outside(house: House, name: str = "phone") -> EmbeddedWaitingSeat:
    place = await call(house, name, waiting_room=True)
    assert isinstance(place, EmbeddedWaitingSeat)
    return place


def test_a_telephone_is_heard_by_browsers_once_there_are_any() -> None:
    async def scenario() -> None:
        house = House()
        phone = await seat(house)
        assert not phone.wanted
        phone.send(b"lost", -20)
        _, page = house.come("Anna")
        assert [(each["name"], each["kind"]) for each in page.sent[0]["participants"]] == [
            ("phone", "phone"),
            ("Anna", "browser"),
        ]
        assert phone.wanted
        phone.send(b"heard", -20)
        assert house.planes[0].voices["phone"].sent == [(b"heard", -20)]
        phone.leave()
        assert house.planes[0].voices["phone"].closed
        assert page.take("left")[0]["participant"] == "phone"

    asyncio.run(scenario())


def test_browsers_are_heard_by_the_bridge() -> None:
    async def scenario() -> None:
        house = House()
        phone = await seat(house)
        assert house.engine.take(phone.meeting) == ()
        anna, _ = house.come("Anna")
        assert anna.participant is not None
        house.planes[0].said = [Said(anna.id), Said("gone already")]
        assert house.engine.take(phone.meeting) == [SpeakerFrame(anna.participant, b"opus", -20, 7)]
        assert house.engine.take(phone.meeting) == ()

    asyncio.run(scenario())


def test_a_meeting_and_its_media_end_with_the_last() -> None:
    async def scenario() -> None:
        house = House()
        phone = await seat(house)
        anna, _ = house.come("Anna")
        phone.leave()
        assert len(list(house.engine.meetings())) == 1
        house.say(anna, "leave")
        house.wait(1)
        assert not list(house.engine.meetings())
        assert house.planes[0].closed

    asyncio.run(scenario())


def test_a_telephone_is_let_in_by_a_browser() -> None:
    async def scenario() -> None:
        house = House()
        host, page = house.come("Host", host=True, waiting_room=True)
        waiting = await wait_outside(house)
        assert page.take("lobby")[0]["waiting"] == [{"id": "phone", "name": "phone", "kind": "phone"}]
        house.say(host, "admit", participant="phone")
        phone = await waiting.wait()
        assert phone.participant in phone.meeting
        assert page.take("joined")[0]["participant"]["kind"] == "phone"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.REMOVED, "refused"),
        (Outcome.MEETING_ENDED, "ended"),
        (Outcome.DRAINING, "restarting"),
    ],
)
def test_why_those_who_wait_are_not_let_in(outcome: Outcome, reason: str) -> None:
    async def scenario() -> None:
        house = House()
        host, _ = house.come("Host", host=True, waiting_room=True)
        _, page = house.come("Guest", waiting_room=True)
        waiting = await wait_outside(house)
        match outcome:
            case Outcome.REMOVED:
                house.say(host, "refuse", all=True)
            case Outcome.MEETING_ENDED:
                house.say(host, "end")
            case _:
                house.engine.close()
        assert page.take("closed")[0]["reason"] == reason
        with pytest.raises(PasserelleError) as caught:
            await waiting.wait()
        assert caught.value.outcome is outcome

    asyncio.run(scenario())


@pytest.mark.parametrize("admitted", [False, True])
def test_a_caller_who_hangs_up_while_waiting_leaves_nothing_behind(admitted: bool) -> None:
    async def scenario() -> None:
        house = House()
        host, _ = house.come("Host", host=True, waiting_room=True)
        waiting = await wait_outside(house)
        if admitted:
            house.say(host, "admit", participant="phone")
        waiting.cancel()
        [meeting] = house.engine.meetings()
        assert [each.name for each in meeting] == ["Host"]
        assert not len(meeting.lobby)

    asyncio.run(scenario())


def test_only_those_who_wait_keep_a_meeting() -> None:
    async def scenario() -> None:
        house = House()
        waiting = await wait_outside(house)
        assert len(list(house.engine.meetings())) == 1
        waiting.cancel()
        assert not list(house.engine.meetings())
        with pytest.raises(PasserelleError):
            await waiting.wait()

    asyncio.run(scenario())


def test_who_was_sent_away_by_a_service_that_stops_does_not_come_in_again() -> None:
    house = House()
    _, page = house.come("Anna")
    house.engine.close()
    assert page.take("closed")[0]["reason"] == "restarting"
    with pytest.raises(PasserelleError) as caught:
        house.engine.check_door("team", MeetingRules(), host=True)
    assert caught.value.outcome is Outcome.DRAINING


def test_pages_are_told_before_the_service_restarts() -> None:
    house = House()
    anna, page = house.come("Anna")
    house.come("Host", host=True, waiting_room=True)
    _, waiting = house.come("Bob", waiting_room=True)
    house.engine.begin_drain()
    for each in (page, waiting):
        assert [told["type"] for told in each.take("restarting", "closed")] == ["restarting"]
    _, late = house.come("Carl")  # with a ticket from before
    assert late.take()[-1]["type"] == "restarting"
    again = Page()
    anna.attach(again, house.now, last=0)
    assert [told["type"] for told in again.take()] == ["welcome", "restarting"]
    house.engine.close()
    assert [told["reason"] for told in again.take("closed")] == ["restarting"]


def test_nobody_new_while_draining_but_those_inside_come_back() -> None:
    house = House()
    anna, page = house.come("Anna")
    house.engine.begin_drain()
    with pytest.raises(PasserelleError) as caught:
        house.engine.check_door("team", MeetingRules(), host=True)
    assert caught.value.outcome is Outcome.DRAINING
    secret = page.sent[0]["secret"]
    assert house.engine.resume_session(anna.id, secret, 0, Page()) is anna
