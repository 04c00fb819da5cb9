"""SRTP: no index twice, no packet twice, no stranger's packet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.webrtc.srtp import MAX_SSRCS, PROFILES, SrtpError, SrtpProfile, SrtpSession
from tests.media.webrtc.browser import plain

GCM, CM = PROFILES
RTCP = b"\x80\xc9\x00\x01\x00\x00\x00\x07"  # an empty receiver report


def pair(profile: SrtpProfile = GCM) -> tuple[SrtpSession, SrtpSession]:
    """Return a client's and a server's session."""
    client, server = profile.split(bytes(index % 251 for index in range(profile.keying_size)))
    return SrtpSession(profile, server, client), SrtpSession(profile, client, server)


def test_keys_and_salts_are_taken_apart_as_rfc_5764_lays_them_out() -> None:
    material = b"C" * 16 + b"S" * 16 + b"c" * 12 + b"s" * 12
    assert GCM.keying_size == len(material)
    assert GCM.split(material) == (b"C" * 16 + b"c" * 12, b"S" * 16 + b"s" * 12)
    assert CM.keying_size == 60


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name.decode())
def test_what_one_side_protects_the_other_reads(profile: SrtpProfile) -> None:
    client, server = pair(profile)
    for one, other in ((client, server), (server, client)):
        packet, report = one.protect(bytearray(plain(1))), one.protect_rtcp(bytearray(RTCP))
        assert b"speech" not in packet
        assert other.unprotect(packet) == plain(1)
        assert other.unprotect_rtcp(report) == RTCP


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name.decode())
def test_what_is_forged_or_replayed_is_refused(profile: SrtpProfile) -> None:
    client, server = pair(profile)
    packet, report = client.protect(plain(1)), client.protect_rtcp(RTCP)
    for index in (1, 2, 12, len(packet) - 1):
        with pytest.raises(SrtpError):
            server.unprotect(packet[:index] + bytes((packet[index] ^ 1,)) + packet[index + 1 :])
    for size in range(len(packet)):
        with pytest.raises(SrtpError):
            server.unprotect(packet[:size])
    server.unprotect(packet)
    server.unprotect_rtcp(report)
    with pytest.raises(SrtpError, match="replay"):
        server.unprotect(packet)
    with pytest.raises(SrtpError, match="replay"):
        server.unprotect_rtcp(report)


def test_late_is_not_replayed() -> None:
    client, server = pair()
    packets = [client.protect(plain(number)) for number in range(1000)]
    assert server.unprotect(packets[-1]) == plain(999)
    assert server.unprotect(packets[0]) == plain(0)


def keystreams(numbers: list[int], profile: SrtpProfile) -> list[bytes]:
    """What the payload of each packet that is sent was XORed with; equal for two of one index."""
    _, server = pair(profile)
    streams = []
    zeros = bytes(16)
    for number in numbers:
        try:
            streams.append(server.protect(plain(number & 0xFFFF, payload=zeros))[12:28])
        except SrtpError:
            continue
    return streams


runs = st.tuples(st.integers(0, 0xFFFF), st.lists(st.integers(-300, 300), min_size=2, max_size=60))
jumps = st.lists(st.integers(0, 0xFFFF), min_size=2, max_size=40)


@settings(max_examples=150, deadline=None)
@given(runs, st.sampled_from(PROFILES))
def test_no_index_is_used_twice_by_reordering_and_wrapping(
    run: tuple[int, list[int]], profile: SrtpProfile
) -> None:
    start, steps = run
    numbers = [start]
    for step in steps:
        numbers.append(numbers[-1] + step)
    streams = keystreams(numbers, profile)
    assert len(set(streams)) == len(streams)


@settings(max_examples=150, deadline=None)
@given(jumps, st.sampled_from(PROFILES))
def test_no_index_is_used_twice_by_jumping(numbers: list[int], profile: SrtpProfile) -> None:
    streams = keystreams(numbers, profile)
    assert len(set(streams)) == len(streams)


def test_the_index_counts_the_wraps() -> None:
    numbers = [*range(0, 0x10000, 0x4000)] * 3  # thrice around
    streams = keystreams(numbers, CM)
    assert len(streams) == len(numbers)
    assert len(set(streams)) == len(numbers)


def test_a_peer_has_so_many_ssrcs_and_keeps_those_it_has() -> None:
    client, server = pair()
    for ssrc in range(MAX_SSRCS):
        server.unprotect(client.protect(plain(1, ssrc)))
    with pytest.raises(SrtpError, match="SSRC"):
        server.unprotect(client.protect(plain(1, MAX_SSRCS)))
    with pytest.raises(SrtpError, match="SSRC"):
        server.unprotect_rtcp(client.protect_rtcp(RTCP[:4] + bytes(4 - 2) + b"\x77\x77"))
    server.unprotect(client.protect(plain(2, 0)))


def test_a_stranger_uses_up_no_ssrc() -> None:
    client, server = pair()
    for ssrc in range(MAX_SSRCS + 10):
        with pytest.raises(SrtpError):
            server.unprotect(plain(1, ssrc) + bytes(16))
    server.unprotect(client.protect(plain(1)))


def test_a_packet_too_long_is_refused() -> None:
    _, server = pair()
    with pytest.raises(SrtpError):
        server.protect(plain(1, payload=bytes(1500)))
    with pytest.raises(SrtpError):
        server.unprotect(plain(1, payload=bytes(1500)))
