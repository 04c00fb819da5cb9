"""Browsers by their looks, started when a test first asks for them and shared by this folder's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.interop.peers.chromium import Chromium, Looks, MakePerson, Person
from tests.interop.peers.gateway import Gateway

if TYPE_CHECKING:
    from playwright.sync_api import Playwright


@pytest.fixture(scope="package")  # no longer: while it runs, other tests cannot run loops of their own
def playwright() -> Iterator[Playwright]:
    api = pytest.importorskip("playwright.sync_api", reason="needs the Python package playwright")
    with api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def chromium(playwright: Playwright, homes: Callable[[str], Path]) -> Iterator[Callable[..., Chromium]]:
    """The browser of those looks (and flags), the same one at every call."""
    browsers: dict[tuple[Any, ...], Chromium] = {}

    def make(looks: Looks, *flags: Any) -> Chromium:
        if (looks, *flags) not in browsers:
            browsers[looks, *flags] = Chromium(playwright, homes("chromium"), looks, *flags)
        return browsers[looks, *flags]

    yield make
    for browser in browsers.values():
        browser.close()


@pytest.fixture
def person(stack: ExitStack, chromium: Callable[..., Chromium], request: pytest.FixtureRequest) -> MakePerson:
    """Somebody at a page of the test's gateway. What the page complains of fails the test."""

    def make(looks: Looks, gateway: Gateway | None = None, *, flags: Any = None, **options: Any) -> Person:
        browser = chromium(looks) if flags is None else chromium(looks, flags)
        made = Person(browser, gateway or request.getfixturevalue("gateway"), **options)
        stack.callback(made.close)
        people.append(made)
        return made

    people: list[Person] = []
    stack.callback(lambda: _check(people))
    return make


def _check(people: list[Person]) -> None:
    assert [complaint for each in people for complaint in each.complaints] == []
