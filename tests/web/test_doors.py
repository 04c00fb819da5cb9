"""From the start page through the door, and what the page does when a door stays shut or falls shut."""

import pytest
from playwright.sync_api import expect

from tests.web.conftest import OpenPage
from tests.web.fake_server import FakeServer, person


def test_an_ad_hoc_meeting(open_page: OpenPage, server: FakeServer) -> None:
    page = open_page("/", locale="fr-FR")
    page.get_by_role("button", name="Nouvelle réunion").click()
    page.wait_for_url("**/r/weekly")
    expect(page.get_by_role("heading", name="Weekly meeting")).to_be_visible()
    assert server.made == [{"name": "", "language": "fr"}]


@pytest.mark.parametrize("path", ["/", "/r/weekly#k=AWghost"], ids=["made", "opened"])
def test_a_hosts_key_is_this_tabs_and_not_in_the_address(
    open_page: OpenPage, server: FakeServer, path: str
) -> None:
    page = open_page(path)
    if path == "/":
        page.get_by_role("button", name="Start a new meeting").click()
    page.fill("#name", "Ana")
    assert page.url == f"{server.address}/r/weekly"
    page.reload()
    page.fill("#name", "Ana")
    page.keyboard.press("Enter")
    page.wait_for_selector(".meeting")
    assert page.url == f"{server.address}/r/weekly"
    assert server.joins == [{"slug": "weekly", "name": "Ana", "key": "AWghost"}]
    page.keyboard.press("i")
    page.get_by_role("button", name="Copy the host’s link").click()
    link = f"{server.address}/r/weekly#k=AWghost"
    server.wait_for(lambda: page.evaluate("navigator.clipboard.readText()") == link)
    server.change("me", host=False)
    expect(page.get_by_text("You are no longer a host.")).to_be_visible()
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="Copy the invitation")).to_be_visible()
    expect(page.get_by_role("button", name="Copy the host’s link")).to_have_count(0)


def test_an_ad_hoc_meeting_with_a_name(open_page: OpenPage, server: FakeServer) -> None:
    page = open_page("/")
    page.get_by_label("Name of the meeting").fill(" Stand-up ")
    page.keyboard.press("Enter")
    page.wait_for_url("**/r/weekly")
    assert server.made == [{"name": "Stand-up", "language": "en"}]


@pytest.mark.parametrize(
    "text", ["weekly", " Weekly ", "https://meet.example/r/weekly", "{address}/r/weekly#k=x"]
)
def test_a_room_by_name_or_by_link(open_page: OpenPage, server: FakeServer, text: str) -> None:
    page = open_page("/")
    page.get_by_label("Join a room").fill(text.format(address=server.address))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.address}/r/weekly" + ("#k=x" if "#" in text else ""))


def test_what_is_no_room_is_said(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_label("Join a room").fill("a/b?c")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("neither the name of a room nor its link")


def test_an_unknown_room(open_page: OpenPage) -> None:
    page = open_page("/r/nowhere", silent=True)
    expect(page.get_by_text("There is no such room")).to_be_visible()
    expect(page.get_by_role("link", name="Start page")).to_be_visible()


def test_the_name_and_the_key_go_with_the_join_and_the_token_is_the_first_message(
    enter: OpenPage, server: FakeServer
) -> None:
    enter("/r/weekly#k=guest-key", name="  Ana  ")
    assert server.joins == [{"slug": "weekly", "name": "Ana", "key": "guest-key"}]
    hello = server.received[0]
    assert hello == {"type": "hello", "version": 1, "token": "token-1", "name": "Ana", "language": "en"}


def test_a_name_is_wanted(open_page: OpenPage) -> None:
    page = open_page()
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_have_text("Enter the name the others will see.")
    expect(page.locator("#name")).to_be_focused()


def test_a_pin_is_asked_for_and_a_wrong_one_is_said(open_page: OpenPage, server: FakeServer) -> None:
    server.room["pin_needed"] = True
    server.refuse_join = 403, {"code": "wrong_pin"}
    page = open_page(silent=True)
    page.fill("#name", "Ana")
    page.get_by_label("Meeting PIN").fill("12 34")
    for _ in range(2):
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("This PIN is not recognised. Check your invitation.")
    server.refuse_join = None
    page.get_by_label("Meeting PIN").fill("48 15")
    page.keyboard.press("Enter")
    page.wait_for_selector(".meeting")
    assert [join["pin"] for join in server.joins] == ["12 34", "12 34", "48 15"]  # as it was written


@pytest.mark.parametrize(
    ("status", "problem", "text"),
    [
        (403, {"code": "forbidden"}, "does not let you in"),
        (409, {"code": "room_full"}, "The meeting is full"),
        (429, {}, "Too many requests"),  # a proxy's words are not ours
        (503, {}, "unavailable for the moment"),
    ],
)
def test_a_shut_door_says_why(
    open_page: OpenPage, server: FakeServer, status: int, problem: dict[str, str], text: str
) -> None:
    server.refuse_join = status, problem
    page = open_page(silent=True)
    page.fill("#name", "Ana")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_contain_text(text)


def test_the_waiting_room(open_page: OpenPage, server: FakeServer) -> None:
    server.room["access"], server.wait = "waiting", True
    page = open_page()
    page.fill("#name", "Ana")
    page.get_by_role("button", name="Ask to join").click()
    expect(page.get_by_text("You are in the waiting room")).to_be_visible()
    server.let_in()
    page.wait_for_selector(".meeting")


def test_who_waits_knows_whether_a_host_is_there(open_page: OpenPage, server: FakeServer) -> None:
    server.room["access"], server.wait, server.host_there = "waiting", True, False
    page = open_page()
    page.fill("#name", "Ana")
    page.get_by_role("button", name="Ask to join").click()
    lead = page.get_by_role("status")
    expect(lead).to_contain_text("No host is there yet.")
    server.host_comes()
    expect(lead).to_contain_text("The hosts have been told.")
    server.host_comes(there=False)
    expect(lead).to_contain_text("No host is there yet.")


def test_a_reloaded_page_that_waits_still_knows_for_what(open_page: OpenPage, server: FakeServer) -> None:
    server.room["access"], server.wait = "waiting", True
    page = open_page()
    page.fill("#name", "Ana")
    page.get_by_role("button", name="Ask to join").click()
    for again in (False, True):
        server.away = again  # the service is awaited then
        expect(page.locator(".kicker")).to_have_text("Weekly meeting")
        expect(page).to_have_title("Weekly meeting · Passerelle")
        page.reload()
    server.away = False
    page.reload()
    expect(page.get_by_text("You are in the waiting room")).to_be_visible()
    expect(page.locator(".kicker")).to_have_text("Weekly meeting")


@pytest.mark.parametrize(
    ("path", "button", "offers_pin"),
    [
        ("/r/weekly", "Ask to join", True),
        ("/r/weekly#k=AWcAAAABAAAAAAAAAAAl", "Ask to join", True),  # a guest's link
        ("/r/weekly#k=AWgAAAABAAAAAAAAAAAl", "Join", False),  # a host's
    ],
)
def test_a_host_by_link_neither_asks_nor_needs_a_pin(
    open_page: OpenPage, server: FakeServer, path: str, button: str, offers_pin: bool
) -> None:
    server.room["access"] = "waiting"
    page = open_page(path)
    expect(page.get_by_role("button", name=button, exact=True)).to_be_visible()
    expect(page.get_by_text("I have a PIN")).to_be_visible(visible=offers_pin)


def test_a_link_that_opens_nothing_leaves_the_pin(open_page: OpenPage, server: FakeServer) -> None:
    server.refuse_join = 403, {"code": "wrong_pin"}
    page = open_page("/r/weekly#k=AWgold", silent=True)
    page.fill("#name", "Ana")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This link does not let you in.")
    page.get_by_label("Meeting PIN").fill("4815")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This PIN is not recognised.")
    assert [join.get("key") for join in server.joins] == ["AWgold", None]


@pytest.mark.parametrize(
    ("reason", "title", "again"),
    [
        ("removed", "You were removed from the meeting", False),
        ("refused", "You were not let in", True),
        ("ended", "The meeting has ended", True),
        ("replaced", "The meeting goes on in another tab", True),
    ],
)
def test_the_end_is_final(enter: OpenPage, server: FakeServer, reason: str, title: str, again: bool) -> None:
    page = enter()
    server.tell("closed", reason=reason)
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_role("button", name="Join again")).to_have_count(int(again))
    page.wait_for_timeout(1200)  # longer than the first back-off
    assert server.connections == 1


def test_leaving_and_coming_back(enter: OpenPage, server: FakeServer) -> None:
    page = enter()
    page.get_by_role("button", name="Leave").click()
    server.next("leave")
    page.get_by_role("button", name="Join again").click()
    expect(page.locator("#name")).to_have_value("Camille Petit")
    page.click("button[type=submit]")
    page.wait_for_selector(".meeting")


def test_leaving_outlives_the_page(enter: OpenPage, server: FakeServer) -> None:
    page = enter()
    page.evaluate("WebSocket.prototype.send = () => {}")  # what is not sent yet when the page is closed
    page.get_by_role("button", name="Leave").click()
    page.close()
    server.wait_for(lambda: server.leaves == [{"session": "s1", "secret": "secret"}])


def test_an_old_page_says_so_and_does_not_try_for_ever(open_page: OpenPage, server: FakeServer) -> None:
    server.refuse_hello = "bad_version"
    page = open_page()
    page.fill("#name", "Ana")
    page.click("button[type=submit]")
    expect(page.get_by_text("The service has been updated. Reload the page.")).to_be_visible()


def test_a_lost_connection_is_shown_and_resumed(enter: OpenPage, server: FakeServer) -> None:
    server.people = [person("Jean Dupont")]
    page = enter()
    server.change("jean-dupont", microphone=False)
    server.away = True  # or it may be back before one looks
    server.cut()
    expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    server.away = False
    resume = server.next("resume", session="s1", secret="secret")
    assert resume["last"] > 1
    expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_hidden()
    assert len(server.joins) == 1


def test_nothing_is_said_to_a_socket_that_is_closing(open_page: OpenPage, server: FakeServer) -> None:
    page = open_page()
    page.evaluate("""() => {
        const Native = WebSocket;
        let closing = true; // the first one, by the time its opening is told
        window.WebSocket = class extends Native {
            static OPEN = Native.OPEN;
            constructor(...args) {
                super(...args);
                if (closing) this.addEventListener("open", () => this.close());
                closing = false;
            }
        };
    }""")
    page.fill("#name", "Ana")
    page.keyboard.press("Enter")
    page.wait_for_selector(".meeting")
    assert server.connections == 2


def test_a_reloaded_page_takes_its_seat_and_remembers_nothing(enter: OpenPage, server: FakeServer) -> None:
    page = enter()
    page.get_by_role("button", name="Switch the camera off").first.click()
    server.next("media", camera=False)
    page.reload()
    page.wait_for_selector(".meeting")
    assert server.next("resume")["last"] == 0
    server.next("media", camera=False, microphone=True)
    expect(page.get_by_role("button", name="Switch the camera on").first).to_be_visible()


def test_a_seat_that_is_gone_is_joined_anew(enter: OpenPage, server: FakeServer) -> None:
    enter(name="Ana")
    server.know_seat = False
    server.cut()
    server.wait_for(lambda: len(server.heard("hello")) == 2)
    assert server.joins[1] == server.joins[0]


def test_a_page_that_comes_back_too_often_waits_and_keeps_its_seat(
    enter: OpenPage, server: FakeServer
) -> None:
    page = enter(name="Ana")
    server.slow_down = 2
    server.cut()
    server.wait_for(lambda: len(server.heard("resume")) == 3)
    expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_hidden()
    assert len(server.joins) == 1


def test_what_a_closed_room_is_called_is_shown_to_who_has_its_link(
    open_page: OpenPage, server: FakeServer
) -> None:
    server.room["pin_needed"] = True
    expect(open_page("/r/weekly").get_by_role("heading", level=1)).to_have_text("weekly")
    expect(open_page("/r/weekly#k=guest-key").get_by_role("heading", level=1)).to_have_text("Weekly meeting")


def test_a_service_that_takes_no_more_connections_is_awaited(open_page: OpenPage, server: FakeServer) -> None:
    server.away = True
    page = open_page()
    page.fill("#name", "Ana")
    page.click("button[type=submit]")
    expect(page.get_by_role("heading", name="Not connected yet")).to_be_visible()
    server.away = False
    page.wait_for_selector(".meeting")
    server.away = True
    page.reload()
    expect(page.get_by_role("heading", name="Not connected yet")).to_be_visible()
    page.get_by_role("button", name="Stop waiting").click()
    expect(page.get_by_role("heading", name="You have left the meeting")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "words", "button"),
    [
        ("en-GB", "Too many requests, perhaps by others on your network.", "Try again"),
        ("fr-FR", "Trop de demandes, peut-être par d’autres sur votre réseau.", "Réessayer"),
    ],
)
def test_too_many_requests_are_said_and_may_be_tried_again(
    open_page: OpenPage, server: FakeServer, locale: str, words: str, button: str
) -> None:
    page = open_page("/", locale=locale, silent=True)
    page.route("**/api/rooms/*", lambda route: route.fulfill(status=429, body="Too Many Requests"))
    page.goto(server.address + "/r/weekly")
    expect(page.get_by_text(words)).to_be_visible()
    page.unroute("**/api/rooms/*")
    page.get_by_role("button", name=button).click()
    expect(page.locator("#name")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "seconds", "words"),
    [
        (
            "en-GB",
            1728,
            "by the link in your invitation, or ask a host for it. A PIN can be tried again in 29 minutes.",
        ),
        ("fr-FR", 1728, "Un code pourra être essayé dans 29 minutes."),
        ("fr-FR", 40, "Un code pourra être essayé dans 1 minute."),
    ],
)
def test_when_too_many_wrong_pins_were_tried_what_helps_is_said(
    open_page: OpenPage, server: FakeServer, locale: str, seconds: int, words: str
) -> None:
    server.room["pin_needed"] = True
    page = open_page("/r/weekly", locale=locale, silent=True)
    page.route(
        "**/api/join",
        lambda route: route.fulfill(
            status=429, headers={"Retry-After": str(seconds)}, json={"code": "pin_throttled", "message": ""}
        ),
    )
    page.fill("#name", "Ana")
    page.fill("#pin", "481516")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(words)


def test_who_is_told_to_wait_on_the_way_back_comes_back(enter: OpenPage, server: FakeServer) -> None:
    page = enter(silent=True)
    server.refuse_join = 429, {}
    server.know_seat = False
    server.cut()
    server.wait_for(lambda: len(server.joins) == 2)
    server.refuse_join = None
    server.wait_for(lambda: len(server.heard("hello")) == 2)
    expect(page.locator(".meeting")).to_be_visible()
    expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_hidden()


def test_a_restarting_server_says_so_and_is_awaited(enter: OpenPage, server: FakeServer) -> None:
    page = enter()
    status = page.locator(".connection[role=status]")
    expect(status).to_be_empty()
    server.tell("restarting")
    expect(status).to_have_text("The service will restart soon. This page brings you back by itself.")
    server.away = True
    server.restart()
    expect(status).to_have_text("The service is restarting. This page brings you back by itself…")
    server.away = False
    server.wait_for(lambda: len(server.heard("hello")) == 2)
    expect(page.locator(".meeting")).to_be_visible()
    expect(status).to_be_empty()
    server.away = True
    server.cut()  # that was another time
    expect(status).to_have_text("Connection lost. Reconnecting…")


def test_the_language_is_the_browsers_and_can_be_switched_in_place(open_page: OpenPage) -> None:
    page = open_page(locale="fr-FR")
    expect(page.get_by_role("button", name="Entrer")).to_be_visible()
    page.fill("#name", "Ana")
    page.get_by_label("Langue").select_option("en")
    expect(page.get_by_role("button", name="Join")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#name")).to_have_value("Ana")
    page.reload()
    expect(page.get_by_role("button", name="Join")).to_be_visible()


def test_a_browser_that_keeps_nothing(open_page: OpenPage, server: FakeServer) -> None:
    page = open_page("/")
    page.context.add_init_script("""
        for (const name of ["localStorage", "sessionStorage"])
            Object.defineProperty(window, name, { get() { throw new DOMException("", "SecurityError"); } });
    """)
    page.goto(server.address + "/r/weekly#k=AWghost")
    page.get_by_label("Language").select_option("fr")
    page.fill("#name", "Ana")
    page.get_by_role("button", name="Couper le micro").click()
    page.get_by_role("button", name="Entrer").click()
    page.wait_for_selector(".meeting")
    page.keyboard.press("?")
    page.get_by_label("Utiliser des lettres seules").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Quitter").click()
    expect(page.get_by_role("heading", name="Vous avez quitté la réunion")).to_be_visible()
    assert server.joins[0]["key"] == "AWghost"
    assert page.url.endswith("#k=AWghost")  # there is nowhere else to keep it
