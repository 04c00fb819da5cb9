"""Hundreds of plain telephones in one process: the load of the benchmarks.

Each leg has an RTP and an RTCP socket of its own, sends a packet every 20 ms (the legs spread over ten
slots of 2 ms, as telephones that know nothing of each other are) and reads whatever comes. Legs are
set up by a minimal SIP caller (INVITE, ACK, BYE over UDP, retransmissions every 500 ms), or told where
to send (Janus has no SIP). One thread, one epoll; about 8 µs a packet, both directions together.

Driven by JSON lines on stdin, `{"do": NAME, …}`; each is answered on stdout by one line.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import random
import re
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from .dialog import Dialog, found
from .leg import BURST_EVERY, Leg, bound, frames_of

SLOTS = 10
SLOT = 0.02 / SLOTS
RTCP_INTERVAL = 5.0
RETRANSMISSION = 0.5
GIVE_UP = 10.0


class Generator:
    """All legs, their calls and the loop."""

    def __init__(self) -> None:
        self.poll = select.epoll()
        self.readers: dict[int, Callable[[], None]] = {}
        self.rtp: dict[int, Leg] = {}
        self.legs: list[Leg] = []
        self.slots: list[list[Leg]] = [[] for _ in range(SLOTS)]
        self.dialogs: dict[str, Dialog] = {}
        self.queue: deque[Dialog] = deque()
        self.interval = 0.0
        self.next_call = 0.0
        self.refused = 0
        self.dropped = 0
        self.behind = 0.0
        self.buffer = memoryview(bytearray(2048))
        self.awaited: tuple[str, Callable[[], bool]] | None = None
        self.finished = False

    # -- orders

    def open(
        self,
        address: str,
        count: int,
        codec: str,
        speaking: list[int],
        port: int = 40000,
        pairs: bool = False,
    ) -> dict[str, Any]:
        """Make legs; `speaking` are the numbers of those who speak, `pairs` those of the delay test."""
        talkers, quiet = set(speaking), frames_of(codec, False, 0)
        for number in range(count):
            frames = frames_of(codec, True, number) if number in talkers else quiet
            leg = Leg(address, port + 2 * number, codec, frames)
            self.legs.append(leg)
            self.rtp[leg.rtp.fileno()] = leg
            self.readers[leg.rtcp.fileno()] = lambda leg=leg: _discard(leg.rtcp)  # type: ignore[misc]
            self.poll.register(leg.rtp.fileno(), select.EPOLLIN)
            self.poll.register(leg.rtcp.fileno(), select.EPOLLIN)
        if pairs:
            for speaker, listener in zip(self.legs[::2], self.legs[1::2], strict=True):
                speaker.countdown = BURST_EVERY + random.randrange(BURST_EVERY)
                listener.listens_to = speaker
        return {"ports": [leg.rtp.getsockname()[1] for leg in self.legs]}

    def aim(self, targets: list[tuple[str, int]]) -> dict[str, Any]:
        """Start all legs towards addresses that are known already."""
        for leg, (address, port) in zip(self.legs, targets, strict=True):
            leg.aim(address, port)
            self.start(leg)
        return {}

    def dial(self, address: str, gateway: tuple[str, int], users: list[str], rate: float) -> None:
        """Call with each leg, that many calls a second; answered when all are up or refused."""
        self.sip = bound(address, 5060)
        self.sip.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.gateway = (gateway[0], gateway[1])
        self.readers[self.sip.fileno()] = self.read_sip
        self.poll.register(self.sip.fileno(), select.EPOLLIN)
        for leg, user in zip(self.legs, users, strict=True):
            self.queue.append(Dialog(user, leg, self.gateway, (address, 5060)))
        self.interval = 1 / rate
        self.next_call = time.monotonic()
        self.awaited = ("dial", lambda: not self.queue and not any(d.pending for d in self.dialogs.values()))

    def hang_up(self) -> None:
        """BYE for every call; answered when all are acknowledged. No leg sends from now on."""
        self.slots = [[] for _ in range(SLOTS)]
        for dialog in self.dialogs.values():
            if dialog.state == "up":
                self.ask(dialog, "BYE")
        self.awaited = ("hang_up", lambda: not any(d.pending for d in self.dialogs.values()))

    def silence(self) -> dict[str, Any]:
        """Send no more, so that both sides' counts can be compared once what is under way has come."""
        self.slots = [[] for _ in range(SLOTS)]
        return {}

    def reset(self) -> dict[str, Any]:
        """Begin a measurement: counts of lateness and of own delay from here."""
        self.behind = 0.0
        for leg in self.legs:
            leg.late_ms = array.array("I", [0] * 101)
            leg.delays.clear()
        return {}

    def count(self) -> dict[str, Any]:
        late = np.sum([leg.late_ms for leg in self.legs], axis=0)
        return {
            "sent": sum(leg.sent for leg in self.legs),
            "received": sum(leg.received for leg in self.legs),
            "lost": sum(leg.lost for leg in self.legs),
            "silent_legs": sum(leg.received == 0 for leg in self.legs),
            "late_ms": [int(number) for number in late],
            "delays": [delay for leg in self.legs for delay in leg.delays],
            "refused": self.refused,
            "dropped": self.dropped,
            "behind": self.behind,
        }

    def quit(self) -> dict[str, Any]:
        self.finished = True
        return {}

    # -- SIP

    def ask(self, dialog: Dialog, method: str) -> None:
        dialog.pending = method
        dialog.started = time.monotonic()
        self.put(dialog)

    def put(self, dialog: Dialog) -> None:
        dialog.last_sent = time.monotonic()
        message = dialog.invite() if dialog.pending == "INVITE" else dialog.request("BYE", 2)
        self.sip.sendto(message, self.gateway)

    def read_sip(self) -> None:
        message = self.sip.recv(65536).decode(errors="replace")
        dialog = self.dialogs.get(found(r"^Call-ID:\s*(\S+)", message))
        if dialog is None:
            return
        if not message.startswith("SIP/2.0"):
            self.asked(dialog, message)
            return
        status, method = int(message[8:11]), found(r"^CSeq:\s*\d+ (\w+)", message)
        if status < 200 or (method == "BYE" and dialog.pending != "BYE"):
            return
        if method == "INVITE" and status < 300:
            if dialog.pending == "INVITE":
                dialog.answered(message)
                dialog.state, dialog.pending = "up", ""
                self.start(dialog.leg)
            self.sip.sendto(dialog.request("ACK", 1), self.gateway)
        elif method == "INVITE":
            dialog.to_tag = dialog.to_tag or found(r"^To:.*;tag=([^;\s]+)", message)
            self.sip.sendto(dialog.request("ACK", 1).replace(b"ACK;rport", b"INVITE;rport"), self.gateway)
            self.refused += dialog.pending == "INVITE"
            dialog.state, dialog.pending = "refused", ""
        else:
            dialog.state, dialog.pending = "over", ""

    def asked(self, dialog: Dialog, message: str) -> None:
        """The gateway's own BYE is answered and counted; nothing else is expected."""
        head = message.split("\r\n\r\n")[0].split("\r\n")
        kept = [line for line in head[1:] if re.match(r"(?i)(via|from|to|call-id|cseq):", line)]
        self.sip.sendto(
            "\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode(), self.gateway
        )
        if message.startswith("BYE") and dialog.state == "up":
            dialog.state = "over"
            self.dropped += 1

    def remind(self, now: float) -> None:
        """Retransmit what is unanswered, and give up after a while."""
        for dialog in self.dialogs.values():
            if not dialog.pending or now - dialog.last_sent < RETRANSMISSION:
                continue
            if now - dialog.started > GIVE_UP:
                self.refused += dialog.pending == "INVITE"
                dialog.state, dialog.pending = "over", ""
            else:
                self.put(dialog)

    # -- the loop

    def start(self, leg: Leg) -> None:
        self.slots[self.legs.index(leg) % SLOTS].append(leg)

    def run(self) -> None:
        self.readers[0] = self.read_orders
        self.poll.register(0, select.EPOLLIN)
        turn, due = 0, time.monotonic()
        next_report = next_reminder = due
        rtp, readers, buffer = self.rtp, self.readers, self.buffer
        while not self.finished:
            for descriptor, _ in self.poll.poll(max(due - time.monotonic(), 0)):
                leg = rtp.get(descriptor)
                if leg is not None:
                    leg.receive(buffer)
                else:
                    readers[descriptor]()
            now = time.monotonic()
            if now < due:
                continue
            self.behind = max(self.behind, now - due)
            for leg in self.slots[turn]:
                leg.send()
            turn, due = (turn + 1) % SLOTS, due + SLOT
            while self.queue and now >= self.next_call:
                dialog = self.queue.popleft()
                self.dialogs[dialog.call_id] = dialog
                self.ask(dialog, "INVITE")
                self.next_call += self.interval
            if now > next_reminder:
                next_reminder = now + 0.1
                self.remind(now)
            if now > next_report:
                next_report = now + RTCP_INTERVAL / SLOTS
                for leg in self.slots[int(now / RTCP_INTERVAL * SLOTS) % SLOTS]:
                    leg.report()
            if self.awaited and self.awaited[1]():
                self.say(self.awaited[0], {})
                self.awaited = None

    def read_orders(self) -> None:
        line = sys.stdin.readline()
        if not line:
            self.finished = True
            return
        order = json.loads(line)
        name = order.pop("do")
        answer = getattr(self, name)(**order)
        if answer is not None:
            self.say(name, answer)

    def say(self, name: str, answer: dict[str, Any]) -> None:
        os.write(1, json.dumps({"done": name, **answer}).encode() + b"\n")


def _discard(incoming: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
        incoming.recv(2048)


if __name__ == "__main__":
    Generator().run()
