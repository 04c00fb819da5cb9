"""PJSUA2 as a telephone, in a process of its own (`pjsua_child.py`).

The binding is compiled for four calls a process and may crash; here either ends one test, not the
test run. Driven by JSON lines. Records 16 kHz whatever the codec.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .audio import SILENCE, Samples, read_wav, tone, write_wav
from .process import PATIENCE, Process, lacking, until

RATE = 16000
SOURCE_SECONDS = 4
CODECS = {"PCMU": "PCMU/8000", "PCMA": "PCMA/8000", "G722": "G722/16000"}
ROOT = Path(__file__).parents[3]


class Pjsua:
    """One phone: `with Pjsua(…) as phone: phone.dial(uri); phone.hear(2.0)`."""

    def __init__(
        self, home: Path, address: str, *, frequency: float, codecs: Sequence[str] = ("PCMU",)
    ) -> None:
        if importlib.util.find_spec("pjsua2") is None:
            lacking("Python package pjsua2-python")
        self._home = home
        self._codecs = [CODECS[codec] for codec in codecs]
        self._reports: list[dict[str, Any]] = []
        self._buffer = b""
        self._calls = 0
        self.frequency = frequency
        self.address = address
        home.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Pjsua:
        source = self._home / "tone.wav"
        write_wav(source, tone(self.frequency, SOURCE_SECONDS, RATE), RATE)
        self.process = Process(
            "pjsua",
            [sys.executable, "-m", "tests.interop.peers.pjsua_child"],
            self._home,
            environ={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.process.log_path = self._home / "pjsip.log"
        self._do(
            "start",
            address=self.address,
            codecs=self._codecs,
            source=str(source),
            log=str(self.process.log_path),
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.running() and self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.stop(signal.SIGKILL)

    # -- control

    def _do(self, order: str, **values: Any) -> None:
        if self.process.stdin is None:
            raise RuntimeError("pjsua has no stdin")
        self.process.stdin.write(json.dumps({"do": order, **values}).encode() + b"\n")
        self.process.stdin.flush()
        answer = self._await(
            lambda report: report.get("do") == order and report["event"] in ("done", "failed"),
            PATIENCE,
            order,
        )
        if answer["event"] == "failed":
            raise RuntimeError(f"pjsua: {order} failed: {answer['why']}\n{self.process.tail()}")

    def expect(self, event: str, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next report of that name."""
        return self._await(lambda report: report["event"] == event, timeout, event)

    def _await(self, wanted: Any, timeout: float, what: str) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while True:
            for i, report in enumerate(self._reports):
                if wanted(report):
                    return self._reports.pop(i)
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"pjsua: waited {timeout:.0f} s for {what}\n{self.process.tail()}")
            self._read(left)

    def _read(self, timeout: float) -> None:
        if self.process.stdout is None:
            raise RuntimeError("pjsua has no stdout")
        descriptor = self.process.stdout.fileno()
        if not select.select([descriptor], [], [], timeout)[0]:
            return
        data = os.read(descriptor, 65536)
        if not data:
            raise ConnectionError(f"pjsua ended\n{self.process.tail()}")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._reports += [json.loads(line) for line in lines]

    # -- telephone

    def dial(self, uri: str, *, timeout: float = PATIENCE) -> None:
        """Call and wait until it is answered and the sound is connected."""
        self.start_dialling(uri)
        self.expect("established", timeout)
        self.expect("media", timeout)

    def start_dialling(self, uri: str) -> None:
        self._calls += 1
        self._do("dial", uri=uri, recording=str(self._recording()))

    def digits(self, digits: str, *, info: bool = False) -> None:
        """Keys, by RFC 4733 or by SIP INFO."""
        self._do("digits", digits=digits, info=info)

    def hold(self) -> None:
        self._do("hold")
        self.expect("media")

    def resume(self) -> None:
        self._do("resume")
        self.expect("media")

    def update(self) -> None:
        """Offer again, by UPDATE."""
        self._do("update")
        self.expect("media")

    def codec(self) -> str:
        self._do("codec")
        return str(self.expect("codec")["name"])

    def hang_up(self) -> None:
        self._do("hang_up")
        self.expect("closed")

    def closed(self, timeout: float = PATIENCE) -> str:
        """Wait for the far side to end the call; code and reason."""
        report = self.expect("closed", timeout)
        return f"{report['code']} {report['reason']}"

    # -- ears

    def _recording(self) -> Path:
        return self._home / f"heard-{self._calls}.wav"

    def heard(self) -> tuple[int, Samples]:
        """Rate and everything heard in this call (the recorder writes in blocks, a little behind)."""
        path = self._recording()
        return read_wav(path) if path.exists() else (0, SILENCE)

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
            raise TimeoutError(f"pjsua: {problem}\n{self.process.tail()}") from None
