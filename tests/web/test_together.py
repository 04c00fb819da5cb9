"""Two and three pages in one room of a running gateway: the page and the server as they will meet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.interop.peers.gateway import Gateway
from tests.interop.peers.network import Network
from tests.interop.peers.process import PATIENCE, until
from tests.web.conftest import PERMISSIONS
from tests.web.test_media import PEAKS, PIXEL

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CAPTURE = """({ colour, frequency }) => {
    navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
        const tracks = [];
        if (audio) {
            const context = new AudioContext();
            const tone = new OscillatorNode(context, { frequency });
            const out = context.createMediaStreamDestination();
            tone.connect(new GainNode(context, { gain: 0.3 })).connect(out);
            tone.start();
            tracks.push(...out.stream.getTracks());
        }
        if (video) {
            const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
            const pen = canvas.getContext("2d");
            let frame = 0;
            setInterval(() => {
                pen.fillStyle = colour;
                pen.fillRect(0, 0, 640, 360);
                pen.fillStyle = "white";
                pen.fillRect((frame += 8) % 640, 150, 60, 60);
            }, 66);
            tracks.push(...canvas.captureStream(15).getTracks());
        }
        return new MediaStream(tracks);
    };
}"""
"""A camera and a microphone that can be told from another page's."""

RED, GREEN, BLUE = ("red", 500), ("green", 800), ("blue", 1100)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    network = Network()
    address = network.address()
    overrides: dict[str, Any] = {
        "webrtc": {"address": [address]},
        "limits": {"trusted": ["127.0.0.0/8"]},  # one address makes all the meetings
    }
    with Gateway(tmp_path_factory.mktemp("gateway"), address, overrides=overrides) as gateway:
        yield gateway
    network.close()


Enter = Callable[..., "Page"]


@pytest.fixture
def enter(browser: Browser, gateway: Gateway) -> Iterator[Enter]:
    """A page of its own for each who comes, with a colour and a tone."""
    contexts = []

    def enter_it(
        path: str, name: str, looks: tuple[str, int], *, waits: bool = False, pin: str | None = None
    ) -> Page:
        context = browser.new_context(locale="en-GB", permissions=PERMISSIONS)
        contexts.append(context)
        context.set_default_timeout(1000 * PATIENCE)
        captured = json.dumps({"colour": looks[0], "frequency": looks[1]})
        context.add_init_script(f"({CAPTURE})({captured})")
        page = context.new_page()
        page.goto(f"http://{gateway.address}:8080{path}")
        page.fill("#name", name)
        if pin:
            page.get_by_text("I have a PIN").click()
            page.fill("#pin", pin)
        page.click("button[type=submit]")
        page.wait_for_selector(".waiting" if waits else ".meeting")
        return page

    yield enter_it
    for context in contexts:
        context.close()


def meeting(browser: Browser, gateway: Gateway) -> tuple[str, str]:
    """A new room's path, and its host's."""
    page = browser.new_page(locale="en-GB")
    page.goto(f"http://{gateway.address}:8080/")
    page.get_by_role("button", name="Start a new meeting").click()
    page.wait_for_url("**/r/*")
    path = page.evaluate("location.pathname")
    key = page.evaluate("JSON.parse(sessionStorage.getItem(`passerelle.key.${location.pathname}`))")
    page.close()
    return path, f"{path}#k={key}"


def sees(page: Page, name: str, looks: tuple[str, int]) -> bool:
    """Whether that tile shows that colour now."""
    found = page.evaluate(PIXEL, name)
    channel = ("red", "green", "blue").index(looks[0])
    return found is not None and found["colour"].index(max(found["colour"])) == channel


def hears(page: Page) -> set[int]:
    """The tones that are heard now, to 100 Hz."""
    return {round(peak, -2) for peak in page.evaluate(PEAKS)} - {0}


def eventually(met: Callable[[], Any], what: str) -> None:
    until(met, PATIENCE, what)


def test_everybody_sees_and_hears_everybody_else(browser: Browser, gateway: Gateway, enter: Enter) -> None:
    path, host = meeting(browser, gateway)
    pages = {
        "Ana": enter(host, "Ana", RED),
        "Ben": enter(path, "Ben", GREEN),
        "Cem": enter(path, "Cem", BLUE),
    }
    looks = {"Ana": RED, "Ben": GREEN, "Cem": BLUE}
    for name, page in pages.items():
        others = {each: look for each, look in looks.items() if each != name}
        for other, look in others.items():
            eventually(lambda: sees(page, other, look), f"{name} to see {other}")  # noqa: B023
        tones = {tone for _, tone in others.values()}
        eventually(lambda: hears(page) == tones, f"{name} to hear {tones}")  # noqa: B023


def test_muting_silences_and_a_camera_that_is_off_shows_nothing(
    browser: Browser, gateway: Gateway, enter: Enter
) -> None:
    path, host = meeting(browser, gateway)
    ana, ben = enter(host, "Ana", RED), enter(path, "Ben", GREEN)
    eventually(lambda: hears(ana) == {800} and sees(ana, "Ben", GREEN), "Ben to be there")
    ben.keyboard.press("m")
    eventually(lambda: hears(ana) == set(), "silence")
    ben.keyboard.press("v")
    eventually(lambda: ana.evaluate(PIXEL, "Ben") is None, "no picture")
    ben.keyboard.press("v")
    eventually(lambda: sees(ana, "Ben", GREEN), "the picture again")
    ben.keyboard.press("m")
    eventually(lambda: hears(ana) == {800}, "the tone again")
    expect(ana.locator(".tile", has_text="Ben")).to_contain_text("microphone on")
    ana.keyboard.press("p")
    ana.locator(".people").get_by_role("button", name="Actions for Ben").click()
    ana.get_by_role("menuitem", name="Mute").click()
    expect(ben.get_by_text("A host has muted your microphone.")).to_be_visible()
    eventually(lambda: hears(ana) == set(), "silence by the host's word")


def test_chat_is_there_for_those_who_come_later(browser: Browser, gateway: Gateway, enter: Enter) -> None:
    path, host = meeting(browser, gateway)
    ana = enter(host, "Ana", RED)
    ana.keyboard.press("c")
    ana.get_by_label("Write to everybody").fill("Agenda: https://example.org")
    ana.keyboard.press("Enter")
    ben = enter(path, "Ben", GREEN)
    ben.keyboard.press("c")
    expect(ben.get_by_role("log", name="Messages").get_by_role("link")).to_have_text("https://example.org")


def test_a_reloaded_page_is_back_in_its_seat(browser: Browser, gateway: Gateway, enter: Enter) -> None:
    path, host = meeting(browser, gateway)
    ana, ben = enter(host, "Ana", RED), enter(path, "Ben", GREEN)
    eventually(lambda: sees(ana, "Ben", GREEN), "Ben to be there")
    ben.reload()
    ben.wait_for_selector(".meeting")
    expect(ana.locator(".tile")).to_have_count(2)
    eventually(lambda: sees(ben, "Ana", RED) and hears(ben) == {500}, "Ben to see Ana again")
    eventually(lambda: sees(ana, "Ben", GREEN) and hears(ana) == {800}, "Ana to see Ben again")


def test_a_host_lets_in_and_refuses(browser: Browser, gateway: Gateway, enter: Enter) -> None:
    made = gateway.command("room", "add", "Council", "--slug", "council", "--access", "waiting")
    ana = enter("/r/council", "Ana", RED, pin=made["host_pin"])
    ben = enter("/r/council", "Ben", GREEN, waits=True)
    ana.get_by_role("button", name="Show", exact=True).click()
    ana.get_by_role("button", name="Admit Ben").click()
    ben.wait_for_selector(".meeting")
    eventually(lambda: sees(ana, "Ben", GREEN) and sees(ben, "Ana", RED), "both to see each other")
    cem = enter("/r/council", "Cem", BLUE, waits=True)
    ana.get_by_role("button", name="Refuse Cem").click()
    expect(cem.get_by_role("heading", name="You were not let in")).to_be_visible()


def test_a_room_may_mute_those_who_enter(browser: Browser, gateway: Gateway, enter: Enter) -> None:
    made = gateway.command("room", "add", "Hall", "--slug", "hall", "--access", "open", "--muted-on-entry")
    ana = enter("/r/hall", "Ana", RED, pin=made["host_pin"])
    ben = enter("/r/hall", "Ben", GREEN)
    expect(ana.locator(".tile", has_text="Ben")).to_contain_text("muted")
    eventually(lambda: sees(ana, "Ben", GREEN), "Ben to be seen")
    eventually(lambda: hears(ben) == {500}, "the host to be heard")
    assert hears(ana) == set()
    ben.get_by_role("button", name="Unmute the microphone").click()
    eventually(lambda: hears(ana) == {800}, "Ben to be heard")


def test_a_host_removes_a_guest(browser: Browser, gateway: Gateway, enter: Enter) -> None:
    path, host = meeting(browser, gateway)
    ana, ben = enter(host, "Ana", RED), enter(path, "Ben", GREEN)
    ana.keyboard.press("p")
    ana.locator(".people").get_by_role("button", name="Actions for Ben").click()
    ana.get_by_role("menuitem", name="Remove").click()
    ana.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(ben.get_by_role("heading", name="You were removed from the meeting")).to_be_visible()
    expect(ana.locator(".tile")).to_have_count(1)
    expect(ana.get_by_text("You are the only one here.")).to_be_visible()


def test_a_host_asks_a_guest_to_unmute(browser: Browser, gateway: Gateway, enter: Enter) -> None:
    path, host = meeting(browser, gateway)
    ana, ben = enter(host, "Ana", RED), enter(path, "Ben", GREEN)
    eventually(lambda: hears(ana) == {800}, "Ben to be heard")
    ben.keyboard.press("m")
    eventually(lambda: hears(ana) == set(), "silence")
    expect(ana.locator(".tile", has_text="Ben")).to_contain_text("muted")
    ana.keyboard.press("p")
    ana.locator(".people").get_by_role("button", name="Actions for Ben").click()
    ana.get_by_role("menuitem", name="Ask to unmute").click()
    question = ben.get_by_role("dialog", name="Ana asks you to turn your microphone on.")
    expect(question).to_be_visible()
    assert hears(ana) == set()
    question.get_by_role("button", name="Turn on").click()
    eventually(lambda: hears(ana) == {800}, "Ben to be heard again")


def test_who_leaves_and_closes_the_tab_at_once_is_gone_at_once(
    browser: Browser, gateway: Gateway, enter: Enter
) -> None:
    path, host = meeting(browser, gateway)
    ana, ben = enter(host, "Ana", RED), enter(path, "Ben", GREEN)
    expect(ana.locator(".tile")).to_have_count(2)
    ben.evaluate("WebSocket.prototype.send = () => {}")  # what was not sent yet dies with the tab
    ben.get_by_role("button", name="Leave").click()
    ben.close()
    expect(ana.locator(".tile")).to_have_count(
        1, timeout=10_000
    )  # a seat that is merely silent is kept for 15 s


def test_a_meeting_is_called_as_whoever_makes_it_says(browser: Browser, gateway: Gateway) -> None:
    page = browser.new_page(locale="fr-FR")
    for name, called in (("", "Réunion"), ("Point d’étape", "Point d’étape")):
        page.goto(f"http://{gateway.address}:8080/")
        page.get_by_label("Nom de la réunion").fill(name)
        page.get_by_role("button", name="Nouvelle réunion").click()
        page.wait_for_url("**/r/*")
        expect(page.get_by_role("heading", name=called)).to_be_visible()
        expect(page.get_by_text("J’ai un code")).to_be_hidden()  # the link says who one is
    page.close()


def test_the_details_know_what_the_server_forwards(browser: Browser, gateway: Gateway, enter: Enter) -> None:
    path, host = meeting(browser, gateway)
    ana, _ = enter(host, "Ana", RED), enter(path, "Ben", GREEN)
    eventually(lambda: sees(ana, "Ben", GREEN), "Ben to be there")
    ana.get_by_role("button", name="More", exact=True).click()
    ana.get_by_role("menuitem", name="Network details").click()
    ben = ana.get_by_role("dialog").get_by_role("listitem").filter(has_text=re.compile("^Ben"))
    expect(ben).to_contain_text(re.compile("(High|Medium|Low) quality · "))
    expect(ana.get_by_role("dialog")).to_contain_text("ms to the server and back")
