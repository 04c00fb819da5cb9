"""A telephone and two pages in one room: everybody hears the two others, and what a host may do to a call."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.interop.conftest import MakePhone
from tests.interop.peers.audio import TONES
from tests.interop.peers.gateway import Gateway
from tests.interop.peers.page import GREEN, RED, MakePerson
from tests.interop.peers.phone import hears_prompt, settles

#: As baresip calls itself.
PHONE = "phone"


@pytest.mark.parametrize("codec", ["PCMU", "G722"])
def test_a_telephone_and_two_pages_hear_each_other_and_never_themselves(
    gateway: Gateway, person: MakePerson, phone: MakePhone, codec: str
) -> None:
    room = gateway.room("pages")
    red, green, caller = person(RED), person(GREEN), phone(TONES[0], codec)
    red.enter(room)
    caller.dial(gateway.uri(room.pin))
    green.enter(room)
    settles(red, hears=[green, caller])
    settles(green, hears=[red, caller])
    settles(caller, hears=[red, green])


def test_hand_and_mute_by_the_keypad_show_in_the_page(
    gateway: Gateway, person: MakePerson, phone: MakePhone
) -> None:
    room = gateway.room("pages")
    red, caller = person(RED), phone(TONES[0])
    red.enter(room)
    caller.dial(gateway.uri(room.pin))
    settles(red, hears=[caller])
    tile = red.tile(PHONE)
    caller.digits("*9")
    expect(tile.locator(".hand")).to_be_visible()
    caller.digits("*9")
    expect(tile.locator(".hand")).to_be_hidden()
    caller.digits("*6")
    expect(tile).to_contain_text("by telephone, muted")
    settles(red, not_hears=[caller])
    caller.digits("*6")
    expect(tile).to_contain_text("by telephone, microphone on")
    settles(red, hears=[caller])


def test_a_host_mutes_a_telephone_lowers_its_hand_and_removes_it(
    gateway: Gateway, person: MakePerson, phone: MakePhone
) -> None:
    room = gateway.room("pages")
    red, caller = person(RED), phone(TONES[0])
    red.enter(room, host=True)
    red.press("Mute the microphone")
    caller.dial(gateway.uri(room.pin))
    settles(red, hears=[caller])
    tile = red.tile(PHONE)
    caller.digits("*9")
    expect(tile.locator(".hand")).to_be_visible()
    red.choose(PHONE, "Lower the hand")
    expect(tile.locator(".hand")).to_be_hidden()
    red.choose(PHONE, "Mute")
    expect(tile).to_contain_text("by telephone, muted")
    settles(red, not_hears=[caller])
    hears_prompt(caller, "fr/muted_by_host")  # nothing else sounds: Red is muted, too
    red.choose(PHONE, "Remove")
    red.confirm("Remove")
    caller.closed()
    expect(tile).to_have_count(0)


def test_a_telephone_waits_until_a_page_admits_it(
    gateway: Gateway, person: MakePerson, phone: MakePhone
) -> None:
    room = gateway.room("foyer", "--access", "waiting")
    red, caller = person(RED), phone(TONES[0])
    red.enter(room, host=True)
    caller.dial(gateway.uri(room.pin))
    hears_prompt(caller, "fr/waiting_room")
    settles(red, not_hears=[caller])
    settles(caller, not_hears=[red])
    red.show_people()
    red.page.locator(".lobby").get_by_role("button", name=re.compile("^Admit")).first.click()
    settles(red, hears=[caller])
    settles(caller, hears=[red])
