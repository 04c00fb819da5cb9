"""The runner as a process of its own: uvloop, Twisted and HTTP together, and every way to stop."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]


class Gateway:
    """The fake application in a process."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.gateway.fake_app", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def line(self) -> str:
        """The next line it says; empty when it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ready(self) -> tuple[int, int]:
        """Wait until it is ready; the ports of HTTP and UDP."""
        word, http, udp = self.line().split()
        assert word == "ready"
        return int(http), int(udp)

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def rest(self) -> tuple[list[str], str, int]:
        """What else it says, its log and its exit status."""
        out, err = self.process.communicate(timeout=60)
        return out.splitlines(), err, self.process.returncode


Start = Callable[..., Gateway]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Gateway] = []

    def begin(*options: str) -> Gateway:
        started.append(Gateway(*options))
        return started[-1]

    yield begin
    for gateway in started:
        gateway.process.kill()
        gateway.process.communicate()


def status(port: int) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def test_twisted_and_http_share_the_loop(start: Start) -> None:
    gateway = start()
    http, udp = gateway.ready()
    assert status(http) == 200
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(b"ping", ("127.0.0.1", udp))
        assert client.recv(100) == b"ping"
    gateway.tell(signal.SIGINT)
    said, log, code = gateway.rest()
    assert said == ["stop draining frozen", "end 0.0005"]
    assert code == 0
    assert "Traceback" not in log


def test_terminate_without_calls_stops_at_once(start: Start) -> None:
    gateway = start()
    gateway.ready()
    gateway.tell(signal.SIGTERM)
    assert gateway.rest()[::2] == (["draining", "stop draining frozen", "end 0.0005"], 0)


def test_terminate_waits_for_the_last_call(start: Start) -> None:
    gateway = start("busy")
    http, _ = gateway.ready()
    gateway.tell(signal.SIGTERM)
    assert gateway.line() == "draining"
    assert status(http) == 503
    gateway.tell(signal.SIGUSR1)
    assert gateway.rest()[::2] == (["stop draining frozen", "end 0.0005"], 0)


def test_terminate_waits_no_longer_than_told(start: Start) -> None:
    gateway = start("busy", "short")
    gateway.ready()
    gateway.tell(signal.SIGTERM)
    assert gateway.rest()[::2] == (["draining", "stop draining frozen", "end 0.0005"], 0)


def test_a_second_signal_cuts_the_drain_short(start: Start) -> None:
    gateway = start("busy")
    gateway.ready()
    gateway.tell(signal.SIGTERM)
    assert gateway.line() == "draining"
    gateway.tell(signal.SIGTERM)
    assert gateway.rest()[::2] == (["stop draining frozen", "end 0.0005"], 0)


def test_a_signal_while_stopping_abandons(start: Start) -> None:
    gateway = start("hang")
    gateway.ready()
    gateway.tell(signal.SIGINT)
    assert gateway.line() == "stop draining frozen"
    gateway.tell(signal.SIGINT)
    said, log, code = gateway.rest()
    assert said == []
    assert code == 1
    assert "abandoned" in log


def test_a_start_that_is_refused(start: Start) -> None:
    said, _, code = start("refuse").rest()
    assert said == ["stop draining not frozen", "refused The port is taken", "end 0.0005"]
    assert code == 0


def test_a_signal_during_the_start(start: Start) -> None:
    gateway = start("slow")
    assert gateway.line() == "starting"
    gateway.tell(signal.SIGTERM)
    assert gateway.rest()[::2] == (["stop draining not frozen", "end 0.0005"], 0)
