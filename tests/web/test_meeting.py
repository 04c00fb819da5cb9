"""In the meeting: who is there, what they do, what a host may do, and the keyboard."""

import re

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.web.conftest import NARROW, OpenPage
from tests.web.fake_server import FakeServer, Message, person

PHONE = "+33 1 ** ** ** 42"


@pytest.fixture
def company(server: FakeServer) -> FakeServer:
    server.people = [person("Jean Dupont"), person(PHONE, "phone", id="phone"), person("Zoé", host=True)]
    return server


def test_tiles_show_who_speaks_who_is_muted_and_whose_hand_is_up(
    enter: OpenPage, company: FakeServer
) -> None:
    page = enter()
    jean = page.locator(".tile", has_text="Jean Dupont")
    company.tell("speaking", participants=["jean-dupont"])
    expect(jean).to_have_class(re.compile("speaking"))
    company.tell("speaking", participants=[])
    expect(jean).not_to_have_class(re.compile("speaking"))
    company.change("jean-dupont", microphone=False)
    expect(jean).to_contain_text("muted")
    company.change("phone", hand=10.0)
    company.change("jean-dupont", hand=20.0)
    expect(jean.locator(".hand")).to_have_attribute("data-order", "2")
    company.go("jean-dupont")
    expect(jean).to_have_count(0)


def test_a_telephone_is_a_tile_with_a_handset(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    phone = page.locator(".tile", has_text=PHONE)
    expect(phone.locator(".face svg")).to_be_visible()
    expect(phone).to_contain_text("by telephone, microphone on")


def test_who_speaks_is_in_focus_unless_somebody_is_pinned(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    focus = page.locator(".focus .tile")
    expect(focus).to_have_count(0)
    page.keyboard.press("l")
    company.tell("speaking", participants=["zoé"])
    expect(focus).to_contain_text("Zoé")
    page.locator(".tile", has_text="Jean Dupont").hover()
    page.get_by_role("button", name="Pin Jean Dupont").click()
    expect(focus).to_contain_text("Jean Dupont")
    company.tell("speaking", participants=["zoé"])
    expect(focus).to_contain_text("Jean Dupont")
    page.get_by_role("button", name="Unpin Jean Dupont").click()
    expect(focus).to_contain_text("Zoé")


def test_a_shared_screen_takes_the_stage_and_gives_it_back(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    company.change("jean-dupont", screen=True)
    expect(page.locator(".focus .tile")).to_contain_text("Screen of Jean Dupont")
    company.change("jean-dupont", screen=False)
    expect(page.locator(".focus .tile")).to_have_count(0)


def test_a_speaker_on_another_page_comes_to_the_first(enter: OpenPage, server: FakeServer) -> None:
    server.people = [person(f"Guest {number}") for number in range(60)]
    page = enter()
    expect(page.locator(".pager")).to_contain_text("1 of")
    expect(page.locator(".tile", has_text="Guest 59")).to_have_count(0)
    server.tell("speaking", participants=["guest-59"])
    expect(page.locator(".tile", has_text="Guest 59")).to_be_visible()
    page.get_by_role("button", name="Next page").click()
    expect(page.locator(".pager")).to_contain_text("2 of")


def test_visible_pictures_are_wanted_in_device_pixels(enter: OpenPage, company: FakeServer) -> None:
    enter(device_scale_factor=2)

    def wanted() -> bool:  # once the page has got its size
        heights = {tile["participant"]: tile["height"] for tile in last_want(company)}
        return heights.keys() == {"jean-dupont", "phone", "zoé"} and all(
            400 < height < 800 for height in heights.values()
        )

    company.wait_for(wanted)


def test_pictures_of_who_spoke_last_are_wanted_first(enter: OpenPage, server: FakeServer) -> None:
    server.tiles = 2
    server.people = [
        *(person(name, camera=True) for name in ("Anna", "Ben", "Carl", "Dora")),
        person("Phone", "phone"),
    ]
    page = enter()

    def wanted(*names: str) -> None:
        server.wait_for(lambda: tuple(each["participant"] for each in last_want(server)) == names)

    wanted("anna", "ben", "carl", "dora", "phone")
    server.tell("speaking", participants=["ben", "phone"])
    server.tell("speaking", participants=["dora", "ben"])
    wanted("dora", "ben", "carl", "anna", "phone")
    server.tell("speaking", participants=["dora"])
    expect(page.locator(".tile.speaking")).to_have_text([re.compile("Dora")])  # and in no other
    server.tell("speaking", participants=["anna"])
    wanted("dora", "anna", "carl", "ben", "phone")
    page.locator(".tile", has_text="Carl").dblclick()
    wanted("carl", "dora", "anna", "ben", "phone")


def test_no_more_is_wanted_than_the_server_takes(enter: OpenPage, server: FakeServer) -> None:
    server.people = [person(f"Guest {number}") for number in range(80)]
    enter(viewport={"width": 2560, "height": 1600})
    server.wait_for(lambda: len(last_want(server)) == 32)


def last_want(server: FakeServer) -> list[Message]:
    """What the page would like to see now, the most important first."""
    wants = server.heard("want")
    return wants[-1]["tiles"] if wants else []


def test_chat_keeps_texts_plain_and_links_safe(enter: OpenPage, company: FakeServer) -> None:
    company.line("jean-dupont", "Jean Dupont", "Earlier: <b>bold</b> javascript:alert(1)")
    page = enter()
    page.keyboard.press("c")
    log = page.get_by_role("log", name="Messages")
    expect(log).to_contain_text("<b>bold</b> javascript:alert(1)")
    expect(log.locator("a")).to_have_count(0)
    text = "See https://example.org/a_(b)?q=1&r=2. And (http://example.net)!"
    page.get_by_label("Write to everybody").fill(text)
    page.keyboard.press("Enter")
    company.next("chat", text=text)
    expect(log.locator("a")).to_have_count(2)
    assert [link.get_attribute("href") for link in log.locator("a").all()] == [
        "https://example.org/a_(b)?q=1&r=2",
        "http://example.net",
    ]
    assert {link.get_attribute("rel") for link in log.locator("a").all()} == {"noopener noreferrer"}


def test_the_chat_goes_on_after_the_server_was_restarted(enter: OpenPage, company: FakeServer) -> None:
    company.line("zoé", "Zoé", "Before")
    page = enter()
    page.keyboard.press("c")
    lines = page.get_by_role("log", name="Messages").locator("p:not(.from)")
    expect(lines).to_have_text(["Before"])
    company.restart()
    company.wait_for(lambda: len(company.heard("hello")) == 2)
    company.tell("chat", message=company.line("zoé", "Zoé", "After"))
    expect(lines).to_have_text(["Before", "After"])
    company.cut()
    company.next("resume")
    company.tell("chat", message=company.line("zoé", "Zoé", "Later"))
    expect(lines).to_have_text(["Before", "After", "Later"])


def test_unread_messages_are_counted_until_the_chat_is_opened(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    company.tell("chat", message=company.line("zoé", "Zoé", "One"))
    company.tell("chat", message=company.line("zoé", "Zoé", "Two"))
    page.get_by_role("button", name="Chat, 2 new messages").click()
    expect(page.get_by_role("button", name="Chat", exact=True)).to_be_visible()
    expect(page.get_by_role("log", name="Messages")).to_contain_text("Two")


def test_what_a_host_may_do_about_a_participant(enter: OpenPage, company: FakeServer) -> None:
    company.people[0].update(hand=5.0, screen=True)
    page = enter()
    page.keyboard.press("p")
    for action, message in (
        ("Mute", "mute"),
        ("Lower the hand", "lower_hand"),
        ("Stop the screen share", "stop_share"),
        ("Make a host", "promote"),
    ):
        page.locator(".people").get_by_role("button", name="Actions for Jean Dupont").click()
        page.get_by_role("menuitem", name=action).click()
        company.next(message, participant="jean-dupont")


def test_removing_asks_first_and_renaming_asks_for_the_name(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    page.keyboard.press("p")
    page.locator(".people").get_by_role("button", name=f"Actions for {PHONE}").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name for everybody").fill("Mme Roy")
    page.keyboard.press("Enter")
    company.next("rename", participant="phone", name="Mme Roy")
    page.locator(".people").get_by_role("button", name=f"Actions for {PHONE}").click()
    page.get_by_role("menuitem", name="Remove").click()
    assert company.heard("remove") == []
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    company.next("remove", participant="phone")
    assert company.heard("lock") == []


def test_who_is_removed_may_be_locked_out(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    page.keyboard.press("p")
    for button in ("Remove and lock", "Remove"):
        page.locator(".people").get_by_role("button", name="Actions for Jean Dupont").click()
        page.get_by_role("menuitem", name="Remove").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Remove and lock")).to_have_count(int("lock" in button))
        dialog.get_by_role("button", name=button, exact=True).click()
        expect(page.locator(".bar")).to_contain_text("Locked")
    company.wait_for(lambda: len(company.heard("remove")) == 2)
    assert [each["type"] for each in company.received if each["type"] in ("lock", "remove")] == [
        "lock", "remove", "remove",
    ]  # fmt: skip


def test_removing_a_host_says_what_becomes_of_the_hosts_link(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    page.keyboard.press("p")
    for mine, text in ((False, "the way they came"), (True, "whoever comes by the host’s link or PIN waits")):
        company.change("zoé", key=True)
        company.change("me", key=mine)
        company.change("jean-dupont", microphone=mine)
        jean = page.locator(".tile", has_text="Jean Dupont")
        expect(jean).to_contain_text("microphone on" if mine else "muted")  # the page has been told
        page.locator(".people").get_by_role("button", name="Actions for Zoé").click()
        page.get_by_role("menuitem", name="Remove").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(text)
        dialog.get_by_role("button", name="Cancel").click()


def test_the_waiting_room_of_a_host(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    company.knock(person("Léa"), person("Max"))
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_role("button", name="Admit Léa").click()
    company.next("admit", participant="léa")
    page.get_by_role("button", name="Refuse Max").click()
    company.next("refuse", participant="max")
    page.get_by_role("button", name="Admit all").click()
    company.next("admit", all=True)
    page.get_by_role("button", name="Refuse all").click()
    assert len(company.heard("refuse")) == 1
    page.get_by_role("dialog").get_by_role("button", name="Refuse all").click()
    company.next("refuse", all=True)
    company.knock()
    expect(page.locator(".lobby")).to_be_hidden()


def test_locking_muting_all_and_ending(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    page.keyboard.press("p")
    page.get_by_role("button", name="Lock", exact=True).click()
    company.next("lock", locked=True)
    expect(page.locator(".bar")).to_contain_text("Locked")
    page.get_by_role("button", name="Unlock").click()
    company.next("lock", locked=False)
    page.get_by_role("button", name="Mute all").click()
    company.next("mute_all")
    page.get_by_role("button", name="End for everybody").click()
    page.get_by_role("dialog").get_by_role("button", name="End for everybody").click()
    company.next("end")


def test_a_guest_sees_nothing_of_a_hosts_powers(enter: OpenPage, company: FakeServer) -> None:
    company.host = False
    page = enter()
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Mute all")).to_be_hidden()
    page.locator(".people").get_by_role("button", name="Actions for Jean Dupont").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Pin", "Network details"])


def test_becoming_a_host(enter: OpenPage, company: FakeServer) -> None:
    company.host = False
    page = enter()
    page.keyboard.press("p")
    company.change("me", host=True)
    expect(page.get_by_role("button", name="Mute all")).to_be_visible()


def test_a_host_hands_the_role_over(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    page.keyboard.press("p")
    people = page.locator(".people")
    people.get_by_role("button", name="Actions for Zoé").click()
    page.get_by_role("menuitem", name="Make a guest").click()
    company.next("demote", participant="zoé")
    people.get_by_role("button", name="Actions for Camille Petit").click()
    page.get_by_role("menuitem", name="Be host no longer").click()
    assert len(company.heard("demote")) == 1
    page.get_by_role("dialog").get_by_role("button", name="Be host no longer").click()
    company.next("demote", participant="me")
    company.change("me", host=False)
    expect(page.get_by_text("You are no longer a host.")).to_be_visible()
    expect(page.get_by_role("button", name="Mute all")).to_be_hidden()
    company.change("me", host=True)
    expect(page.get_by_text("You are a host now.")).to_be_visible()


def test_what_hosts_ask_is_done_and_said(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    company.next("media", microphone=True)
    company.tell("asked", what="mute")
    expect(page.get_by_text("A host has muted your microphone.")).to_be_visible()
    company.next("media", microphone=False)
    company.tell("asked", what="stop_share")
    expect(page.get_by_text("A host has stopped your screen share.")).to_be_visible()


def test_being_asked_to_unmute(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    company.next("media", microphone=True)
    question = page.get_by_role("dialog", name="Zoé asks you to turn your microphone on.")
    company.tell("asked", what="unmute", by="Zoé")
    company.tell("asked", what="stop_share")
    expect(page.get_by_text("A host has stopped your screen share.")).to_be_visible()
    expect(question).to_have_count(0)  # it is on
    page.keyboard.press("m")
    company.next("media", microphone=False)
    page.keyboard.press("c")
    company.tell("asked", what="unmute", by="Zoé")
    expect(question).to_be_visible()
    expect(page.locator("[aria-live=polite]", has=question)).to_have_count(1)  # it is read out
    expect(page.get_by_label("Write to everybody")).to_be_focused()
    question.get_by_role("button", name="Not now").click()
    expect(question).to_have_count(0)
    assert not company.heard("media")[-1]["microphone"]
    company.tell("asked", what="unmute", by="Zoé")
    question.get_by_role("button", name="Turn on").click()
    company.wait_for(lambda: company.heard("media")[-1]["microphone"])
    expect(question).to_have_count(0)


def test_asking_to_unmute(enter: OpenPage, company: FakeServer) -> None:
    company.people[0]["microphone"] = company.people[1]["microphone"] = False
    page = enter()
    page.keyboard.press("p")
    page.locator(".people").get_by_role("button", name="Actions for Jean Dupont").click()
    page.get_by_role("menuitem", name="Ask to unmute").click()
    company.next("ask_unmute", participant="jean-dupont")
    expect(page.get_by_text("Jean Dupont has been asked to turn the microphone on.")).to_be_visible()
    for name in (PHONE, "Zoé"):  # has no way to say yes; speaks already
        page.locator(".people").get_by_role("button", name=f"Actions for {name}").click()
        expect(page.get_by_role("menuitem", name="Rename")).to_be_visible()
        expect(page.get_by_role("menuitem", name="Ask to unmute")).to_have_count(0)
        page.keyboard.press("Escape")


def test_errors_say_what_to_do(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    company.tell("error", code="too_fast", message="slower", about="chat")
    expect(page.get_by_role("alert")).to_contain_text("Wait a moment")
    company.tell("error", code="of_the_future", message="?", about="chat")
    expect(page.get_by_role("alert").last).to_contain_text("reload the page")


def test_hand_and_reaction(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    page.keyboard.press("h")
    company.next("hand", raised=True)
    expect(page.get_by_role("button", name="Lower your hand")).to_be_visible()
    page.get_by_role("button", name="React").click()
    page.get_by_role("menuitem", name="Applause", exact=True).click()
    company.next("reaction", emoji="👏")
    expect(page.locator(".tile.mine .reaction")).to_contain_text("👏")


def test_the_invitation_is_copied_whole(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    page.keyboard.press("i")
    page.get_by_role("button", name="Copy the invitation").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "\n".join(
        [
            "You are invited to the meeting “Weekly meeting”.",
            "By browser: https://meet.example/r/weekly",
            "By telephone: +33 1 23 45 67 42, PIN 481 516 234, then #",
            "From a meeting room (SIP): sip:weekly@meet.example",
        ]
    )


def test_keys(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    company.next("media", microphone=True, camera=True)
    page.keyboard.press("m")
    company.next("media", microphone=False)
    page.keyboard.press("v")
    company.next("media", camera=False)
    page.keyboard.press("c")
    expect(page.get_by_label("Write to everybody")).to_be_focused()
    page.keyboard.type("mv")  # letters, not shortcuts
    expect(page.get_by_label("Write to everybody")).to_have_value("mv")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Chat", exact=True)).to_be_focused()
    page.keyboard.press("?")
    page.get_by_label("Use single letters as shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page.get_by_label("Write to everybody")).to_be_hidden()


def test_the_space_bar_speaks_while_held(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    page.locator(".stage").focus()
    page.keyboard.press("m")
    company.wait_for(lambda: company.heard("media") and not company.heard("media")[-1]["microphone"])
    page.keyboard.down(" ")
    company.wait_for(lambda: company.heard("media")[-1]["microphone"])
    page.keyboard.up(" ")
    company.wait_for(lambda: not company.heard("media")[-1]["microphone"])
    page.keyboard.down(" ")
    company.wait_for(lambda: company.heard("media")[-1]["microphone"])
    page.evaluate("dispatchEvent(new Event('blur'))")  # let go in another window
    company.wait_for(lambda: not company.heard("media")[-1]["microphone"])


def test_a_menu_by_keyboard(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    more = page.get_by_role("button", name="More", exact=True)
    more.focus()
    page.keyboard.press("Enter")
    items = page.get_by_role("menuitem")
    expect(items.first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    page.keyboard.press("Escape")
    expect(items).to_have_count(0)
    expect(more).to_be_focused()


def test_a_dialog_keeps_the_focus_and_gives_it_back(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    invite = page.locator(".bar").get_by_role("button", name="Invite")
    invite.focus()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("!document.activeElement.closest('.meeting')")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(invite).to_be_focused()


def test_screen_readers_hear_who_comes_writes_and_goes(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    company.come(person("Léa"))
    company.tell("chat", message=company.line("léa", "Léa", "Hello"))
    company.go("léa")
    expect(page.locator("#spoken p")).to_have_text(["Léa has joined.", "Léa writes: Hello", "Léa has left."])


def test_a_narrow_screen_has_everything_within_reach(enter: OpenPage, company: FakeServer) -> None:
    page = enter(viewport=NARROW)
    rows = set()
    for button in page.locator(".controls button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= NARROW["width"]
        assert box["width"] >= 44
        rows.add(round(box["y"]))
    assert len(rows) == 1
    page.get_by_role("button", name="More", exact=True).click()
    expect(page.get_by_role("menuitem", name="React")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]


@pytest.mark.parametrize(
    ("viewport", "beside"),
    [(NARROW, False), ({"width": 844, "height": 390}, True), ({"width": 640, "height": 400}, True)],
    ids=["upright", "lying", "zoomed"],
)
def test_small_tiles_are_where_there_is_room_for_them(
    enter: OpenPage, company: FakeServer, viewport: ViewportSize, beside: bool
) -> None:
    page = enter(viewport=viewport)
    page.keyboard.press("l")
    large = page.locator(".focus .tile").bounding_box()
    small = page.locator(".tiles .tile").first.bounding_box()
    assert large is not None
    assert small is not None
    assert large["width"] > 1.8 * small["width"]
    assert (small["x"] >= large["x"] + large["width"]) is beside
    assert (small["y"] >= large["y"] + large["height"]) is not beside


def test_the_controls_are_a_key_away_from_the_top(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    page.locator("h1").focus()
    page.keyboard.press("Tab")
    skip = page.get_by_role("button", name="Skip to the controls")
    expect(skip).to_be_focused()
    box = skip.bounding_box()
    assert box is not None
    assert box["width"] > 100
    page.keyboard.press("Enter")
    expect(page.locator(".controls button").first).to_be_focused()


def test_the_focus_follows_a_tile_and_stays_near_when_it_goes(enter: OpenPage, company: FakeServer) -> None:
    page = enter()
    for name in ("Pin Jean Dupont", "Unpin Jean Dupont"):
        page.get_by_role("button", name=name, exact=True).focus()
        page.keyboard.press("Enter")
    expect(page.locator(".focus .tile")).to_have_count(0)
    expect(page.get_by_role("button", name="Pin Jean Dupont", exact=True)).to_be_focused()
    company.go("jean-dupont")
    expect(page.locator("main.stage")).to_be_focused()
    page.keyboard.press("p")
    page.locator(".people").get_by_role("button", name="Actions for Zoé").focus()
    company.go("zoé")
    expect(page.locator(".people")).to_be_focused()
