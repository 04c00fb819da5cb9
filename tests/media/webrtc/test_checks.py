"""What of a peer's candidates is checked."""

import pytest

from media.webrtc.checks import read_candidate


@pytest.mark.parametrize("prefix", ["", "candidate:", "a=candidate:"])
def test_a_candidate_is_read(prefix: str) -> None:
    candidate = read_candidate(f"{prefix}7 1 UDP 2130706431 2001:db8::1 50000 typ host ufrag x generation 0")
    assert candidate is not None
    assert (candidate.host, candidate.port, candidate.priority) == ("2001:db8::1", 50000, 2130706431)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nonsense",
        "7 1 udp 1 phone.local 50000 typ host",
        "7 1 udp 1 phone.example.org 50000 typ host",
        "7 1 tcp 1 192.0.2.1 9 typ host tcptype active",
        "7 2 udp 1 192.0.2.1 50000 typ host",
        "7 1 udp 1 192.0.2.1 0 typ host",
        "7 1 udp 1 192.0.2.1 65536 typ host",
        "7 1 udp 1 192.0.2.1 port typ host",
        "7 1 udp 1 192.0.2.1 50000 typ guess",
        "7 1 udp 1 0.0.0.0 50000 typ host",
        "7 1 udp 1 :: 50000 typ host",
        "7 1 udp 1 224.0.0.251 5353 typ host",
        "7 1 udp 1 fe80::1%lo 50000 typ host",
        "7 1 udp 1 192.0.2.1 50000 typ host raddr 192.0.2.2 rport x",
    ],
)
def test_what_cannot_be_checked_is_passed_over(value: str) -> None:
    assert read_candidate(value) is None
