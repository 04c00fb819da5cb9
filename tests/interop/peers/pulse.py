"""PulseAudio with a loudspeaker that nobody hears: without one, Firefox's WebAudio stands still."""

from __future__ import annotations

import os
from pathlib import Path

from .process import Process, require, until

PACKAGE = "pulseaudio"


class Pulse(Process):
    """A sound server of its own, found by what is in ``environ``."""

    def __init__(self, home: Path) -> None:
        socket = home / "sound"
        self.environ = {"XDG_RUNTIME_DIR": str(home), "PULSE_SERVER": f"unix:{socket}"}
        command = [
            require("pulseaudio", PACKAGE),
            *("-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm"),
            "--load=module-null-sink",
            f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}",
        ]
        super().__init__("pulseaudio", command, home, environ=self.environ)
        until(socket.exists, 5, f"the socket of PulseAudio\n{self.tail()}")

    @property
    def environment(self) -> dict[str, str]:
        """For those who shall use it."""
        return {**os.environ, **self.environ}
