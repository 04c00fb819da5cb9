"""File descriptors: raised at start, and enough for the calls."""

import resource
import subprocess
import sys

from gateway.process import calls_possible, files_needed


def test_two_sockets_a_call_and_a_margin() -> None:
    assert files_needed(1000) == 2256
    assert calls_possible(2256) == 1000
    assert calls_possible(2255) == 999
    assert calls_possible(10) == 0


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    script = (
        "import resource; from gateway.process import raise_file_limit\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (200, {hard}))\n"
        "print(raise_file_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.split() == [str(hard), str(hard)]
