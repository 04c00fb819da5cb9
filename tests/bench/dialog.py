"""The minimal SIP caller of the load generator: the messages of one call, and where it stands.

Enough of RFC 3261 to load a server that keeps to it (one INVITE, one ACK, one BYE over UDP), and no
more; that servers do keep to it is for the interop tests to show.
"""

from __future__ import annotations

import random
import re

from .leg import CODECS, Leg


class Dialog:
    """One call of the minimal SIP caller."""

    def __init__(self, user: str, leg: Leg, gateway: tuple[str, int], local: tuple[str, int]) -> None:
        self.user, self.leg, self.gateway, self.local = user, leg, gateway, local
        self.call_id = f"{random.getrandbits(64):016x}"
        self.tag = f"{random.getrandbits(32):08x}"
        self.to_tag = ""
        self.target = f"sip:{user}@{gateway[0]}:{gateway[1]}"
        self.pending = ""
        self.started = self.last_sent = 0.0
        self.state = "new"

    def invite(self) -> bytes:
        address, port = self.leg.rtp.getsockname()
        codec, name, _ = next(value for value in CODECS.values() if value[0] == self.leg.payload_type)
        sdp = (
            f"v=0\r\no=load 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {codec} 101\r\na=rtpmap:{codec} {name}\r\n"
            "a=rtpmap:101 telephone-event/8000\r\n"
        )
        return self.request("INVITE", 1, sdp)

    def request(self, method: str, number: int, sdp: str = "") -> bytes:
        here = f"{self.local[0]}:{self.local[1]}"
        to = f"<sip:{self.user}@{self.gateway[0]}>" + (f";tag={self.to_tag}" if self.to_tag else "")
        content = "Content-Type: application/sdp\r\n" if sdp else ""
        return (
            f"{method} {self.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{self.call_id}{method};rport\r\n"
            f"From: <sip:load@{here}>;tag={self.tag}\r\nTo: {to}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:load@{here}>\r\n{content}Content-Length: {len(sdp)}\r\n\r\n{sdp}"
        ).encode()

    def answered(self, message: str) -> None:
        """Take the dialog and the media address from a 200 to the INVITE."""
        self.to_tag = found(r"^To:.*;tag=([^;\s]+)", message)
        self.target = found(r"^Contact:.*<([^>]+)>", message)
        address = found(r"^c=IN IP4 (\S+)", message)
        self.leg.aim(address, int(found(r"^m=audio (\d+)", message)))


def found(pattern: str, message: str) -> str:
    match = re.search(pattern, message, re.MULTILINE | re.IGNORECASE)
    if match is None:
        raise ValueError(f"no {pattern} in {message!r}")
    return match[1]
