"""SIPp: call flows out of the ordinary, written as scenarios (`../scenarios/*.xml`).

What the scenarios expect: `[service]` is the user part dialled, `[media_ip]` and `[rtp]` where the
caller's media is. Where one waits for a MESSAGE, it goes on when the test says so (`Sipp.go_on`), so that no
call is over before everybody has been heard. SIPp itself sends no media: an `RtpLeg` does.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .process import PATIENCE, Process, require, until
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
        transport: str = "udp",
        port: int = 5060,
        timeout: int = 100,
    ) -> None:
        program = require("sipp", PACKAGE)
        home.mkdir(parents=True, exist_ok=True)
        self._home = home
        self._timeout = timeout
        self._address = (address, port)
        self._transport = transport
        self._calls = calls
        self._told = 0
        values = {"rtp": media.port if media else 9, **(keys or {})}
        self._command = [
            *(program, target, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-s", user),
            # No "-cp": two runs would fight over it whatever "-ci" says, and SIPp finds a free one itself.
            *("-i", address, "-p", str(port), "-ci", address),
            *("-mi", media.address if media else address),
            *("-t", "u1" if transport == "udp" else "t1", "-bind_local"),
            *("-m", str(calls), "-r", str(rate)),
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

    def go_on(self) -> None:
        """End the wait at which every call stands."""
        self._told += 1
        kind = socket.SOCK_DGRAM if self._transport == "udp" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as test:
            test.connect(self._address)
            host, port = test.getsockname()
            via = f"SIP/2.0/{self._transport.upper()} {host}:{port}"
            for number in range(1, self._calls + 1):
                call = f"{number}-{self.process.pid}@{self._address[0]}"  # SIPp's [call_id]
                test.sendall(
                    f"MESSAGE sip:caller@{self._address[0]} SIP/2.0\r\n"
                    f"Via: {via};branch=z9hG4bK{self._told}.{call}\r\n"
                    f"From: <sip:test@{host}>;tag=test\r\nTo: <sip:caller@{self._address[0]}>\r\n"
                    f"Call-ID: {call}\r\nCSeq: {self._told} MESSAGE\r\nContent-Length: 0\r\n\r\n".encode()
                )

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

    def received(self, start: str, timeout: float = PATIENCE) -> str:
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
