"""Pictures of every state of the page, to be looked at: ``python -m tests.web.shots FOLDER [WORD…]``.

Each state is taken in each of the sizes of ``VIEWS``, in French and English, in both schemes (meetings are
dark); with words, only those whose names contain them all. The meeting is the fake server's, whose mirror
gives moving pictures, so nothing but Chromium is needed.
"""

from __future__ import annotations

import itertools
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from tests.web.conftest import FLAGS, NARROW, PERMISSIONS, REFLOWED, SMALL, WIDE
from tests.web.fake_server import FakeServer, person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Prepare = Callable[[FakeServer], None]
Reach = Callable[["Page", FakeServer], None]

VIEWS = {
    "wide": WIDE,
    "narrow": NARROW,
    "zoomed": {"width": 640, "height": 400},  # the first at 200 %
    "small": SMALL,
    "reflowed": REFLOWED,
}
LOCALES = {"fr": "fr-FR", "en": "en-GB"}
LONG = "Marie-Clémentine de La Rochefoucauld-Montmorency (Direction générale des finances publiques)"
REFUSED = """(name) => Object.defineProperty(navigator.mediaDevices, "getUserMedia", {
    value: () => Promise.reject(new DOMException("", name)) })"""


@dataclass(frozen=True, slots=True)
class State:
    """How to get there. ``enters``: through the door; ``light``: there is a light one (meetings are dark)."""

    prepare: Prepare = lambda server: None
    reach: Reach = lambda page, server: None
    path: str = "/r/weekly"
    enters: bool = True
    mirror: bool = False
    refuses: str = ""
    light: bool = False


def people(*names: str, cameras: int = 0) -> Prepare:
    """These are there, the first ones with their cameras on."""

    def prepare(server: FakeServer) -> None:
        server.people = [person(name, camera=index < cameras) for index, name in enumerate(names)]

    return prepare


TEN = ("Jean Dupont", "Zoé", "Aminata Diallo", LONG, "Hugo", "Léa Martin", "Noé", "Inès", "Paul Roy")


def company(server: FakeServer) -> None:
    """Two with pictures, a telephone, a meeting room."""
    server.people = [
        person("Jean Dupont", camera=True),
        person("+33 1 ** ** ** 42", "phone", id="phone", microphone=False, hand=10.0),
        person("Salle Marianne", "room", host=True),
        person(LONG, camera=True, hand=20.0, microphone=False),
    ]
    server.line(
        "jean-dupont", "Jean Dupont", "Bonjour à tous. L’ordre du jour : https://example.org/2026/ordre"
    )
    server.line("jean-dupont", "Jean Dupont", "https://example.org/" + "tres-long-chemin/" * 9 + "?page=1")
    server.line("me", "Camille Petit", "Merci !\n\n1. Budget\n2. Calendrier")
    server.line("x", LONG, "Un texte plutôt long, qui prend plusieurs lignes dans le volet. " * 4)


def hosts(server: FakeServer) -> None:
    """A host and I came by the host's link."""
    company(server)
    server.people[2]["key"] = server.key = True


def waiting(server: FakeServer) -> None:
    """Others wait to be let in."""
    company(server)
    server.lobby = [person("Léa"), person(LONG, id="long"), person("+33 6 ** ** ** 99", "phone", id="w")]


def enters_muted(server: FakeServer) -> None:
    """The room mutes those who enter."""
    company(server)
    server.mutes = True


def shares(server: FakeServer) -> None:
    """Jean shows a screen."""
    company(server)
    server.people[0]["screen"] = True


def key(name: str) -> Reach:
    return lambda page, server: page.keyboard.press(name)


def menu_of(name: str, item: int | None = None) -> Reach:
    """Open somebody's menu at their tile, and perhaps choose."""

    def reach(page: Page, server: FakeServer) -> None:
        tile = page.locator(".tile", has_text=name).first
        tile.hover()
        tile.locator(".actions button").last.click()
        if item is not None:
            page.get_by_role("menuitem").nth(item).click()

    return reach


def more(item: str = "") -> Reach:
    """Open the menu of the controls, and perhaps choose (a pattern in either language)."""

    def reach(page: Page, server: FakeServer) -> None:
        page.locator(".controls [aria-haspopup=menu]").last.click()
        if item:
            page.get_by_role("menuitem", name=re.compile(item)).click()

    return reach


def told(kind: str, **fields: Any) -> Reach:
    return lambda page, server: server.tell(kind, **fields)


def react(page: Page, server: FakeServer) -> None:
    for emoji in ("👏", "🎉"):
        server.tell("reaction", participant="jean-dupont", emoji=emoji)
    page.wait_for_timeout(700)


def share(page: Page, server: FakeServer) -> None:
    page.evaluate("""() => navigator.mediaDevices.getDisplayMedia = async () => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 1600, height: 900 });
        const pen = canvas.getContext("2d");
        setInterval(() => { pen.fillStyle = "#fff"; pen.fillRect(0, 0, 1600, 900); pen.fillStyle = "#223";
            pen.font = "80px sans-serif"; pen.fillText("Budget 2027", 120, 200); }, 100);
        return canvas.captureStream(10);
    }""")
    page.keyboard.press("s")


def lost(page: Page, server: FakeServer) -> None:
    page.route_web_socket("**/ws", lambda socket: socket.close())
    page.evaluate("Object.defineProperty(window, 'WebSocket', { value: class { close() {} } })")
    server.cut()


def restarts(page: Page, server: FakeServer) -> None:
    page.route_web_socket("**/ws", lambda socket: socket.close())
    page.evaluate("Object.defineProperty(window, 'WebSocket', { value: class { close() {} } })")
    server.restart()


def asks(page: Page, server: FakeServer) -> None:
    page.keyboard.press("m")
    page.wait_for_timeout(200)
    server.tell("asked", what="unmute", by="Jean Dupont")


def details(page: Page, server: FakeServer) -> None:
    page.wait_for_timeout(1500)
    slots = [{"mid": "4", "layer": "h", "height": 360, "loss": 0.004, "state": "forwarding", "repairs": 0}]
    server.tell("stats", stats={"round_trip": 0.084, "loss": 0.012, "estimate": 3_400_000, "slots": slots})
    more("Détails|details")(page, server)
    page.wait_for_timeout(2500)


def speaker(page: Page, server: FakeServer) -> None:
    page.keyboard.press("l")
    server.tell("speaking", participants=["jean-dupont"])


def wrong_pin(page: Page, server: FakeServer) -> None:
    server.refuse_join = 403, {"code": "wrong_pin"}
    page.fill("#name", LONG[:60])
    page.fill("#pin", "1234567")
    page.click("button[type=submit]")


def no_name(page: Page, server: FakeServer) -> None:
    page.fill("#name", "")
    page.click("button[type=submit]")


def waits(server: FakeServer) -> None:
    server.room["access"], server.wait = "waiting", True


def waits_alone(server: FakeServer) -> None:
    waits(server)
    server.host_there = False


def away(server: FakeServer) -> None:
    server.away = True


def join(page: Page, server: FakeServer) -> None:
    page.fill("#name", "Camille Petit")
    page.click("button[type=submit]")


def refuse_all(page: Page, server: FakeServer) -> None:
    page.keyboard.press("p")
    page.locator(".lobby header button").first.click()


def shut(code: str) -> Reach:
    def reach(page: Page, server: FakeServer) -> None:
        server.refuse_join = 409, {"code": code}
        join(page, server)

    return reach


def gone(page: Page, server: FakeServer) -> None:
    page.route("**/api/**", lambda route: route.abort())
    join(page, server)


def pin_needed(server: FakeServer) -> None:
    server.room.update(pin_needed=True, name=f"Réunion de {LONG}")


ENDS = ("removed", "refused", "ended", "replaced")
DOOR: dict[str, Any] = {"enters": False, "light": True}
STATES: dict[str, State] = {
    "start": State(path="/", **DOOR),
    "no-room": State(path="/r/nowhere", **DOOR),
    "prejoin": State(**DOOR),
    "prejoin-refused": State(refuses="NotAllowedError", **DOOR),
    "prejoin-none": State(refuses="NotFoundError", **DOOR),
    "prejoin-pin": State(pin_needed, wrong_pin, **DOOR),
    "prejoin-no-name": State(reach=no_name, **DOOR),
    "prejoin-waiting": State(waits, **DOOR),
    "waiting": State(waits, join, **DOOR),
    "waiting-no-host": State(waits_alone, join, **DOOR),
    "connecting": State(away, join, **DOOR),
    "throttled": State(reach=shut("throttled"), **DOOR),
    "pin-throttled": State(reach=shut("pin_throttled"), **DOOR),
    "locked": State(reach=shut("room_locked"), **DOOR),
    "full": State(reach=shut("room_full"), **DOOR),
    "alone": State(),
    "two": State(people("Jean Dupont", cameras=1), mirror=True),
    "three": State(people("Jean Dupont", "Zoé", cameras=1), mirror=True),
    "ten": State(people(*TEN, cameras=9), told("speaking", participants=["zoé"]), mirror=True),
    "telephone": State(company, told("speaking", participants=["jean-dupont"]), mirror=True),
    "speaker": State(company, speaker, mirror=True),
    "pinned": State(company, menu_of("Salle Marianne", 0), mirror=True),
    "own-share": State(people("Jean Dupont", cameras=1), share, mirror=True),
    "other-share": State(shares, mirror=True),
    "menu": State(company, menu_of("Jean Dupont")),
    "more": State(company, more()),
    "rename": State(company, menu_of(LONG[:20], 3)),
    "remove": State(company, menu_of("Jean Dupont", -1)),
    "remove-host": State(hosts, menu_of("Salle Marianne", -1)),
    "step-down": State(company, menu_of("Camille Petit", -2)),
    "refuse-all": State(waiting, refuse_all),
    "chat": State(company, key("c"), mirror=True),
    "chat-empty": State(reach=key("c")),
    "people": State(waiting, key("p"), mirror=True),
    "knock": State(waiting),
    "invite": State(company, key("i")),
    "invite-host": State(company, key("i"), path="/r/weekly#k=AWghost"),
    "shortcuts": State(company, key("?")),
    "settings": State(company, more("Réglages|Settings")),
    "details": State(company, details, mirror=True),
    "reactions": State(company, react, mirror=True),
    "asked-unmute": State(company, asks, mirror=True),
    "enters-muted": State(enters_muted),
    "asked-mute": State(company, told("asked", what="mute")),
    "error": State(company, told("error", code="cameras_full", message="", about="media")),
    "reconnecting": State(company, lost),
    "restarts-soon": State(company, told("restarting")),
    "restarting": State(company, restarts),
    **{reason: State(reach=told("closed", reason=reason), light=True) for reason in ENDS},
    "left": State(reach=lambda page, server: page.click(".leave"), light=True),
    "server-gone": State(reach=gone, **DOOR),
}  # fmt: skip


@contextmanager
def _mirror(browser: Browser, server: FakeServer, wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    context = browser.new_context()
    context.new_page().goto(server.address + "/mirror")
    server.wait_for(lambda: server.has_mirror)
    yield
    context.close()


def take(browser: Browser, state: State, file: Path, **options: Any) -> None:
    """One picture."""
    server = FakeServer()
    server.start()
    state.prepare(server)
    context = browser.new_context(permissions=PERMISSIONS, **options)
    context.set_default_timeout(8_000)
    try:
        with _mirror(browser, server, state.mirror):
            page = context.new_page()
            if state.refuses:
                context.add_init_script(f"({REFUSED})({state.refuses!r})")
            page.goto(server.address + state.path)
            page.wait_for_selector("main")
            page.wait_for_timeout(400)
            if state.enters:
                page.fill("#name", "Camille Petit")
                page.click("button[type=submit]")
                page.wait_for_selector(".meeting")
                page.wait_for_timeout(2000 if state.mirror else 500)
            state.reach(page, server)
            page.wait_for_timeout(700)
            page.screenshot(path=file)
    finally:
        context.close()
        server.stop()


def main(folder: Path, words: list[str]) -> None:
    """Take them all, or those whose names contain all of the words."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for (name, state), (view, size), (tag, locale), scheme in itertools.product(
            STATES.items(), VIEWS.items(), LOCALES.items(), ("light", "dark")
        ):
            picture = f"{name}-{view}-{tag}-{scheme}"
            if (scheme == "light" and not state.light) or not all(word in picture for word in words):
                continue
            try:
                take(
                    browser, state, folder / f"{picture}.png",
                    viewport=size, locale=locale, color_scheme=scheme,
                )  # fmt: skip
            except Exception as error:  # noqa: BLE001 - the others are wanted all the same
                sys.stderr.write(f"{picture}: {error}\n")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
