"""Sound and picture: what is offered, what arrives, and what really stops."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import OpenPage
from tests.web.fake_server import FakeServer, person

PIXEL = """async (name) => {
    const tile = [...document.querySelectorAll(".tile")].find((each) => each.textContent.includes(name));
    const video = tile?.querySelector("video");
    if (!video || video.hidden || !video.videoWidth) return null;
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(video, 0, 0, 64, 36);
    const colour = [...pen.getImageData(32, 4, 1, 1).data].slice(0, 3);
    const row = [...pen.getImageData(0, 18, 64, 1).data].join();
    return { colour, row };
}"""
PEAKS = """() => {
    window.listening ??= [...document.querySelectorAll("audio")].map((player) => {
        const context = new AudioContext();
        const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
        context.createMediaStreamSource(player.srcObject).connect(analyser);
        return analyser;
    });
    return listening.map((analyser) => {
        const levels = new Float32Array(analyser.frequencyBinCount);
        analyser.getFloatFrequencyData(levels);
        const loudest = levels.indexOf(Math.max(...levels));
        const hertz = loudest * analyser.context.sampleRate / analyser.fftSize;
        return levels[loudest] > -60 ? Math.round(hertz) : 0;
    });
}"""


def picture(page: Page, server: FakeServer, name: str) -> "dict[str, list[int] | str]":
    found: dict[str, list[int] | str] = server.wait_for(lambda: page.evaluate(PIXEL, name))
    return found


def test_the_lines_of_the_offer_stand_in_their_order(enter: OpenPage, server: FakeServer) -> None:
    enter()
    sdp = server.next("offer")["sdp"]
    lines = sdp.split("\r\nm=")[1:]
    assert [(line[:5], re.search(r"a=(sendonly|recvonly)", line)[1]) for line in lines] == [  # type: ignore[index]
        ("audio", "sendonly"),
        ("video", "sendonly"),
        ("video", "sendonly"),
        *[("audio", "recvonly"), ("video", "recvonly")] * 9,
        *[("audio", "recvonly")] * 3,
        *[("video", "recvonly")] * 2,
    ]
    assert "a=simulcast:send q;h;f" in lines[1]
    assert "a=simulcast" not in lines[2]
    assert len(sdp) < 100_000


@pytest.mark.parametrize("tiles", [1, 2, 25])
def test_the_lines_are_as_many_as_the_server_sends_tiles(
    enter: OpenPage, server: FakeServer, tiles: int
) -> None:
    server.tiles = tiles
    enter()
    assert server.next("offer")["sdp"].count("\r\nm=") == 3 + 2 * tiles + 3 + 2


def test_a_server_that_comes_back_with_other_settings_gets_other_lines(
    enter: OpenPage, server: FakeServer, mirror: None
) -> None:
    server.people = [person("Red", camera=True), person("Green", camera=True), person("Blue", camera=True)]
    server.tiles = 2
    page = enter()
    picture(page, server, "Green")
    assert page.evaluate(PIXEL, "Blue") is None
    server.tiles = 3
    server.restart()
    server.wait_for(lambda: len(server.heard("offer")) == 2)
    assert [offer["sdp"].count("\r\nm=") for offer in server.heard("offer")] == [12, 14]
    picture(page, server, "Blue")


def test_everybodys_picture_moves_in_their_tile_and_everybody_is_heard(
    enter: OpenPage, server: FakeServer, mirror: None
) -> None:
    server.people = [person("Red", camera=True), person("Green", camera=True), person("Phone", "phone")]
    page = enter()
    for name, strongest in (("Red", 0), ("Green", 1)):
        first = picture(page, server, name)
        colour = first["colour"]
        assert max(range(3), key=lambda channel: colour[channel]) == strongest
        server.wait_for(lambda: picture(page, server, name)["row"] != first["row"])  # noqa: B023
    assert page.evaluate(PIXEL, "Phone") is None
    tones = pytest.approx([400, 500, 600], abs=12)
    server.wait_for(lambda: page.evaluate(PEAKS)[:3] == tones)


def test_muting_disables_the_track_and_no_picture_leaves_a_camera_that_is_off(
    open_page: OpenPage, server: FakeServer
) -> None:
    page = open_page()
    page.evaluate("""() => {
        const add = RTCPeerConnection.prototype.addTransceiver;
        window.senders = [];
        RTCPeerConnection.prototype.addTransceiver = function (...args) {
            const line = add.apply(this, args);
            window.senders.push(line.sender);
            return line;
        };
    }""")
    page.fill("#name", "Ana")
    page.click("button[type=submit]")
    page.wait_for_selector(".meeting")
    server.wait_for(
        lambda: page.evaluate("senders[0]?.track?.enabled && senders[1]?.track?.readyState") == "live"
    )
    camera = page.evaluate_handle("senders[1].track")
    page.keyboard.press("m")
    page.keyboard.press("v")
    server.next("media", microphone=False, camera=False)
    assert page.evaluate("senders[0].track.enabled") is False
    server.wait_for(lambda: page.evaluate("senders[1].track") is None)
    assert camera.evaluate("track => track.readyState") == "ended"


def test_the_mirror_before_the_door_is_not_kept_inside(open_page: OpenPage, server: FakeServer) -> None:
    page = open_page()
    expect(page.locator(".preview video")).to_be_visible()
    mirror = page.evaluate_handle("document.querySelector('.preview video')")
    page.fill("#name", "Ana")
    page.click("button[type=submit]")
    server.next("media", camera=True)
    page.keyboard.press("v")
    server.next("media", camera=False)
    page.keyboard.press("v")
    expect(page.locator(".mine video")).to_be_visible()
    assert mirror.evaluate("video => video.srcObject.getTracks()[0].readyState") == "ended"


def test_what_was_muted_before_the_door_is_muted_inside(open_page: OpenPage, server: FakeServer) -> None:
    page = open_page()
    page.get_by_role("button", name="Mute the microphone").click()
    page.get_by_role("button", name="Switch the camera off").click()
    page.fill("#name", "Ana")
    page.click("button[type=submit]")
    server.next("media", microphone=False, camera=False, screen=False)


def test_a_room_that_mutes_those_who_enter(enter: OpenPage, server: FakeServer) -> None:
    server.mutes = True
    page = enter()
    expect(page.get_by_text("This room mutes those who enter.")).to_be_visible()
    unmute = page.get_by_role("button", name="Unmute the microphone")
    expect(unmute).to_be_visible()
    server.next("media", camera=True)
    assert not any(media["microphone"] for media in server.heard("media"))
    unmute.click()
    server.next("media", microphone=True)
    server.cut()
    back = server.received.index(server.next("resume"))  # is no entry
    later = server.wait_for(lambda: [each for each in server.received[back:] if each["type"] == "media"])
    assert later[0]["microphone"]


def test_without_permission_one_still_takes_part(open_page: OpenPage, server: FakeServer) -> None:
    page = open_page("/", permissions=[])
    page.context.add_init_script("""
        navigator.mediaDevices.getUserMedia = async () => {
            throw new DOMException("no", "NotAllowedError");
        };
    """)
    page.goto(server.address + "/r/weekly")
    expect(page.get_by_text("The browser may not use your microphone.")).to_be_visible()
    expect(page.get_by_text("The browser may not use your camera.")).to_be_visible()
    page.fill("#name", "Ana")
    page.click("button[type=submit]")
    page.wait_for_selector(".meeting")
    server.next("offer")
    server.next("media", microphone=False, camera=False)


def test_a_camera_that_is_unplugged_is_replaced_and_said(enter: OpenPage, server: FakeServer) -> None:
    page = enter()
    server.next("media", camera=True)
    page.evaluate(
        "document.querySelector('.mine video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))"
    )
    expect(page.get_by_role("alert")).to_contain_text("The camera was unplugged")
    expect(page.locator(".mine video")).to_be_visible()


def test_sound_that_is_blocked_waits_for_a_click(
    open_page: OpenPage, server: FakeServer, mirror: None
) -> None:
    page = open_page("/")
    page.context.add_init_script("""
        const play = HTMLMediaElement.prototype.play;
        window.blocked = true;
        HTMLMediaElement.prototype.play = function () {
            if (this.tagName !== "AUDIO") return play.call(this);
            if (window.blocked) return Promise.reject(new DOMException("", "NotAllowedError"));
            window.played = (window.played ?? 0) + 1;
            return play.call(this);
        };
    """)
    page.goto(server.address + "/r/weekly")
    page.fill("#name", "Ana")
    page.click("button[type=submit]")
    hear = page.get_by_role("button", name="Click to hear")
    expect(hear).to_be_visible()
    page.evaluate("blocked = false")
    hear.click()
    expect(hear).to_be_hidden()
    assert server.wait_for(lambda: page.evaluate("window.played")) >= 12


def test_sharing_the_screen_and_stopping(open_page: OpenPage, server: FakeServer) -> None:
    page = open_page("/")
    page.context.add_init_script("""
        navigator.mediaDevices.getDisplayMedia = async () => {
            const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
            canvas.getContext("2d").fillRect(0, 0, 10, 10);
            return canvas.captureStream(5);
        };
    """)
    page.goto(server.address + "/r/weekly")
    page.fill("#name", "Ana")
    page.click("button[type=submit]")
    page.get_by_role("button", name="Share your screen").click()
    server.next("media", screen=True)
    expect(page.locator(".tile.screen")).to_contain_text("Screen of Ana")
    server.tell("asked", what="stop_share")
    expect(page.get_by_text("A host has stopped your screen share.")).to_be_visible()
    server.wait_for(lambda: not server.heard("media")[-1]["screen"])


def test_the_details_tell_in_words_how_media_travels(
    enter: OpenPage, server: FakeServer, mirror: None
) -> None:
    server.people = [person("Jean Dupont", camera=True), person("+33 1 ** ** ** 42", "phone", id="phone")]
    page = enter()
    picture(page, server, "Jean Dupont")
    slots = [{"mid": "4", "layer": "h", "height": 360, "loss": 0.004, "state": "forwarding", "repairs": 0}]
    told = {"round_trip": 0.084, "loss": 0.002, "estimate": 3_400_000, "slots": slots}
    server.tell("stats", stats=told)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Network details").click()
    details = page.get_by_role("region", name="Network details")
    expect(page.get_by_text("Your connection is good.")).to_be_visible()
    expect(details).to_contain_text("Round trip84 ms to the server and back")
    expect(details).to_contain_text("up to 3.4\u00a0Mbit/s possible · 0.2% lost")
    jean = details.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Jean Dupont"))
    expect(jean).to_contain_text(
        re.compile(r"CameraMedium quality · 640\u00a0×\u00a0360, \d+ pictures a second · \d+")
    )
    expect(jean).to_contain_text("0.4% lost")
    expect(jean).to_contain_text(re.compile(r"Sound\d+\u00a0kbit/s · "))
    mine = details.get_by_role("listitem").filter(has_text="Camille Petit (you): sent")
    expect(mine).to_contain_text(re.compile(r"Sound\d+"))
    expect(mine).to_contain_text(re.compile(r"Camera.*\d+ pictures a second · \d+"))
    server.tell("stats", stats={**told, "round_trip": 0.9})
    expect(page.get_by_text("Your connection is poor: sound and picture falter.")).to_be_visible()


def test_the_details_of_one_participant(enter: OpenPage, server: FakeServer, mirror: None) -> None:
    server.people = [person("Jean Dupont", camera=True), person("Zoé")]
    page = enter()
    picture(page, server, "Jean Dupont")
    page.locator(".tile", has_text="Zoé").hover()
    page.get_by_role("button", name="Actions for Zoé").click()
    page.get_by_role("menuitem", name="Network details").click()
    details = page.get_by_role("region", name="Network details")
    expect(details.get_by_role("heading")).to_have_text(["Zoé"])
    expect(details).not_to_contain_text("Camera")


def test_what_the_server_asks_to_be_offered_anew_is(
    enter: OpenPage, server: FakeServer, mirror: None
) -> None:
    server.people = [person("Jean Dupont", camera=True)]
    page = enter()
    picture(page, server, "Jean Dupont")
    server.tell("asked", what="offer")
    server.wait_for(lambda: len(server.heard("offer")) == 2)
    page.wait_for_timeout(300)
    expect(page.locator(".notice")).to_have_count(0)


def test_media_that_the_server_gave_up_begins_anew_without_a_word(
    enter: OpenPage, server: FakeServer, mirror: None
) -> None:
    server.people = [person("Jean Dupont", camera=True)]
    page = enter()
    first = picture(page, server, "Jean Dupont")
    server.refuse_offers = 1
    server.tell("asked", what="offer")  # as if for an ICE restart
    assert server.next("resume")["last"] == 0
    server.wait_for(lambda: len(server.heard("offer")) == 3)
    origins = [re.search(r"^o=\S+ (\d+) ", offer["sdp"], re.M)[1] for offer in server.heard("offer")]  # type: ignore[index]
    assert origins[0] == origins[1] != origins[2]
    server.wait_for(lambda: picture(page, server, "Jean Dupont")["row"] != first["row"])
    expect(page.get_by_text("Reconnecting")).to_have_count(0)
    expect(page.locator(".notice")).to_have_count(0)


def test_an_offer_that_is_ready_when_the_connection_is_lost_is_made_again(
    open_page: OpenPage, server: FakeServer, mirror: None
) -> None:
    server.people = [person("Jean Dupont", camera=True)]
    page = open_page()
    page.evaluate("""() => {
        const set = RTCPeerConnection.prototype.setLocalDescription;
        const slow = new Promise((done) => { window.goOn = done; });
        RTCPeerConnection.prototype.setLocalDescription = async function (offer) {
            await slow;
            await set.call(this, offer);
            window.made = true;
        };
    }""")
    page.fill("#name", "Ana")
    page.keyboard.press("Enter")
    page.wait_for_selector(".meeting")
    server.away = True
    server.cut()
    expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    page.evaluate("goOn()")
    server.wait_for(lambda: page.evaluate("window.made"))
    server.away = False
    picture(page, server, "Jean Dupont")


def test_a_browser_whose_media_is_not_taken_is_told_until_it_is(
    enter: OpenPage, server: FakeServer, mirror: None
) -> None:
    server.people = [person("Jean Dupont", camera=True)]
    server.refuse_offers = 1
    page = enter()
    expect(page.get_by_role("alert")).to_contain_text("Try another browser")
    page.wait_for_timeout(1200)  # longer than the first back-off
    assert server.connections == 1
    server.tell("asked", what="offer")
    picture(page, server, "Jean Dupont")
    expect(page.get_by_role("alert")).to_have_count(0)
