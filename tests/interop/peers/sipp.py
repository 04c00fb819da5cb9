"""SIPp: call flows out of the ordinary, written as scenarios (`../scenarios/*.xml`).

What the scenarios expect: `[service]` is the user part dialled, `[media_ip]` and `[rtp]` where the
caller's media is, `-d` how long the pauses last. SIPp itself sends no media: an `RtpLeg` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .process import Process, require, until
from .rtp import RtpLeg

PACKAGE = "sip-tester"
SCENARIOS = Path(__file__).parents[1] / "scenarios"
SEPARATOR = re.compile(r"^-{20,} .*\n(?:UDP|TCP) message (sent|received).*\n\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Counts:
    """How the calls went, as SIPp saw them."""

    successful: int
    failed: int


class Sipp:
    """One run: `with Sipp(…) as caller: …; caller.finish() == Counts(1, 0)`."""

    def __init__(
        self,
        home: Path,
        address: str,
        scenario: str,
        target: str,
        user: str,
        *,
        media: RtpLeg | None = None,
        keys: Mapping[str, str | int] | None = None,
        calls: int = 1,
        rate: int = 10,
        pause_ms: int = 1000,
        transport: str = "udp",
        port: int = 5060,
        timeout: int = 20,
    ) -> None:
        program = require("sipp", PACKAGE)
        home.mkdir(parents=True, exist_ok=True)
        self._home = home
        self._timeout = timeout
        values = {"rtp": media.port if media else 9, **(keys or {})}
        self._command = [
            *(program, target, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-s", user),
            # No "-cp": two runs would fight over it whatever "-ci" says, and SIPp finds a free one itself.
            *("-i", address, "-p", str(port), "-ci", address),
            *("-mi", media.address if media else address),
            *("-t", "u1" if transport == "udp" else "t1", "-bind_local"),
            *("-m", str(calls), "-r", str(rate), "-d", str(pause_ms)),
            *("-timeout", f"{timeout}s", "-timeout_error"),
            *("-trace_msg", "-message_file", str(home / "messages.txt")),
            *("-trace_err", "-error_file", str(home / "errors.txt")),
            *("-trace_stat", "-stf", str(home / "statistics.csv"), "-fd", "1"),
            "-nostdin",
        ]
        for key, value in values.items():
            self._command += ["-key", key, str(value)]

    def __enter__(self) -> Sipp:
        self.process = Process("sipp", self._command, self._home, environ={"TERM": "dumb"})
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def finish(self) -> Counts:
        """Wait until all calls are over."""
        self.process.wait(self._timeout + 5)
        header, *rows = (self._home / "statistics.csv").read_text().splitlines()
        last = dict(zip(header.split(";"), rows[-1].split(";"), strict=False))
        return Counts(int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]))

    def messages(self, direction: str = "received") -> list[str]:
        """Each message sent or received so far, in order."""
        path = self._home / "messages.txt"
        if not path.exists():
            return []
        _, *parts = SEPARATOR.split(path.read_text(errors="replace").replace("\r", ""))
        return [text for way, text in zip(parts[::2], parts[1::2], strict=True) if way == direction]

    def received(self, start: str, timeout: float = 8) -> str:
        """The first message received whose first line begins like that."""

        def found() -> str | None:
            return next((text for text in self.messages() if text.startswith(start)), None)

        try:
            return until(found, timeout, f"{start!r}")
        except TimeoutError as problem:
            raise TimeoutError(f"sipp: {problem}\n{self.explain()}") from None

    def explain(self) -> str:
        """What a failed assertion should show."""
        errors = self._home / "errors.txt"
        text = errors.read_text(errors="replace") if errors.exists() else ""
        return "\n".join(["--- received ---", *self.messages(), "--- errors ---", text[-4000:]])


def media_lines(message: str) -> list[str]:
    """The m-lines of a message, `audio 20000 RTP/AVP 0 101`, in order."""
    return re.findall(r"^m=(.*)$", message, re.MULTILINE)


def header(message: str, name: str) -> str | None:
    match = re.search(rf"^{name}\s*:\s*(.*)$", message, re.MULTILINE | re.IGNORECASE)
    return match[1] if match else None
