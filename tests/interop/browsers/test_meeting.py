"""What people do in a meeting, and what hosts may do to them: seen in the pages of the others."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.interop.peers.gateway import Gateway
from tests.interop.peers.page import BLUE, GREEN, RED, MakePerson, Person
from tests.interop.peers.phone import settles


def heading(page: Person, text: str) -> None:
    """Wait for the large word of a page."""
    expect(page.page.get_by_role("heading", name=text)).to_be_visible()


def test_chat_is_read_by_those_there_and_by_those_who_come_later(
    gateway: Gateway, person: MakePerson
) -> None:
    room = gateway.room("pages")
    red, green, blue = person(RED), person(GREEN), person(BLUE)
    red.enter(room)
    green.enter(room)
    red.press("Chat")
    green.press("Chat")
    for page, text in ((red, "See https://example.org/a?b=1. <b>Bold</b>"), (green, "Merci !")):
        page.page.get_by_label("Write to everybody").fill(text)
        page.page.keyboard.press("Enter")
    blue.enter(room)
    blue.press("Chat")
    for page in (red, green, blue):
        log = page.page.locator(".chat .log")
        expect(log.locator("li p:not(.from)")).to_have_text(
            ["See https://example.org/a?b=1. <b>Bold</b>", "Merci !"]
        )
        expect(log.locator("b")).to_have_text([RED.name, GREEN.name])
        expect(log.get_by_role("link")).to_have_attribute("href", "https://example.org/a?b=1")


def test_hands_and_reactions_show_to_the_others(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("pages")
    red, green = person(RED), person(GREEN)
    red.enter(room)
    green.enter(room)
    red.press("Raise your hand")
    expect(green.tile(RED.name).locator(".hand")).to_be_visible()
    red.press("Lower your hand")
    expect(green.tile(RED.name).locator(".hand")).to_be_hidden()
    green.press("React")
    green.page.get_by_role("menuitem", name="Celebration").click()
    expect(red.tile(GREEN.name).locator(".reaction")).to_contain_text("🎉")


def test_who_speaks_is_outlined(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("pages")
    red, green = person(RED), person(GREEN)
    red.enter(room)
    green.enter(room)
    red.press("Mute the microphone")
    expect(red.page.locator(".tile.speaking")).to_contain_text([GREEN.name])  # and in no other


def test_the_waiting_room_admits_and_refuses(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("foyer", "--access", "waiting")
    red, green, blue = person(RED), person(GREEN), person(BLUE)
    red.enter(room, host=True)
    for page in (green, blue):
        page.open(room)
        page.press("Ask to join")
        expect(page.page.get_by_text("You are in the waiting room")).to_be_visible()
    red.show_people()
    red.press(f"Admit {GREEN.name}")
    green.page.wait_for_selector(".meeting")
    green.sees(RED)
    settles(red, hears=[green], not_hears=[blue])
    red.press(f"Refuse {BLUE.name}")
    heading(blue, "You were not let in")


def test_a_locked_meeting_lets_nobody_in(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("pages")
    red, green = person(RED), person(GREEN)
    red.enter(room, host=True)
    red.show_people()
    red.press("Lock")
    expect(red.page.locator("header.bar .locked")).to_be_visible()
    green.open(room, room.pin)
    green.press("Join")
    expect(green.page.get_by_role("alert")).to_contain_text("The meeting is locked")
    red.press("Unlock")
    expect(red.page.locator("header.bar .locked")).to_be_hidden()
    green.press("Join")
    green.page.wait_for_selector(".meeting")


def test_a_host_renames_makes_a_host_removes_and_ends_for_all(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("pages")
    red, green, blue = person(RED), person(GREEN), person(BLUE)
    red.enter(room, host=True)
    green.enter(room)
    blue.enter(room)
    red.choose(GREEN.name, "Rename")
    red.page.get_by_label("Name for everybody").fill("Chlorophyll")
    red.press("Save")
    expect(blue.tile("Chlorophyll")).to_be_visible()
    red.choose(BLUE.name, "Make a host")
    blue.show_people()
    expect(blue.page.get_by_role("button", name="Mute all")).to_be_visible()  # it knows what it may do
    blue.choose("Chlorophyll", "Remove")
    blue.confirm("Remove")
    heading(green, "You were removed from the meeting")
    expect(red.tile("Chlorophyll")).to_have_count(0)
    blue.press("End for everybody")
    blue.confirm("End for everybody")
    for page in (red, blue):
        heading(page, "The meeting has ended")


def test_everybody_is_muted_but_hosts(gateway: Gateway, person: MakePerson) -> None:
    room = gateway.room("pages")
    red, green, blue = person(RED), person(GREEN), person(BLUE)
    red.enter(room, host=True)
    green.enter(room)
    blue.enter(room)
    settles(red, hears=[green, blue])
    red.show_people()
    red.press("Mute all")
    settles(red, not_hears=[green, blue])
    settles(green, hears=[red], not_hears=[blue])
