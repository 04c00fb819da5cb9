"""Chromium as a machine at which people enter, with files for its camera and its microphone.

The tone comes in pulses: Chromium's noise suppression takes away what never pauses. Three pulses fill 1.5 s,
and the tone lasts for more than half of it, as ``audio.spectrum`` asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .audio import tone, write_wav
from .page import Colour, Looks, Machine
from .process import START, require

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

PACKAGE = "chromium"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
    "--auto-select-tab-capture-source-by-title=Passerelle",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
#: What lets a browser use loopback for media, and tell its addresses.
LOOPBACK = ("--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns")
RATE = 48000
PULSE, PAUSE = 0.32, 0.18
FRAMES, FRAME_RATE = 30, 15


def record(looks: Looks, home: Path) -> tuple[Path, Path]:
    """The files of a camera and a microphone."""
    camera, microphone = home / "camera.y4m", home / "microphone.wav"
    width, height = looks.size
    random = np.random.default_rng(1)
    with camera.open("wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (width, height, FRAME_RATE))
        for number in range(FRAMES):
            left = number * width // FRAMES // 2 * 2
            file.write(b"FRAME\n")
            for at, (value, white) in enumerate(zip(_yuv(looks.colour), (235, 128, 128), strict=True)):
                half = 1 + (at > 0)  # both colours have half the lines and columns
                plane = np.full((height // half, width // half), value, np.uint8)
                if at == 0 and looks.grain:
                    blocks = random.integers(-looks.grain, looks.grain, (height // 4, width // 4))
                    plane = (plane + np.kron(blocks, np.ones((4, 4), int))).clip(16, 235).astype(np.uint8)
                plane[:, left // half : (left + width // 16) // half] = white
                file.write(plane.tobytes())
    pulse = tone(looks.frequency, PULSE, RATE)
    ramp = np.minimum(1.0, np.minimum(np.arange(len(pulse)), np.arange(len(pulse))[::-1]) / 480)
    once = np.concatenate([(pulse * ramp).astype(np.int16), np.zeros(round(PAUSE * RATE), np.int16)])
    write_wav(microphone, np.tile(once, 20), RATE)
    return camera, microphone


def _yuv(colour: Colour) -> tuple[int, int, int]:
    """By BT.601, studio range."""
    red, green, blue = colour
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return (
        round(16 + luma * 219 / 255),
        round(128 + (blue - luma) / 1.772 * 224 / 255),
        round(128 + (red - luma) / 1.402 * 224 / 255),
    )


class Chromium(Machine):
    """With flags beside those that every test needs."""

    permissions = ("camera", "microphone")

    def __init__(
        self, playwright: Playwright, home: Path, looks: Looks, flags: Sequence[str] = LOOPBACK
    ) -> None:
        camera, microphone = record(looks, home)
        browser = playwright.chromium.launch(
            timeout=START,
            executable_path=require("chromium", PACKAGE),
            args=[
                *FLAGS,
                *flags,
                f"--use-file-for-fake-video-capture={camera}",
                f"--use-file-for-fake-audio-capture={microphone}",
            ],
        )
        super().__init__(browser, looks, camera)
