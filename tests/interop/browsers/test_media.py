"""Sound and picture between pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.interop.conftest import MakeGateway
from tests.interop.peers.gateway import Gateway
from tests.interop.peers.page import BLUE, GREEN, RED, MakePerson, Person
from tests.interop.peers.phone import settles
from tests.interop.peers.process import PATIENCE, until


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_two_pages_see_and_hear_each_other(gateway: Gateway, person: MakePerson, codec: str) -> None:
    forget = ["video/VP8"] if codec == "H264" else []
    room = gateway.room("pages")
    red, green = person(RED, forget=forget), person(GREEN)
    red.enter(room)
    green.enter(room)
    red.sees(GREEN)
    green.sees(RED)
    settles(red, hears=[green])
    settles(green, hears=[red])
    for page in (red, green):
        assert {report["codec"] for report in page.inbound("video") if report.get("framesDecoded")} == {
            f"video/{codec}"
        }


def test_three_pages_see_and_hear_the_two_others(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("pages")
    three = [person(looks) for looks in (RED, GREEN, BLUE)]
    for page in three:
        page.enter(room)
    for page in three:
        others = [other for other in three if other is not page]
        for other in others:
            page.sees(other.looks)
        settles(page, hears=list(others))


def test_of_three_cameras_two_are_sent_those_who_spoke_last_and_who_is_pinned(
    gateway_with: MakeGateway, person: MakePerson
) -> None:
    gateway = gateway_with(engine={"max_tiles": 2})
    room = gateway.room("pages")
    red, green, blue = (person(looks, gateway) for looks in (RED, GREEN, BLUE))
    other = person(RED, gateway, name="Autre")
    for page in (red, green, blue):
        page.enter(room)
    other.open(room, room.pin)
    other.press("Mute the microphone")
    other.press("Join")
    other.connected()
    assert red.page.evaluate("peers.at(-1).getTransceivers().length") == 3 + 2 * 2 + 3 + 2
    red.sees(GREEN)
    red.sees(BLUE)
    expect(red.tile(other.name)).to_be_visible()
    assert red.picture(other.name) is None
    green.press("Mute the microphone")
    other.press("Unmute the microphone")
    red.sees(RED, other.name)
    red.sees(BLUE)
    until(lambda: red.picture(GREEN.name) is None, PATIENCE, "no picture of who has been silent longest")
    red.choose(GREEN.name, "Pin")
    red.sees(GREEN)


def test_the_longest_offers_are_taken(gateway_with: MakeGateway, person: MakePerson) -> None:
    gateway = gateway_with(engine={"max_tiles": 25})
    room = gateway.room("pages")
    red, green = person(RED, gateway), person(GREEN, gateway)
    for page in (red, green):
        page.enter(room)
        assert page.page.evaluate("peers.at(-1).getTransceivers().length") == 3 + 2 * 25 + 3 + 2
    red.sees(GREEN)
    green.sees(RED)
    settles(red, hears=[green])


def test_mute_is_silence_and_nothing_is_forwarded(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("pages")
    red, green = person(RED), person(GREEN)
    red.enter(room)
    green.enter(room)
    settles(green, hears=[red])
    red.press("Mute the microphone")
    expect(green.tile(RED.name)).to_contain_text("muted")
    settles(green, not_hears=[red])
    stands_still(green, "audio")
    settles(red, hears=[green])
    red.press("Unmute the microphone")
    settles(green, hears=[red])


def test_a_camera_that_is_off_is_not_shown_and_sends_nothing(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("pages")
    red, green = person(RED), person(GREEN)
    red.enter(room)
    green.enter(room)
    green.sees(RED)
    red.press("Switch the camera off")
    until(lambda: green.picture(RED.name) is None, PATIENCE, "the picture to go")
    stands_still(green, "video")
    red.press("Switch the camera on")
    green.sees(RED)


def test_whom_a_host_has_muted_is_not_heard_whatever_its_page_does(
    gateway: Gateway, person: MakePerson
) -> None:
    room = gateway.room("pages")
    red, green = person(RED), person(GREEN)
    red.enter(room, host=True)
    green.enter(room)
    settles(red, hears=[green])
    red.choose(GREEN.name, "Mute")
    expect(green.page.get_by_text("A host has muted your microphone.")).to_be_visible()
    green.page.evaluate("peers.at(-1).getSenders()[0].track.enabled = true")
    settles(red, not_hears=[green])
    stands_still(red, "audio")


def test_a_shared_screen_is_seen_beside_the_camera(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("pages")
    red, green = person(RED), person(GREEN)
    red.enter(room)
    green.enter(room)
    # What is shared is this tab, so its title makes it the one; its middle is whatever Red sees.
    red.press("Share your screen")
    screen = f"Screen of {RED.name}"
    expect(green.tile(screen)).to_be_visible()
    shared = until(lambda: green.picture(screen), PATIENCE, "the screen")
    assert shared.height >= 360
    green.sees(RED)
    red.press("Stop sharing")
    expect(green.tile(screen)).to_have_count(0)


def stands_still(page: Person, *kinds: str) -> None:
    """Wait for two seconds in which no packet arrives: what was on its way may take a while."""

    def still() -> bool:
        before = [page.received(kind) for kind in kinds]
        page.page.wait_for_timeout(2000)
        return [page.received(kind) for kind in kinds] == before

    until(still, PATIENCE, f"no {' nor '.join(kinds)} at {page.name}'s page")


def test_a_browser_as_anybody_has_it(gateway: Gateway, person: MakePerson) -> None:
    """Without loopback or bare addresses for WebRTC: it reaches us from the machine's other addresses."""
    room = gateway.room("pages")
    red, green = person(RED, flags=()), person(GREEN)
    red.enter(room)
    green.enter(room)
    red.sees(GREEN)
    green.sees(RED)
    settles(red, hears=[green])
    settles(green, hears=[red])
