"""Addresses that nobody else on this machine uses.

All of 127.0.0.0/8 is loopback, so every test worker claims a /24 of it and gives each process it
starts a host address of its own. All of them can then use the ports they like best (5060), two test
runs may go side by side, and nothing is ever bound outside loopback.
"""

from __future__ import annotations

import os
import random
import socket

CLAIM_PORT = 9


class Network:
    """One /24, claimed by a socket held on its last address for as long as this object lives."""

    def __init__(self) -> None:
        choice = random.Random(os.getpid())
        while True:
            self.prefix = f"127.{choice.randrange(16, 250)}.{choice.randrange(1, 255)}"
            self._claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._claim.bind((f"{self.prefix}.254", CLAIM_PORT))
            except PermissionError:
                self._claim.bind((f"{self.prefix}.254", 1024 + CLAIM_PORT))
            except OSError:
                self._claim.close()
                continue
            break
        self._next = 0

    def address(self) -> str:
        """A host address not given out before (they come round after 250)."""
        self._next = self._next % 250 + 1
        return f"{self.prefix}.{self._next}"

    def close(self) -> None:
        self._claim.close()


def ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def free_port(address: str) -> int:
    """A port free for both UDP and TCP on that address; for `::1`, where addresses are not to spare."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    while True:
        with (
            socket.socket(family, socket.SOCK_STREAM) as tcp,
            socket.socket(family, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind((address, 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind((address, port))
            except OSError:
                continue
            return port
