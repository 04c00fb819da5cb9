"""Firefox as a machine at which people enter, with the camera and the microphone that it makes up itself.

The camera goes round the colours, the microphone hums one tone. Of the installed browser (Debian's
``firefox-esr``) Playwright knows the standard way in, WebDriver BiDi; `firefox_launcher` tells what is amiss.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import firefox_launcher
from .page import Looks, Machine
from .process import START, require
from .pulse import Pulse

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

PACKAGE = "firefox-esr"
PREFERENCES: dict[str, str | float | bool] = {
    "media.autoplay.default": 0,
    "media.navigator.permission.disabled": True,
    "media.navigator.permission.fake": True,  # the made-up count as allowed; else only one address is used
    "media.navigator.streams.fake": True,
}
#: Loopback is left out otherwise, and never paired with the machine's other addresses.
LOOPBACK = {"media.peerconnection.ice.loopback": True}


class Firefox(Machine):
    """With a sound server of its own."""

    def __init__(self, playwright: Playwright, home: Path, looks: Looks) -> None:
        program = require("firefox-esr", PACKAGE)
        launcher = home / "firefox"
        launcher.write_text(f'#!/bin/sh\nexec {sys.executable} {firefox_launcher.__file__} {program} "$@"\n')
        launcher.chmod(0o755)
        self._sound = Pulse(home)
        try:
            browser = playwright.firefox.launch(
                timeout=START,
                channel="moz-firefox",
                executable_path=launcher,
                env={**os.environ, **self._sound.client},
                firefox_user_prefs={
                    **PREFERENCES,
                    **LOOPBACK,
                    "media.navigator.audio.fake_frequency": round(looks.frequency),
                },
            )
        except BaseException:
            self._sound.stop()
            raise
        super().__init__(browser, looks, home)

    def close(self) -> None:
        super().close()
        self._sound.stop()
