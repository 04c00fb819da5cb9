"""What travels: RTP, RTCP, SDP grammar, jitter buffer, codecs. Knows no call and no meeting."""
