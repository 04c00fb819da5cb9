"""Browsers by their looks, started when a test first asks for them and shared by this folder's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.interop.peers.chromium import Chromium
from tests.interop.peers.firefox import Firefox
from tests.interop.peers.gateway import Gateway
from tests.interop.peers.page import Looks, Machine, MakePerson, Person
from tests.interop.peers.process import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Playwright


@pytest.fixture(scope="package")  # no longer: while it runs, other tests cannot run loops of their own
def playwright() -> Iterator[Playwright]:
    api = pytest.importorskip("playwright.sync_api", reason="needs the Python package playwright")
    with api.sync_playwright() as playwright:
        api.expect.set_options(timeout=1000 * PATIENCE)
        yield playwright


@pytest.fixture(scope="package")
def machine(playwright: Playwright, homes: Callable[[str], Path]) -> Iterator[Callable[..., Machine]]:
    """The browser of those looks (and options), the same one at every call."""
    machines: dict[tuple[Any, ...], Machine] = {}
    kinds: dict[str, Callable[..., Machine]] = {"chromium": Chromium, "firefox": Firefox}

    def make(looks: Looks, *options: Any) -> Machine:
        if (looks, *options) not in machines:
            home = homes(looks.browser)
            machines[looks, *options] = kinds[looks.browser](playwright, home, looks, *options)
        return machines[looks, *options]

    yield make
    for each in machines.values():
        each.close()


@pytest.fixture
def person(stack: ExitStack, machine: Callable[..., Machine], request: pytest.FixtureRequest) -> MakePerson:
    """Somebody at a page of the test's gateway. What the page complains of fails the test."""

    def make(looks: Looks, gateway: Gateway | None = None, *, flags: Any = None, **options: Any) -> Person:
        at = machine(looks) if flags is None else machine(looks, flags)
        made = Person(at, gateway or request.getfixturevalue("gateway"), **options)
        stack.callback(made.close)
        people.append(made)
        return made

    people: list[Person] = []
    stack.callback(lambda: _check(people))
    return make


def _check(people: list[Person]) -> None:
    assert [complaint for each in people for complaint in each.complaints] == []
