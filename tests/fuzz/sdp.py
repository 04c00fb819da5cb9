"""Fuzz the SDP parser: it refuses with SdpError or returns what can be asked, written and read again.

python -m tests.fuzz.sdp [--seconds N] [--seed N]
"""

from media.sdp import SdpError, SessionDescription
from tests.fuzz.mutation import main


def check(data: bytes) -> None:
    """Raise if the parser breaks its promise on this input."""
    try:
        session = SessionDescription.parse(data)
    except SdpError:
        return
    for media in session.medias:
        session.direction_of(media)
        session.address_of(media)
        _ = (media.rtpmap, media.fmtp, media.ptime, media.maxptime)
        _ = (media.rtcp_port, media.rtcp_address, media.rtcp_mux, media.refused())
    written = session.to_bytes()
    if SessionDescription.parse(written).to_bytes() != written:
        raise AssertionError("what was written reads differently")


if __name__ == "__main__":
    main("sdp", check)
