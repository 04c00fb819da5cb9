"""axe-core on every screen, wide and narrow: nothing serious, nothing critical.

And on the smallest ones, by geometry: whatever can be pressed lies on the screen, or is scrolled there.
"""

from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import NARROW, REFLOWED, SMALL, WIDE, OpenPage
from tests.web.fake_server import FakeServer, person

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: Everything has its size, and colours that fade in are there; what has no end, goes on.
SETTLE = """async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const ending = document.getAnimations().filter(
        (each) => each.effect.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map((each) => each.finished));
}"""
RUN = """(rules) => axe.run(document, { runOnly: rules }).then(({ violations }) =>
    violations.map(({ id, impact, nodes }) => ({
        id, impact, nodes: nodes.map(({ html, failureSummary }) => `${html}: ${failureSummary}`) })))"""


#: What cannot be pressed, in the uppermost layer. A box that hides what overflows is no way to scroll.
UNREACHABLE = """() => {
    const uppermost = [".menu", "dialog[open]", ".notice.question", ".panel:not([hidden])", "body"]
        .map((each) => document.querySelector(each)).find(Boolean);
    const scrolls = (box) =>
        box === document.scrollingElement || /auto|scroll/.test(getComputedStyle(box).overflowY);
    const all = uppermost.querySelectorAll("a[href], button:not(.skip), input, select, summary, textarea");
    const lost = [...all].filter((each) => each.checkVisibility()).filter((each) => {
        each.scrollIntoView({ block: "center", inline: "nearest" });
        const { left, right, top, bottom } = each.getBoundingClientRect();
        const inside = left > -1 && top > -1 && right < innerWidth + 1 && bottom < innerHeight + 1;
        const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
        let dragged = false;
        for (let box = each.parentElement; box; box = box.parentElement)
            dragged ||= (box.scrollLeft || box.scrollTop) && !scrolls(box);
        return dragged || !inside || !each.contains(hit);
    });
    const across = document.scrollingElement.scrollWidth > innerWidth ? ["the page is wider"] : [];
    return [...across, ...lost.map((each) => each.ariaLabel ?? (each.id || each.textContent))];
}"""


def problems(page: Page) -> list[Any]:
    pytest.importorskip("axe_playwright_python", reason="needs the Python package axe-playwright-python")
    page.evaluate(SETTLE)
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text())
    found = page.evaluate(RUN, RULES)
    return [each for each in found if each["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_before_and_after(open_page: OpenPage, server: FakeServer, viewport: Any, scheme: str) -> None:
    options: dict[str, Any] = {"viewport": viewport, "color_scheme": scheme, "silent": True}
    assert problems(open_page("/", **options)) == []
    assert problems(open_page("/r/nowhere", **options)) == []
    server.wait = server.room["pin_needed"] = True
    page = open_page("/r/weekly", **options)
    page.click("button[type=submit]")
    assert problems(page) == []
    page.fill("#name", "Ana")
    page.fill("#pin", "12")
    server.away = True
    page.click("button[type=submit]")
    expect(page.get_by_role("heading", name="Not connected yet")).to_be_visible()
    assert problems(page) == []
    server.away = False
    expect(page.get_by_role("heading", name="You are in the waiting room")).to_be_visible()
    assert problems(page) == []


def _menu(page: Page) -> None:
    page.get_by_role("button", name="More", exact=True).click()


def _chosen(item: str) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        _menu(page)
        page.get_by_role("menuitem", name=item).click()

    return reach


def _about(name: str, item: str = "") -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        page.keyboard.press("p")
        page.locator(".people").get_by_role("button", name=f"Actions for {name}").click()
        if item:
            page.get_by_role("menuitem", name=item).click()

    return reach


def _refusing(page: Page) -> None:
    page.keyboard.press("p")
    page.get_by_role("button", name="Refuse all").click()


def _reactions(page: Page) -> None:
    button = page.get_by_role("button", name="React", exact=True)
    button.click() if button.is_visible() else _chosen("React")(page)


def _key(key: str) -> Callable[[Page], None]:
    return lambda page: page.keyboard.press(key)


STATES: dict[str, Callable[[Page], None]] = {
    "grid": lambda page: None,
    "actions": _about("Salle Marianne"),
    "rename": _about("Salle Marianne", "Rename"),
    "remove": _about("Salle Marianne", "Remove"),
    "step down": _about("Camille Petit", "Be host no longer"),
    "reactions": _reactions,
    "refuse all": _refusing,
    "speaker": _key("l"),
    "chat": _key("c"),
    "people": _key("p"),
    "invitation": _key("i"),
    "shortcuts": _key("?"),
    "menu": _menu,
    "settings": _chosen("Settings"),
    "details": _chosen("Network details"),
}


def _walk(
    enter: OpenPage, server: FakeServer, viewport: Any, look: Callable[[Page], list[Any]]
) -> dict[str, list[Any]]:
    """What ``look`` finds in each state of a meeting."""
    server.people = [
        person("Jean Dupont", hand=4.0, microphone=False),
        person("+33 1 ** ** ** 42", "phone", id="phone"),
        person("Salle Marianne", "room", host=True),
    ]
    server.line("jean-dupont", "Jean Dupont", "See https://example.org")
    page = enter("/r/weekly#k=AWghost", viewport=viewport)
    page.keyboard.press("p")  # the list tells of them, so no notice has to
    server.knock(person("Léa"), person("Max"))
    expect(page.locator(".lobby")).to_be_visible()
    page.keyboard.press("Escape")
    found = {}
    for name, reach in STATES.items():
        reach(page)
        found[name] = look(page)
        while page.locator("dialog, .menu, .panel:not([hidden])").count():
            page.keyboard.press("Escape")
    page.get_by_role("button", name="Mute the microphone").click()
    expect(page.get_by_role("button", name="Unmute the microphone")).to_be_visible()
    server.tell("asked", what="unmute", by="Jean Dupont")
    expect(page.get_by_role("button", name="Not now")).to_be_visible()
    found["question"] = look(page)
    return {name: these for name, these in found.items() if these}


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_in_the_meeting(enter: OpenPage, server: FakeServer, viewport: Any) -> None:
    assert _walk(enter, server, viewport, problems) == {}


def unreachable(page: Page) -> list[Any]:
    page.evaluate(SETTLE)
    lost: list[Any] = page.evaluate(UNREACHABLE)
    return lost


@pytest.mark.parametrize("viewport", [SMALL, REFLOWED], ids=["small", "reflowed"])
def test_all_of_a_meeting_can_be_reached_on_a_small_screen(
    enter: OpenPage, server: FakeServer, viewport: Any
) -> None:
    assert _walk(enter, server, viewport, unreachable) == {}


@pytest.mark.parametrize("viewport", [SMALL, REFLOWED], ids=["small", "reflowed"])
def test_the_doors_can_be_reached_on_a_small_screen(
    open_page: OpenPage, server: FakeServer, viewport: Any
) -> None:
    options: dict[str, Any] = {"viewport": viewport, "silent": True, "locale": "fr-FR"}
    assert unreachable(open_page("/", **options)) == []
    assert unreachable(open_page("/r/nowhere", **options)) == []
    server.wait = server.room["pin_needed"] = True
    page = open_page("/r/weekly", **options)
    page.click("button[type=submit]")
    assert unreachable(page) == []
    page.fill("#name", "Ana")
    page.fill("#pin", "12")
    page.click("button[type=submit]")
    page.wait_for_selector(".waiting")
    assert unreachable(page) == []
    server.wait = False
    server.let_in()
    page.wait_for_selector(".meeting")
    assert unreachable(page) == []  # nobody else is there
    page.click(".leave")
    assert unreachable(page) == []


def test_the_languages_of_the_page_and_its_choice(open_page: OpenPage) -> None:
    page = open_page(locale="fr-FR")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("select.language option")).to_have_text(["Français", "English"])
