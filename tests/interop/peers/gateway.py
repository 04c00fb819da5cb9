"""The gateway under test: a process of its own, driven only through `interface.md`'s names.

Its command line, settings file, HTTP and signals are all a test may use; nothing of ours is imported.
"""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from .process import PATIENCE, Process, until

PASSERELLE = Path(sys.executable).with_name("passerelle")
METRIC = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)

Overrides = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Room:
    """As `room add --json` told."""

    slug: str
    name: str
    pin: str
    host_pin: str | None
    sip_uri: str


class Gateway:
    """`with Gateway(home, address) as gateway:`; leaving it checks that it ended well."""

    def __init__(self, home: Path, address: str, *, overrides: Overrides | None = None) -> None:
        self.address = address
        self._http_port = 8080
        self._home = home
        self._rooms: dict[str, Room] = {}
        self.secrets: set[str] = set()
        self._read_to = 0
        home.mkdir(parents=True, exist_ok=True)
        self._config = home / "passerelle.toml"
        self._config.write_text(_toml(self._settings(overrides or {})))

    @property
    def target(self) -> str:
        """What SIPp calls: address and port."""
        return f"{self.address}:5060"

    def _settings(self, overrides: Overrides) -> dict[str, dict[str, Any]]:
        settings: dict[str, dict[str, Any]] = {
            "sip": {
                "listen": [f"{kind}:{self.target}" for kind in ("udp", "tcp")],
                "reception": ["meet"],
            },
            "media": {"address": [self.address], "ports": "20000-29999"},
            "http": {"listen": f"{self.address}:{self._http_port}"},
            "database": {"url": "sqlite:///passerelle.db"},
            "log": {"format": "text", "level": "debug"},
            "limits": {"late_ms": 0},  # the machine may be busy with other tests
        }
        for section, values in overrides.items():
            settings[section] = {**settings.get(section, {}), **values}
        return settings

    # -- life

    def __enter__(self) -> Self:
        self.process = Process(
            "passerelle", [str(PASSERELLE), "serve", "--config", str(self._config)], self._home
        )
        try:
            until(self._ready, 4 * PATIENCE, "the gateway's /readyz")  # whose failure is all tests' failure
        except TimeoutError as problem:
            tail = self.process.tail()
            self.process.stop(signal.SIGKILL)
            raise TimeoutError(f"{problem}\n{tail}") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.process.stop(signal.SIGINT)
            return
        self.stop()

    def stop(self, how: signal.Signals = signal.SIGINT, timeout: float = PATIENCE) -> None:
        """End it, and see that it ended well and said neither too much nor anything alarming."""
        status = self.process.stop(how, timeout)
        self.check(status)

    def check(self, status: int = 0) -> None:
        log = self.process.log()
        problems = [f"it exited with {status}"] if status else []
        if "Traceback" in log:
            problems.append("a traceback is in its log")
        # Six digits stand by chance in the name of a session, which is hexadecimal.
        said = [pin for pin in sorted(self.secrets) if re.search(rf"(?<![0-9a-f]){pin}(?![0-9a-f])", log)]
        problems += [f"the PIN {pin} is in its log" for pin in said]
        if problems:
            raise AssertionError(f"gateway: {', '.join(problems)}\n{self.process.tail(60)}")

    def _ready(self) -> bool:
        if not self.process.running():
            raise TimeoutError("the gateway ended at once")
        try:
            return self.http("/readyz")[0] == 200
        except OSError:
            return False

    def fresh_log(self) -> str:
        """What it logged since the last time this was asked."""
        log = self.process.log()
        text, self._read_to = log[self._read_to :], len(log)
        return text

    # -- what scripts may use

    def http(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.address, self._http_port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metric(self, name: str, **labels: str) -> float:
        """Sum over the samples of that name that carry those labels."""
        total = 0.0
        for found, text, value in METRIC.findall(self.http("/metrics")[1]):
            if found == name and all(f'{key}="{wanted}"' in text for key, wanted in labels.items()):
                total += float(value)
        return total

    def command(self, *words: str) -> Any:
        """A `passerelle` command, `--json`."""
        done = subprocess.run(
            [str(PASSERELLE), *words, "--json", "--config", str(self._config)],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"passerelle {' '.join(words)} exited with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def room(self, slug: str, *options: str) -> Room:
        """The room of that slug, made the first time it is asked for."""
        if slug not in self._rooms:
            made = self.command("room", "add", slug.capitalize(), "--slug", slug, *options)
            room = Room(made["slug"], made["name"], made["pin"], made["host_pin"], made["sip_uri"])
            self._rooms[slug] = room
            self.secrets |= {pin for pin in (room.pin, room.host_pin) if pin}
        return self._rooms[slug]

    def uri(self, user: str, transport: str = "udp") -> str:
        return f"sip:{user}@{self.target}" + (";transport=tcp" if transport == "tcp" else "")

    def participants(self, count: int, timeout: float = PATIENCE) -> None:
        """Wait until that many are in meetings."""
        self.shows("passerelle_participants", count, timeout)

    def calls(self, count: int, timeout: float = PATIENCE) -> None:
        """Wait until that many calls exist."""
        self.shows("passerelle_calls", count, timeout)

    def shows(self, name: str, count: float, timeout: float = PATIENCE) -> None:
        """Wait until a metric has that value."""
        try:
            until(lambda: self.metric(name) == count, timeout, f"{name} to be {count}")
        except TimeoutError as problem:
            raise AssertionError(f"{problem}; it is {self.metric(name)}\n{self.process.tail()}") from None

    def passes(self, name: str, most: float, **labels: str) -> None:
        """Wait until a metric is above a value."""
        until(lambda: self.metric(name, **labels) > most, PATIENCE, f"{name} to pass {most}")


def _toml(settings: Overrides) -> str:
    """Sections of plain values; JSON writes those as TOML does, but for tables."""
    lines = []
    for section, values in settings.items():
        lines.append(f"[{section}]")
        for key, value in values.items():
            if isinstance(value, Mapping):
                pairs = ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items())
                lines.append(f"{key} = {{ {pairs} }}")
            else:
                lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"
