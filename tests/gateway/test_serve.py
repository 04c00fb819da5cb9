"""The whole gateway as a process: what a newcomer's first command does."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.interop.peers.network import Network

ROOT = Path(__file__).parents[2]


class Demo:
    """``passerelle serve --demo`` in a folder and at an address of its own."""

    def __init__(self, folder: Path, address: str) -> None:
        self.address = address
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--demo"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ
            | {
                "PYTHONPATH": str(ROOT),
                "PASSERELLE_SIP__LISTEN": f"udp:{address}:5060,tcp:{address}:5060",
                "PASSERELLE_HTTP__LISTEN": f"{address}:8080",
                "PASSERELLE_WEBRTC__ADDRESS": address,
                "PASSERELLE_WEBRTC__PORT": "0",
                "PASSERELLE_LIMITS__CALLS": "50",
            },
        )

    def welcome(self) -> str:
        """What it prints, up to the last line of the welcome."""
        assert self.process.stdout is not None
        text = ""
        for line in self.process.stdout:
            text += line
            if "Ctrl-C" in line:
                return text
        raise AssertionError(self.process.communicate()[1])

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Its exit status and its log."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Demo]]:
    network = Network()
    started: list[Demo] = []

    def begin() -> Demo:
        started.append(Demo(tmp_path, network.address()))
        return started[-1]

    yield begin
    for demo in started:
        demo.process.kill()
        demo.process.communicate()
    network.close()


def test_the_demo_says_what_to_dial_now_and_at_the_next_start(
    start: Callable[[], Demo], tmp_path: Path
) -> None:
    demo = start()
    welcome = demo.welcome()
    assert f"sip:meet@{demo.address}" in welcome
    [pin] = re.findall(r"then type +(\d+) #", welcome)
    assert f"sip:{pin}@{demo.address}" in welcome
    with urlopen(f"http://{demo.address}:8080/readyz", timeout=30) as answer:
        assert answer.status == 200
    with urlopen(f"http://{demo.address}:8080/metrics", timeout=30) as answer:
        assert b"passerelle_build_info" in answer.read()
    assert [file.name for file in tmp_path.iterdir()] == ["var"]
    status, log = demo.stop(signal.SIGTERM)
    assert status == 0, log
    assert "Traceback" not in log
    assert pin not in log

    again = start()
    assert re.findall(r"then type +(\d+) #", again.welcome()) == [pin]
    status, log = again.stop(signal.SIGINT)
    assert status == 0, log
