"""Credentials for TURN (RFC 8656) that hold for a while, by the scheme coturn calls TURN REST API.

The user name is ``<expiry in Unix seconds>:<who>``, the password its HMAC-SHA-1 under a secret that coturn
shares (``static-auth-secret``), in base64. coturn needs no list of users, and we need not ask it.
"""

import hmac
from base64 import b64encode

from conferencing.embedded.messages import IceServer
from config.settings import WebRtcSettings


def ice_servers(settings: WebRtcSettings, who: str, now: float) -> tuple[IceServer, ...]:
    """What a page gives to RTCPeerConnection; nothing when no TURN server is set. ``now``: Unix seconds."""
    if not settings.turn:
        return ()
    username = f"{int(now + settings.turn_seconds)}:{who}"
    password = b64encode(hmac.digest(settings.turn_secret.encode(), username.encode(), "sha1")).decode()
    return (IceServer(settings.turn, username, password),)
