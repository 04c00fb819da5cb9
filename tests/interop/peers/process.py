"""A child process with its output in a file, a bounded life and no way to outlive its test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn, TypeVar

import pytest

T = TypeVar("T")

#: Seconds; how long a test waits for anything that must happen. A busy machine is no error of ours.
PATIENCE = 30.0
#: Milliseconds; how long for a browser to start.
START = 120_000


def require(program: str, package: str) -> str:
    """Path of a program; without it the test is `lacking` its Debian package."""
    path = shutil.which(program)
    if path is None:
        lacking(f"Debian package {package}")
    return path


def lacking(package: str) -> NoReturn:
    """Skip in the words the summary of the test run looks for; where `CI=true` nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"needs {package}", pytrace=False)
    pytest.skip(f"needs {package}")


def until(condition: Callable[[], T | None], timeout: float, what: str) -> T:
    """The first value of `condition` that is true, looked for every 20 ms."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s for {what}")
        time.sleep(0.02)


class Process:
    """`command`, running in `home`, its stdout and stderr in `home/name.log`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        home: Path,
        *,
        environ: Mapping[str, str] | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | None = None,
    ) -> None:
        self.name = name
        self.log_path = home / f"{name}.log"
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                command,
                cwd=home,
                stdin=stdin,
                stdout=log if stdout is None else stdout,
                stderr=log if stdout is not None else subprocess.STDOUT,
                env={**os.environ, **(environ or {})},
            )
        self.pid = self._child.pid
        self.stdin = self._child.stdin
        self.stdout = self._child.stdout

    def running(self) -> bool:
        return self._child.poll() is None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def tail(self, lines: int = 40) -> str:
        return f"--- last lines of {self.name} ---\n" + "\n".join(self.log().splitlines()[-lines:])

    def send(self, which: signal.Signals) -> None:
        self._child.send_signal(which)

    def wait(self, timeout: float = PATIENCE) -> int:
        return self._child.wait(timeout)

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout: float = PATIENCE) -> int:
        """Ask, then insist; the exit status."""
        if self.running():
            self._child.send_signal(how)
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()
