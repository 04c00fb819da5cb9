"""Somebody at the gateway's page, in whichever browser: what is done there, seen and heard.

Each browser has a camera and a microphone of its own: it films one colour across which a white bar travels,
and speaks one tone. Who sees and hears whom is then a question of which colour stands and moves in whose
tile, and which frequencies stand in what plays: a number of packets never has to be believed.
"""

from __future__ import annotations

import base64
import os
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .audio import TONES, Samples
from .gateway import Gateway, Room
from .process import PATIENCE, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

Colour = tuple[int, int, int]
#: Stands for a camera that goes round all colours.
RAINBOW: Colour = (0, 0, 0)
VIVID = 100  # what is between the strongest and the weakest part of such a colour, at least


@dataclass(frozen=True, slots=True)
class Looks:
    """What tells one machine from the others: colour (RGB), tone (Hz), size of the camera's picture.

    ``grain`` is how far its brightness strays from pixel to pixel: what makes a picture cost bits.
    """

    name: str
    colour: Colour
    frequency: float
    size: tuple[int, int] = (320, 180)
    grain: int = 0
    browser: str = "chromium"

    def phase(self, picture: Picture) -> object:
        """How far the picture has moved; None when it is another's."""
        if self.colour == RAINBOW:
            return picture.colour if max(picture.colour) - min(picture.colour) > VIVID else None
        return picture.bar if _alike(picture.colour, self.colour) else None


# Of two tones the lower one is 40 dB above the noise that G.711 and Opus make beside it: those of telephones
# and of pages lie far from each other.
RED = Looks("Rouge", (180, 40, 40), TONES[3])
GREEN = Looks("Verte", (40, 150, 40), TONES[4])
BLUE = Looks("Bleu", (40, 40, 190), TONES[2])
#: A camera large enough for three simulcast layers, and dear enough for each to use what it may.
LARGE = Looks("Large", (180, 40, 180), TONES[1], (1280, 720), grain=30)
#: What Firefox makes up by itself.
FOX = Looks("Renarde", RAINBOW, TONES[2], (1280, 720), browser="firefox")

PICTURE = """(name) => {
    const named = (tile) => tile.querySelector(".name")?.textContent.startsWith(name);
    const video = [...document.querySelectorAll(".tile")].find(named)?.querySelector("video");
    if (!video || video.hidden || video.readyState < 2) return null;
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
    const pen = canvas.getContext("2d");
    pen.drawImage(video, 0, 0, 64, 36);
    return { height: video.videoHeight, row: [...pen.getImageData(0, 18, 64, 1).data] };
}"""
HEAR = """async (seconds) => {
    const ears = window.ears ??= { context: new AudioContext(), known: new Set() };
    const { context, known } = ears;
    const analyser = ears.analyser ??= new AnalyserNode(context, { fftSize: 32768 });
    for (const { srcObject } of document.querySelectorAll("audio")) {
        if (!srcObject || known.has(srcObject)) continue;
        known.add(srcObject);
        context.createMediaStreamSource(srcObject).connect(analyser);
    }
    await context.resume();
    const block = new Float32Array(analyser.fftSize);
    let octets = "";
    for (let left = Math.ceil(seconds * context.sampleRate); left > 0; left -= block.length) {
        await new Promise((done) => setTimeout(done, (1000 * block.length) / context.sampleRate));
        analyser.getFloatTimeDomainData(block);
        const clipped = block.subarray(0, left).map((value) => 32767 * Math.max(-1, Math.min(1, value)));
        const bytes = new Uint8Array(Int16Array.from(clipped).buffer);
        for (let at = 0; at < bytes.length; at += 8192)
            octets += String.fromCharCode(...bytes.subarray(at, at + 8192));
    }
    return { rate: context.sampleRate, samples: btoa(octets) };
}"""
#: Keeps the page's connections within reach, and makes it forget codecs it should not offer.
#: Gain control is off: it brings each tone near full scale, and two of those clip on a telephone.
WATCH = """(forgotten) => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        console.error(`${violatedDirective} forbids ${blockedURI}`));
    const { mediaDevices } = navigator; // none in an empty page
    const ask = mediaDevices?.getUserMedia.bind(mediaDevices);
    if (ask)
        mediaDevices.getUserMedia = ({ audio, ...rest }) =>
            ask({ ...rest, audio: audio && { ...audio, autoGainControl: false } });
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
        constructor(...args) {
            super(...args);
            window.sockets.push(this);
            this.addEventListener("open", () => window.broken && this.close());
        }
    };
    const Native = RTCPeerConnection;
    window.peers = [];
    window.RTCPeerConnection = class extends Native {
        constructor(...args) {
            super(...args);
            window.peers.push(this);
        }
        addTransceiver(kind, ...rest) {
            const line = super.addTransceiver(kind, ...rest);
            if (kind === "video" && forgotten.length) {
                const { codecs } = RTCRtpReceiver.getCapabilities("video");
                line.setCodecPreferences(codecs.filter(({ mimeType }) => !forgotten.includes(mimeType)));
            }
            return line;
        }
    };
}"""
INBOUND = """async () => {
    const peer = window.peers.at(-1);
    const reports = [...(await peer.getStats()).values()];
    const codec = ({ codecId }) => reports.find(({ id }) => id === codecId)?.mimeType;
    const streams = reports.filter(({ type }) => type === "inbound-rtp");
    return streams.map((each) => ({ ...each, codec: codec(each) }));
}"""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a tile shows: its height as it came, its ground, and where the bar is (0–63)."""

    height: int
    colour: Colour
    bar: int


class Machine:
    """One browser process; everybody who enters by it looks and sounds the same.

    ``mark`` is what its command line has and no other.
    """

    permissions: Sequence[str] = ()

    def __init__(self, browser: Browser, looks: Looks, mark: Path) -> None:
        self.browser = browser
        self.looks = looks
        self._mark = str(mark).encode()

    def processes(self) -> list[int]:
        """Those that have its mark, and what they have started."""
        parents, ours = {}, set()
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
                if self._mark in status.with_name("cmdline").read_bytes():
                    ours.add(int(status.parent.name))
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
        while more := {each for each, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return sorted(ours)

    def close(self) -> None:
        self.browser.close()


class Person:
    """One page in a context of its own, in English; it leaves its meeting when it is closed."""

    def __init__(
        self,
        machine: Machine,
        gateway: Gateway,
        *,
        name: str = "",
        forget: Sequence[str] = (),
    ) -> None:
        """``forget``: MIME types not to be offered."""
        self.looks = machine.looks
        self.frequency = machine.looks.frequency
        self.name = name or machine.looks.name
        self.gateway = gateway
        self.complaints: list[str] = []
        self._context = machine.browser.new_context(
            viewport={"width": 1280, "height": 800}, locale="en-GB", permissions=machine.permissions
        )
        self._context.set_default_timeout(1000 * PATIENCE)
        self._context.add_init_script(f"({WATCH})({list(forget)})")
        self.page: Page = self._context.new_page()
        self._machine = machine
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._said)

    def close(self) -> None:
        """Leave and go."""
        leave = self.page.locator("button.leave")
        if leave.is_visible():
            leave.click()
            self.page.wait_for_selector(".over")
        self._context.close()

    def _said(self, message: ConsoleMessage) -> None:
        # A PIN may be refused, and nobody answers while a gateway is restarted.
        known = ("Failed to load resource", "net::ERR_CONNECTION_REFUSED")
        if message.type == "error" and not any(words in message.text for words in known):
            self.complaints.append(message.text)

    # -- a network that fails

    def cut(self) -> None:
        """Close the WebSocket, and each new one before anything is said, until `mend`."""
        self.page.evaluate("window.broken = true; sockets.at(-1).close()")

    def mend(self) -> None:
        """Let it connect again."""
        self.page.evaluate("window.broken = false")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all of its browser's processes, as when a lid is closed."""
        processes = self._machine.processes()
        _signal(processes, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(processes, signal.SIGCONT)

    # -- doors

    def open(self, room: Room, pin: str | None = None) -> None:
        """Open the room's page and fill in what it asks for."""
        self.page.goto(f"http://{self.gateway.address}:8080/r/{room.slug}")
        self.page.fill("#name", self.name)
        if pin:
            if not self.page.locator("#pin").is_visible():
                self.page.get_by_text("I have a PIN").click()
            self.page.fill("#pin", pin)

    def enter(self, room: Room, *, host: bool = False) -> None:
        """Into the meeting, as a host or not, with camera and microphone."""
        self.open(room, room.host_pin if host else room.pin)
        self.page.click("button[type=submit]")
        self.page.wait_for_selector(".meeting")
        self.connected()

    def connected(self) -> None:
        """Wait for the media's connection."""
        self.wait("peers.at(-1)?.connectionState === 'connected'")

    def wait(self, expression: str, timeout: float = PATIENCE) -> Any:
        """The first true value of an expression in the page."""
        return until(
            lambda: self.page.evaluate(expression), timeout, f"{expression} in the page of {self.name}"
        )

    def press(self, name: str) -> None:
        """Click a button by its words."""
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def show_people(self) -> None:
        """Open the list of participants, whatever news its button tells."""
        self.page.get_by_role("button", name=re.compile("^Participants")).click()

    def confirm(self, name: str) -> None:
        """Click a button of the dialog that asks."""
        self.page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()

    def choose(self, name: str, action: str) -> None:
        """An entry of a participant's menu."""
        self.tile(name).hover()
        self.press(f"Actions for {name}")
        self.page.get_by_role("menuitem", name=action, exact=True).click()

    def tile(self, name: str) -> Any:
        """Of a participant."""
        words = re.compile(rf"^{re.escape(name)}( \(you\))?$")
        return self.page.locator(".tile", has=self.page.locator(".name", has_text=words))

    # -- eyes

    def picture(self, name: str) -> Picture | None:
        """What the tile of that name shows now."""
        found = self.page.evaluate(PICTURE, name)
        if found is None:
            return None
        row: NDArray[np.int64] = np.array(found["row"]).reshape(-1, 4)[:, :3]
        red, green, blue = map(int, np.median(row, axis=0))
        return Picture(found["height"], (red, green, blue), int(np.argmax(row.sum(axis=1))))

    def sees(self, other: Looks, name: str = "", timeout: float = PATIENCE) -> None:
        """Wait until the tile shows that picture, and it moves."""
        phases: set[object] = set()
        seen: list[Picture | None] = []

        def moving() -> bool:
            seen.append(self.picture(name or other.name))
            if (last := seen[-1]) and (phase := other.phase(last)) is not None:
                phases.add(phase)
            return len(phases) > 3

        try:
            until(moving, timeout, "")
        except TimeoutError:
            raise AssertionError(
                f"{self.name} sees no {other.colour} move in the tile of {name or other.name}: {seen[-5:]}"
            ) from None

    # -- ears: a stretch is what plays on all of the page's audio elements, mixed

    def heard(self) -> tuple[int, Samples]:
        """There is no recording before one listens."""
        return self.hear(0.5)

    def hear(self, seconds: float) -> tuple[int, Samples]:
        """Listen for that long, from now: rate and samples."""
        found = self.page.evaluate(HEAR, seconds)
        return found["rate"], np.frombuffer(base64.b64decode(found["samples"]), "<i2")

    # -- statistics

    def inbound(self, kind: str) -> list[dict[str, Any]]:
        """The browser's reports of the streams it receives, with their codecs."""
        return [report for report in self.page.evaluate(INBOUND) if report["kind"] == kind]

    def received(self, kind: str) -> int:
        """Packets of all streams."""
        return sum(report["packetsReceived"] for report in self.inbound(kind))


def _signal(processes: Sequence[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):  # ended meanwhile
            os.kill(process, number)


def _alike(colour: Colour, other: Colour) -> bool:
    return max(abs(a - b) for a, b in zip(colour, other, strict=True)) < 40


MakePerson = Callable[..., Person]
