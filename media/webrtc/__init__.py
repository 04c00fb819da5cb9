"""The WebRTC transport: RTP over SRTP, keyed by DTLS, over paths that ICE has proved (RFC 8834, RFC 8835).

From the socket up::

    mux (one UDP port for all, TCP beside it) ── stun/ice (which addresses are theirs, which one we send to)
                                              ├─ dtls    (who they are, and the keys)
                                              └─ srtp    (the packets)
    transport: one peer, all of this behind send_rtp and rtp_received

In the client's role all but the bottom is the same::

    client (a socket for each connection) ── agent ── checks (by aioice) ── wire (a socket, or a relay)
                                          ├─ dtls, srtp
    peers: what mux and client have in common
"""
