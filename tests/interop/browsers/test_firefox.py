"""Firefox in the rooms of Chromium and telephones: most of the French administration has its ESR.

It runs without a desktop, so it has no screen to share. A fresh one of Debian's has no H.264 at all; VP8 is
the common ground.
"""

from __future__ import annotations

from playwright.sync_api import expect

from tests.interop.conftest import MakePhone
from tests.interop.peers.audio import TONES
from tests.interop.peers.gateway import Gateway
from tests.interop.peers.page import FOX, RED, MakePerson
from tests.interop.peers.phone import settles
from tests.interop.peers.process import PATIENCE, until

from .test_media import stands_still


def test_it_and_chromium_see_and_hear_each_other_and_mute_is_silence(
    gateway: Gateway, person: MakePerson
) -> None:
    room = gateway.room("pages")
    red, fox = person(RED), person(FOX)
    red.enter(room)
    fox.enter(room)
    fox.sees(RED)
    red.sees(FOX)
    settles(fox, hears=[red])
    settles(red, hears=[fox])
    # It sends three layers; the tile is too large for the smallest.
    until(lambda: (seen := red.picture(FOX.name)) and seen.height >= 360, 3 * PATIENCE, "a larger layer")
    fox.press("Mute the microphone")
    fox.press("Switch the camera off")
    settles(red, not_hears=[fox])
    until(lambda: red.picture(FOX.name) is None, PATIENCE, "the picture to go")
    stands_still(red, "audio", "video")
    fox.press("Switch the camera on")
    red.sees(FOX)


def test_it_hears_a_telephone_sees_a_screen_and_reads_the_chat(
    gateway: Gateway, person: MakePerson, phone: MakePhone
) -> None:
    room = gateway.room("pages")
    red, fox, caller = person(RED), person(FOX), phone(TONES[0])
    fox.enter(room)
    caller.dial(gateway.uri(room.pin))
    red.enter(room)
    settles(fox, hears=[caller, red])
    settles(caller, hears=[fox])
    red.press("Share your screen")
    screen = f"Screen of {RED.name}"
    expect(fox.tile(screen)).to_be_visible()
    assert until(lambda: fox.picture(screen), PATIENCE, "the screen").height >= 360
    red.press("Stop sharing")
    expect(fox.tile(screen)).to_have_count(0)
    red.press("Chat")
    fox.press("Chat")
    for writer, text in ((red, "Bonjour !"), (fox, "Merci !")):
        writer.page.get_by_label("Write to everybody").fill(text)
        writer.page.keyboard.press("Enter")
        expect(red.page.locator(".chat .log")).to_contain_text(text)
    expect(fox.page.locator(".chat .log li p:not(.from)")).to_have_text(["Bonjour !", "Merci !"])


def test_reloaded_it_has_its_seat_again(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("pages")
    red, fox = person(RED), person(FOX)
    fox.enter(room)
    red.enter(room)
    red.sees(FOX)
    fox.page.reload()
    fox.page.wait_for_selector(".meeting")
    fox.connected()
    fox.sees(RED)
    red.sees(FOX)
    settles(fox, hears=[red])
    settles(red, hears=[fox])
    gateway.participants(2)
