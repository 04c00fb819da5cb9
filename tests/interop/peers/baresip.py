"""baresip as a headless telephone.

It speaks a tone from a WAV file, records what it hears (module `sndfile`: `dump-*-dec.wav`, at the
codec's rate) and is driven through `ctrl_tcp`: JSON objects framed as netstrings, commands with a
token that comes back in the response, and events in between.

The recorder is not set up again after a re-INVITE that stopped the sound: a phone that held and
resumed hears, but no longer records.

What a G.711 phone speaks is resampled by baresip's own filter, which leaves nothing of tones above 1.5 kHz:
such a phone is given one of the lower three.

Its RTP sockets are bound to the wildcard address, so on loopback its media comes from 127.0.0.1
whatever its SDP says: a harmless and realistic disagreement for the far side to live with.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .audio import SILENCE, Samples, read_wav, tone, write_wav
from .process import PATIENCE, Process, require, until

PACKAGE = "baresip-core"
MODULES = Path("/usr/lib/baresip/modules")
RATE = 16000
TALK_SECONDS = 150

CONFIG = """\
poll_method epoll
sip_listen {host}:{sip_port}
net_interface {address}
call_max_calls 4
audio_source aufile,{source}
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels 1
auplay_channels 1
rtp_ports 10000-19998
jitter_buffer_delay 2-10
module_path {modules}
{codecs}
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
statmode_default off
snd_path {home}
ctrl_tcp_listen {control}:{control_port}
"""

CODECS = {"PCMU": ("g711", "PCMU/8000/1"), "PCMA": ("g711", "PCMA/8000/1"), "G722": ("g722", "G722/16000/1")}


class Baresip:
    """One phone: `with Baresip(…) as phone: phone.dial(uri); phone.hear(2.0)`."""

    def __init__(
        self,
        home: Path,
        address: str,
        *,
        frequency: float,
        codecs: Sequence[str] = ("PCMU",),
        answers: bool = False,
        sip_port: int = 5060,
        control_port: int = 4444,
    ) -> None:
        self._program = require("baresip", PACKAGE)
        self._home = home
        self._control = (address, control_port)
        self.frequency = frequency
        self.address = address
        self._sip_port = sip_port
        self.uri = f"sip:phone@{_bracketed(address)}:{sip_port}"
        self._events: list[dict[str, Any]] = []
        self._buffer = b""
        home.mkdir(parents=True, exist_ok=True)
        self._write_settings(codecs, answers)

    def _write_settings(self, codecs: Sequence[str], answers: bool) -> None:
        source = self._home.parent / f"tone-{self.frequency:.0f}.wav"
        if not source.exists():
            write_wav(source, tone(self.frequency, TALK_SECONDS, RATE), RATE)
        modules = sorted({CODECS[codec][0] for codec in codecs})
        config = CONFIG.format(
            host=_bracketed(self.address),
            sip_port=self._sip_port,
            address=self.address,
            source=source,
            rate=RATE,
            modules=MODULES,
            codecs="\n".join(f"module {module}.so" for module in modules),
            home=self._home,
            control=_bracketed(self._control[0]),
            control_port=self._control[1],
        )
        names = ",".join(CODECS[codec][1] for codec in codecs)
        mode = "auto" if answers else "manual"
        account = f"<{self.uri}>;regint=0;answermode={mode};audio_codecs={names}\n"
        (self._home / "config").write_text(config)
        (self._home / "accounts").write_text(account)
        (self._home / "contacts").touch()

    def __enter__(self) -> Baresip:
        self.process = Process("baresip", [self._program, "-f", str(self._home)], self._home)
        try:
            self._socket = until(self._connect, PATIENCE, "baresip's control port")
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}\n{self.process.tail()}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self.process.stop()

    def _connect(self) -> socket.socket | None:
        try:
            return socket.create_connection(self._control, timeout=1)
        except OSError:
            return None

    # -- control

    def command(self, command: str, params: str = "") -> str:
        """Run a command; what it printed. A refused one raises."""
        body = json.dumps({"command": command, "params": params, "token": command}).encode()
        self._socket.sendall(b"%d:%b," % (len(body), body))
        answer = self._await(
            lambda message: message.get("token") == command, PATIENCE, f"answer to {command}"
        )
        if not answer["ok"]:
            raise RuntimeError(f"baresip refused {command} {params}: {answer['data']}\n{self.process.tail()}")
        return str(answer["data"])

    def expect(self, event: str, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next event of that type, among those that came meanwhile or will come."""
        return self._await(lambda message: message.get("type") == event, timeout, event)

    def saw(self, event: str) -> bool:
        """Has such an event come (and not been taken by `expect`) by now?"""
        self._read(0)
        return any(message.get("type") == event for message in self._events)

    def _await(self, wanted: Any, timeout: float, what: str) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while True:
            for i, message in enumerate(self._events):
                if wanted(message):
                    return self._events.pop(i)
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"baresip: waited {timeout:.0f} s for {what}\n{self.process.tail()}")
            self._read(left)

    def _read(self, timeout: float) -> None:
        self._socket.settimeout(timeout or 0.001)
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return
        if not data:
            raise ConnectionError(f"baresip ended\n{self.process.tail()}")
        self._buffer += data
        while b":" in self._buffer:
            length, _, rest = self._buffer.partition(b":")
            if len(rest) <= int(length):
                break
            self._events.append(json.loads(rest[: int(length)]))
            self._buffer = rest[int(length) + 1 :]

    # -- telephone

    def dial(self, uri: str, *, timeout: float = PATIENCE) -> None:
        """Call and wait until it is answered."""
        self.start_dialling(uri)
        self.expect("CALL_ESTABLISHED", timeout)

    def start_dialling(self, uri: str) -> None:
        self._events = [event for event in self._events if event.get("class") != "call"]
        self.command("dial", uri)

    def digits(self, digits: str) -> None:
        """Keys, by RFC 4733."""
        self.command("sndcode", digits)

    def hold(self) -> None:
        self.command("hold")

    def resume(self) -> None:
        self.command("resume")

    def mute(self) -> None:
        self.command("mute")

    def hang_up(self) -> None:
        self.command("hangup")
        self.expect("CALL_CLOSED")

    def closed(self, timeout: float = PATIENCE) -> str:
        """Wait for the far side to end the call; the reason baresip gives."""
        return str(self.expect("CALL_CLOSED", timeout)["param"])

    # -- ears

    def heard(self) -> tuple[int, Samples]:
        """Rate and everything heard in the latest stream of the call."""
        recordings = sorted(self._home.glob("dump-*-dec.wav"))
        return read_wav(recordings[-1]) if recordings else (0, SILENCE)

    def hear(self, seconds: float, timeout: float = PATIENCE) -> tuple[int, Samples]:
        """Listen for that long, from now: rate and samples."""

        def enough() -> tuple[int, Samples] | None:
            rate, samples = self.heard()
            fresh = samples[start:]
            return (rate, fresh) if rate and len(fresh) >= seconds * rate else None

        start = len(self.heard()[1])
        try:
            return until(enough, seconds + timeout, f"{seconds} s of sound")
        except TimeoutError as problem:
            raise TimeoutError(f"baresip: {problem}\n{self.process.tail()}") from None


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
