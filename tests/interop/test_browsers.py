"""A telephone and a page in one room: each hears the other, and the page shows what the keypad does."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import MakePhone
from .peers.audio import TONES, has_tone, lacks_tone, tone, write_wav
from .peers.gateway import Gateway
from .peers.phone import Ears
from .peers.process import until

playwright = pytest.importorskip("playwright.sync_api", reason="needs the Python package playwright")

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
# Chromium would take a steady tone for noise, and us for its own echo.
UNTOUCHED = """
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    navigator.mediaDevices.getUserMedia = (wish) =>
        ask(wish.audio ? { ...wish, audio: { ...(wish.audio === true ? {} : wish.audio), ...raw } } : wish);
"""
# The loudest frequency of all that is played; 0 for silence.
LOUDEST = """async () => {
    const context = (window.listening ??= new AudioContext());
    await context.resume();
    const heard = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    for (const player of document.querySelectorAll("audio"))
        if (player.srcObject) context.createMediaStreamSource(player.srcObject).connect(heard);
    await new Promise((done) => setTimeout(done, 600));
    const levels = new Float32Array(heard.frequencyBinCount);
    heard.getFloatFrequencyData(levels);
    const loudest = levels.indexOf(Math.max(...levels));
    return levels[loudest] > -50 ? loudest * context.sampleRate / heard.fftSize : 0;
}"""

OpenPage = Callable[[Gateway, str, str], Any]


@pytest.fixture
def page(gateway: Gateway, homes: Callable[[str], Path]) -> Iterator[Any]:
    """Ada's page, before the door of the open room `plaza`; her microphone says a tone."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs the Debian package chromium")
    gateway.room("plaza", "--access", "open")
    origin = f"http://{gateway.address}:8080"
    microphone = homes("chromium") / "microphone.wav"
    write_wav(microphone, tone(TONES[2], 30, 48000), 48000)
    with playwright.sync_playwright() as driver:
        args = [
            *FLAGS,
            f"--use-file-for-fake-audio-capture={microphone}",
            f"--unsafely-treat-insecure-origin-as-secure={origin}",  # else there is no microphone
        ]
        browser = driver.chromium.launch(executable_path=chromium, args=args)
        context = browser.new_context(permissions=["camera", "microphone"], locale="en-GB")
        opened = context.new_page()
        opened.add_init_script(UNTOUCHED)
        opened.goto(f"{origin}/r/plaza")
        opened.fill("#name", "Ada")
        opened.click("button[type=submit]")
        opened.wait_for_selector(".meeting")
        yield opened
        opened.click(".leave")  # else the seat is kept for some time
        opened.wait_for_selector(".leave", state="detached")
        opened.wait_for_timeout(1000)  # for the WebSocket to be closed by both
        browser.close()


def hears(ears: Ears, frequency: float) -> bool:
    rate, samples = ears.hear(1.0)
    return has_tone(samples, rate, frequency) and lacks_tone(samples, rate, ears.frequency)


@pytest.mark.parametrize("codec", ["PCMU", "G722"])
def test_a_telephone_and_a_page(gateway: Gateway, phone: MakePhone, page: Any, codec: str) -> None:
    caller = phone(TONES[0], codec)
    caller.dial(gateway.uri(gateway.room("plaza").pin))
    until(lambda: hears(caller, TONES[2]), 15, "the page to be heard on the telephone")
    until(lambda: abs(page.evaluate(LOUDEST) - TONES[0]) < 10, 15, "the telephone to be heard on the page")
    caller.digits("*9")
    page.get_by_text("phone has raised a hand").wait_for()
    caller.digits("*6")
    until(lambda: page.evaluate(LOUDEST) == 0, 10, "the muted telephone not to be heard")
    caller.hang_up()
