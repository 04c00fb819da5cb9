"""axe-core on every screen, wide and narrow: nothing serious, nothing critical."""

from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import NARROW, WIDE, OpenPage
from tests.web.fake_server import FakeServer, person

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: Colours that fade in are there; what has no end, goes on.
SETTLE = """() => Promise.all(document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
    .map((each) => each.finished.then(() => {}, () => {})))"""
RUN = """(rules) => axe.run(document, { runOnly: rules }).then(({ violations }) =>
    violations.map(({ id, impact, nodes }) => ({
        id, impact, nodes: nodes.map(({ html, failureSummary }) => `${html}: ${failureSummary}`) })))"""


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


def _about(name: str, item: str) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        page.locator(".tile", has_text=name).hover()
        page.locator(".tile").get_by_role("button", name=f"Actions for {name}").click()
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


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_in_the_meeting(enter: OpenPage, server: FakeServer, viewport: Any) -> None:
    server.people = [
        person("Jean Dupont", hand=4.0, microphone=False),
        person("+33 1 ** ** ** 42", "phone", id="phone"),
        person("Salle Marianne", "room", host=True),
    ]
    server.line("jean-dupont", "Jean Dupont", "See https://example.org")
    page = enter("/r/weekly#k=AWghost", viewport=viewport)
    server.knock(person("Léa"), person("Max"))
    found = {}
    for name, reach in STATES.items():
        reach(page)
        found[name] = problems(page)
        while page.locator("dialog, .menu, .panel:not([hidden])").count():
            page.keyboard.press("Escape")
    page.get_by_role("button", name="Mute the microphone").click()
    expect(page.get_by_role("button", name="Unmute the microphone")).to_be_visible()
    server.tell("asked", what="unmute", by="Jean Dupont")
    expect(page.get_by_role("button", name="Not now")).to_be_visible()
    found["question"] = problems(page)
    assert {name: these for name, these in found.items() if these} == {}


def test_the_languages_of_the_page_and_its_choice(open_page: OpenPage) -> None:
    page = open_page(locale="fr-FR")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    assert page.locator("select.language option").all_inner_texts() == ["Français", "English"]
