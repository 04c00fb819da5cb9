"""Janus AudioBridge under the same load: what a conference bridge written in C takes on this machine.

Plain-RTP participants (room option `allow_rtp_participants`), PCMU, one room. Everything else of Janus
is switched off. Controlled through its Unix-socket API (datagrams, one JSON object each): `create` a
session, `attach` a handle per participant, `message` to it.
"""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from tests.interop.peers.process import Process, until

PACKAGE = "janus"
#: Janus takes no address that no interface carries literally, so this one.
ADDRESS = "127.0.0.1"
PLUGIN = "janus.plugin.audiobridge"


def installed() -> bool:
    return shutil.which("janus") is not None


def _folders() -> Path:
    return next(Path("/usr/lib").glob("*/janus"))


class AudioBridge:
    """`with AudioBridge() as bridge: bridge.room(1, 8000); bridge.join(1, address, port)`."""

    def __enter__(self) -> AudioBridge:
        self._home = tempfile.TemporaryDirectory(prefix="bench-janus-")
        home = Path(self._home.name)
        self._write_settings(home)
        self.process = Process("janus", ["janus", "-F", str(home), "-C", str(home / "janus.jcfg")], home)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(home / "client"))
        self._socket.settimeout(10)
        until(lambda: self._connected(home / "api"), 15, "Janus's socket")
        self._session = self._ask(janus="create")["data"]["id"]
        self._owner = self._attach()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self.process.stop()
        self._home.cleanup()

    def version(self) -> str:
        return next(
            (line.split()[-1] for line in self.process.log().splitlines() if "WebRTC Server" in line), "?"
        )

    def _write_settings(self, home: Path) -> None:
        libraries = _folders()
        (home / "none").mkdir()

        def others(kind: str, kept: str) -> str:
            names = {path.name for path in (libraries / kind).glob("*.so")}
            return ",".join(sorted(names - {f"libjanus_{kept}.so"}))

        (home / "janus.jcfg").write_text(
            f'general: {{ configs_folder = "{home}"\n plugins_folder = "{libraries}/plugins"\n'
            f' transports_folder = "{libraries}/transports"\n events_folder = "{home}/none"\n'
            f' loggers_folder = "{home}/none"\n debug_level = 3\n debug_colors = false\n'
            ' session_timeout = 0\n server_name = "bench" }\n'
            'nat: { ice_enforce_list = "lo" }\n'
            f'plugins: {{ disable = "{others("plugins", "audiobridge")}" }}\n'
            f'transports: {{ disable = "{others("transports", "pfunix")}" }}\n'
        )
        (home / f"{PLUGIN}.jcfg").write_text(
            f'general: {{ rtp_port_range = "20000-29999"\n local_ip = "{ADDRESS}" }}\n'
        )
        (home / "janus.transport.pfunix.jcfg").write_text(
            f'general: {{ enabled = true\n json = "compact"\n path = "{home}/api"\n type = "SOCK_DGRAM" }}\n'
            "admin: { admin_enabled = false }\n"
        )

    def _connected(self, path: Path) -> bool:
        if not self.process.running():
            raise RuntimeError(f"Janus did not start\n{self.process.tail()}")
        try:
            self._socket.connect(str(path))
        except OSError:
            return False
        return True

    def _ask(self, **request: Any) -> dict[str, Any]:
        self._socket.send(json.dumps({"transaction": "bench", **request}).encode())
        while True:
            answer: dict[str, Any] = json.loads(self._socket.recv(1 << 20))
            if answer["janus"] == "error":
                raise RuntimeError(f"Janus refused {request}: {answer['error']}")
            if answer["janus"] == "success" or "rtp" in answer.get("plugindata", {}).get("data", {}):
                return answer  # not the acknowledgement, nor the news that another participant joined

    def _attach(self) -> int:
        answer = self._ask(janus="attach", session_id=self._session, plugin=PLUGIN)
        return int(answer["data"]["id"])

    def _message(self, handle: int, **body: Any) -> dict[str, Any]:
        answer = self._ask(janus="message", session_id=self._session, handle_id=handle, body=body)
        data: dict[str, Any] = answer["plugindata"]["data"]
        if "error" in data:
            raise RuntimeError(f"AudioBridge refused {body}: {data['error']}")
        return data

    def room(self, number: int, rate: int) -> None:
        """A room that mixes at that sampling rate."""
        self._message(
            self._owner,
            request="create",
            room=number,
            sampling_rate=rate,
            allow_rtp_participants=True,
            audiolevel_ext=False,
        )

    def join(self, number: int, address: str, port: int) -> tuple[str, int]:
        """A participant whose phone is there; where it is to send."""
        there = {"ip": address, "port": port, "payload_type": 0}
        data = self._message(self._attach(), request="join", room=number, codec="pcmu", rtp=there)
        return str(data["rtp"]["ip"]), int(data["rtp"]["port"])
