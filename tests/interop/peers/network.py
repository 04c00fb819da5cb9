"""Addresses that nobody else on this machine uses.

All of 127.0.0.0/8 is loopback, so every test worker claims a /24 of it and gives each process it
starts a host address of its own. All of them can then use the ports they like best (5060), two test
runs may go side by side, and nothing is ever bound outside loopback.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator

CLAIM_PORT = 1033  # nobody needs rights for it, and no port found free is so low


class Network:
    """A /24, and another when that one is full, each claimed by a socket held on its last address for as long
    as this object lives."""

    def __init__(self) -> None:
        self._choice = random.Random(os.getpid())
        self._claims: list[socket.socket] = []
        self._addresses = self._claim()

    def address(self) -> str:
        """A host address not given out before."""
        while (address := next(self._addresses, None)) is None:
            self._addresses = self._claim()
        return address

    def close(self) -> None:
        for claim in self._claims:
            claim.close()

    def _claim(self) -> Iterator[str]:
        while True:
            prefix = f"127.{self._choice.randrange(16, 250)}.{self._choice.randrange(1, 255)}"
            claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                claim.bind((f"{prefix}.254", CLAIM_PORT))
            except OSError:  # somebody else's
                claim.close()
                continue
            self._claims.append(claim)
            return (f"{prefix}.{host}" for host in range(1, 251))


def ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def free_ports(address: str) -> Iterator[int]:
    """Ports free for both UDP and TCP on that address; for `::1`, where addresses are not to spare.

    They are none of those that the kernel gives to whoever asks for any: they are still free a moment later.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    some = range(2_000, 10_000)
    for port in random.sample(some, len(some)):
        with (
            socket.socket(family, socket.SOCK_STREAM) as tcp,
            socket.socket(family, socket.SOCK_DGRAM) as udp,
        ):
            try:
                tcp.bind((address, port))
                udp.bind((address, port))
            except OSError:
                continue
        yield port
