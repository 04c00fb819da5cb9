"""PulseAudio with a loudspeaker that nobody hears: without one, Firefox's WebAudio stands still."""

from __future__ import annotations

from pathlib import Path

from .process import PATIENCE, Process, require, until

PACKAGE = "pulseaudio"


class Pulse(Process):
    """A sound server of its own; ``client`` is what leads a program to it."""

    def __init__(self, home: Path) -> None:
        socket = home / "sound"
        self.client = {"PULSE_SERVER": f"unix:{socket}", "PULSE_COOKIE": str(home / "cookie")}
        command = [
            require("pulseaudio", PACKAGE),
            *("-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm"),
            "--load=module-null-sink",
            f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}",
        ]
        super().__init__(
            "pulseaudio", command, home, environ={"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
        )
        until(socket.exists, PATIENCE, f"PulseAudio in {home}")
