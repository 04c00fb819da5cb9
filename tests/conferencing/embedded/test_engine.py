"""Telephones and browsers in the meetings of one process; the plane is real, its network is not."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from conferencing.embedded.engine import EmbeddedEngine, EmbeddedSeat
from conferencing.embedded.session import Visit
from conferencing.meeting import MeetingRules
from conferencing.participant import Kind

from .offers import offer
from .room import Browser, Room


class Page:
    """A ``Connection`` that nobody reads."""

    def send(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass


class House:
    """An engine with one meeting, and its plane."""

    def __init__(self) -> None:
        self.room = Room()
        self.engine = EmbeddedEngine(
            clock=self.room.clock, random=Random(3), make_plane=lambda: self.room.plane, wall=lambda: 1e9
        )

    def telephone(self, name: str) -> EmbeddedSeat:
        place = asyncio.run(self.engine.enter("team", MeetingRules(), name, Kind.PHONE, name, host=False))
        assert isinstance(place, EmbeddedSeat)
        return place

    def browser(self, name: str) -> Browser:
        """Signalling by the engine, media by the fake browser, as the same participant."""
        visit = Visit("team", "Team", "open", MeetingRules(), False, {}, lambda _: ())  # type: ignore[arg-type]
        session = self.engine.open_session(visit, name, Page())
        assert session.participant is not None
        return Browser(self.room, session.participant.id, offer())

    def hears(self, seat: EmbeddedSeat, browser: Browser) -> bool:
        """Whether what a browser says now comes through to the bridge."""
        for _ in range(10):
            browser.speak(b"from a page")
            self.room.wait(0.02)
        return any(frame.participant.id == browser.name for frame in self.engine.take(seat.meeting))


@pytest.mark.parametrize("telephone_first", [True, False])
def test_a_telephone_that_never_speaks_hears_the_browsers(telephone_first: bool) -> None:
    house = House()
    if telephone_first:
        seat = house.telephone("phone")
        browser = house.browser("anna")
    else:
        browser = house.browser("anna")
        seat = house.telephone("phone")
    assert house.hears(seat, browser)
    assert seat.wanted


def test_a_telephone_that_comes_late_hears_who_has_been_talking_all_the_time() -> None:
    house = House()
    browsers = [house.browser(name) for name in ("anna", "ben", "carl", "dora")]
    for _ in range(20):
        for browser in browsers:
            browser.speak(b"hello")
        house.room.wait(0.02)
    seat = house.telephone("phone")
    assert house.hears(seat, browsers[0])


def test_nothing_is_kept_for_the_bridge_when_the_last_telephone_has_left() -> None:
    house = House()
    browser, seat = house.browser("anna"), house.telephone("phone")
    assert house.hears(seat, browser)
    meeting = seat.meeting
    seat.leave()
    for _ in range(10):
        browser.speak(b"to nobody")
        house.room.wait(0.02)
    assert list(house.engine.take(meeting)) == []
