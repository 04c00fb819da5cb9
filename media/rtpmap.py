"""What an RTP payload type means: the encoding's name, RTP clock rate and channels (RFC 3551, RFC 8866 §6.6).

Types below 35 have a fixed meaning (:data:`STATIC_PAYLOAD_TYPES`); those from 96 on get one by
``a=rtpmap:<payload type> <name>/<clock rate>[/<channels>]``, which SDP carries and :class:`RtpMap` reads.

Units: clock rates in Hz.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_ENCODING: Final = re.compile(r"\s*([^\s/]+)\s*/\s*(\d{1,9})\s*(?:/\s*(\d{1,3}))?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class RtpMap:
    """What a payload type means. ``clock_rate`` is the RTP clock (G722 says 8000, its samples are 16 kHz)."""

    name: str
    clock_rate: int
    channels: int = 1

    @classmethod
    def parse(cls, text: str) -> "RtpMap | None":
        """Read ``<name>/<clock rate>[/<channels>]``, known names in one spelling; None if it is not that."""
        match = _ENCODING.fullmatch(text)
        if match is None:
            return None
        name = _SPELLING.get(match[1].lower(), match[1])
        # Some phones give G.722's sampling rate; its RTP clock is 8000 all the same (RFC 3551 section 4.5.2).
        clock_rate = 8000 if name == "G722" else int(match[2])
        channels = int(match[3] or 1)
        return cls(name, clock_rate, channels) if clock_rate and channels else None

    def __str__(self) -> str:
        channels = f"/{self.channels}" if self.channels != 1 else ""
        return f"{self.name}/{self.clock_rate}{channels}"


# RFC 3551 section 6
STATIC_PAYLOAD_TYPES: Final[Mapping[int, RtpMap]] = MappingProxyType(
    {
        0: RtpMap("PCMU", 8000),
        3: RtpMap("GSM", 8000),
        4: RtpMap("G723", 8000),
        5: RtpMap("DVI4", 8000),
        6: RtpMap("DVI4", 16000),
        7: RtpMap("LPC", 8000),
        8: RtpMap("PCMA", 8000),
        9: RtpMap("G722", 8000),
        10: RtpMap("L16", 44100, 2),
        11: RtpMap("L16", 44100),
        12: RtpMap("QCELP", 8000),
        13: RtpMap("CN", 8000),
        14: RtpMap("MPA", 90000),
        15: RtpMap("G728", 8000),
        16: RtpMap("DVI4", 11025),
        17: RtpMap("DVI4", 22050),
        18: RtpMap("G729", 8000),
        25: RtpMap("CelB", 90000),
        26: RtpMap("JPEG", 90000),
        28: RtpMap("nv", 90000),
        31: RtpMap("H261", 90000),
        32: RtpMap("MPV", 90000),
        33: RtpMap("MP2T", 90000),
        34: RtpMap("H263", 90000),
    }
)

# Encoding names are case-insensitive (RFC 4855): those we know are given in one spelling.
_SPELLING: Final = {
    name.lower(): name
    for name in (
        *(known.name for known in STATIC_PAYLOAD_TYPES.values()),
        *("opus", "telephone-event", "H264", "H265", "VP8", "VP9", "AV1", "red", "rtx", "ulpfec", "t140"),
    )
}
