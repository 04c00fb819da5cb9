"""One peer's transport from signalling to media and to its end, over a network in memory."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.webrtc.dtls import Certificate, DtlsSession, Fingerprint, FingerprintError
from media.webrtc.ice import CONSENT
from media.webrtc.states import TransportError, TransportState
from media.webrtc.transport import CONNECT_TIMEOUT
from tests.fuzz.mutation import mutate
from tests.media.webrtc.browser import CERTIFICATE, plain
from tests.media.webrtc.network import HOME, VICTIM, Handler, Network, alone, connected

FLOWING = connected()
HANDSHAKE = DtlsSession(Certificate.generate(), Fingerprint(CERTIFICATE.fingerprint), server=False).tick()
RTCP = b"\x80\xc9\x00\x01\x00\x00\x00\x07"


def test_media_flows_both_ways() -> None:
    network, peer, handler, browser = connected()
    assert peer.state is TransportState.CONNECTED
    assert handler.connections == 1
    network.inject(browser.rtp(1), HOME)
    assert handler.rtp == [plain(1)]
    assert browser.srtp is not None
    network.inject(browser.srtp.protect_rtcp(RTCP), HOME)
    assert handler.rtcp == [RTCP]
    peer.send_rtp(plain(2))
    peer.send_rtp(bytearray(plain(3)))
    peer.send_rtcp(RTCP)
    network.deliver()
    assert browser.received == [plain(2), plain(3), RTCP]
    assert (network.mux.traffic.received, network.mux.traffic.sent) == (1, 2)


def test_we_may_be_the_dtls_client() -> None:
    network = Network()
    peer, handler, browser = network.peer(setup="passive")
    assert peer.setup == "active"
    assert network.link.sent == []  # no ClientHello before there is a path
    network.stand(browser, HOME)
    network.inject(browser.check(nominate=True), HOME)
    assert all(data[0] <= 3 for data, _ in network.link.sent)
    network.deliver()
    assert peer.state is TransportState.CONNECTED
    network.inject(browser.rtp(1), HOME)
    assert handler.rtp == [plain(1)]


def test_what_is_sent_before_there_are_keys_is_counted() -> None:
    network, peer, handler, browser = alone()
    network.stand(browser, HOME)
    network.check(browser, HOME, nominate=True)
    peer.send_rtp(plain(1))
    peer.send_rtcp(RTCP)
    network.inject(plain(1) + bytes(16), HOME)
    assert network.link.sent == []
    assert network.mux.counters.early == 3
    assert handler.rtp == []


def test_an_index_used_before_is_not_sent() -> None:
    network, peer, _, browser = connected()
    peer.send_rtp(plain(5))
    peer.send_rtp(plain(5, payload=b"other"))
    assert network.mux.counters.unprotectable == 1
    network.deliver()
    assert browser.received == [plain(5)]


def test_what_the_kernel_will_not_take_is_counted() -> None:
    network, peer, _, _ = connected()

    def full(data: bytes, address: object) -> None:
        raise BlockingIOError

    for path in network.link.paths.values():
        path.send = full
    peer.send_rtp(plain(5))
    peer.send_rtcp(RTCP)
    assert network.mux.counters.unsent == 2


def test_forged_and_replayed_media_is_dropped() -> None:
    network, _, handler, browser = connected()
    packet = browser.rtp(1)
    network.inject(packet[:-1] + bytes((packet[-1] ^ 1,)), HOME)
    network.inject(packet, VICTIM)
    network.inject(packet, HOME)
    network.inject(packet, HOME)
    assert handler.rtp == [plain(1)]
    assert network.mux.counters.undecryptable == 2
    assert network.mux.counters.unknown == 1


def test_a_handshake_from_an_address_that_is_not_proven_is_not_heard() -> None:
    network, _, _, browser = alone()
    network.stand(browser, HOME)
    network.check(browser, HOME, nominate=True)
    said: list[bytes] = []
    browser.send = said.append
    browser.handshake()
    network.inject(said[0], VICTIM)
    assert network.link.sent == []
    assert network.mux.counters.unknown == 1


def test_forged_handshake_records_are_counted_and_survived() -> None:
    network, peer, handler, browser = alone()
    network.stand(browser, HOME)
    network.check(browser, HOME, nominate=True)
    alert = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"
    network.inject(alert, HOME)
    network.inject(b"\x16" + bytes(30), HOME)
    network.connect(browser)
    network.inject(alert, HOME)
    assert peer.state is TransportState.CONNECTED
    assert network.mux.counters.forged == 2
    assert handler.reasons == []


def test_the_wrong_certificate_is_not_let_in() -> None:
    network = Network()
    handler = Handler()
    peer = network.mux.peer(handler)
    _, _, browser = network.peer()
    browser.describe(peer.local, peer.fingerprint)
    strangers = network.mux.certificate.fingerprint  # anybody's but the browser's
    assert strangers != CERTIFICATE.fingerprint
    peer.connect(browser.local, strangers, "actpass")
    network.connect(browser)
    assert peer.state is TransportState.CHECKING
    network.pass_time(CONNECT_TIMEOUT + 1, lambda: network.check(browser, HOME))
    assert handler.reasons == ["no connection"]


def test_the_peer_says_goodbye() -> None:
    network, peer, handler, browser = connected()
    assert browser.dtls is not None
    for data in browser.dtls.close():
        network.inject(data, HOME)
    assert peer.state is TransportState.CLOSED
    assert handler.reasons == ["closed by the peer"]


def test_we_say_goodbye_once() -> None:
    network, peer, handler, browser = connected()
    peer.close()
    peer.close()
    assert handler.reasons == ["closed"]
    ((goodbye, address),) = network.link.sent
    assert address == HOME
    assert browser.dtls is not None
    browser.dtls.receive(goodbye)
    assert browser.dtls.state.name == "CLOSED"
    peer.send_rtp(plain(1))
    assert network.mux.counters.early == 1


def test_who_never_comes_is_given_up() -> None:
    network, peer, handler, _ = alone()
    network.pass_time(CONNECT_TIMEOUT - 0.5)
    assert peer.state is TransportState.CHECKING
    network.pass_time(1.0)
    assert handler.reasons == ["no connection"]
    assert network.mux.peers == set()


def test_who_comes_and_never_shakes_hands_is_given_up() -> None:
    network, _, handler, browser = alone()
    network.stand(browser, HOME)
    network.pass_time(CONNECT_TIMEOUT + 1, lambda: network.check(browser, HOME))
    assert handler.reasons == ["no connection"]


def test_time_stands_still_when_there_is_nobody() -> None:
    network, peer, _, _ = connected()
    peer.close()
    network.tick()
    assert network.timers.waiting == []


def test_methods_have_their_states() -> None:
    network, peer, _, browser = alone()
    with pytest.raises(TransportError, match="CONNECT is not for CHECKING"):
        peer.connect(browser.local, browser.fingerprint, "actpass")
    fresh = network.mux.peer(Handler())
    with pytest.raises(TransportError, match="cannot restart while NEW"):
        fresh.restart(browser.local)
    with pytest.raises(TransportError, match="a=setup"):
        fresh.connect(browser.local, browser.fingerprint, "holdconn")
    with pytest.raises(FingerprintError):
        fresh.connect(browser.local, "sha-1 AB", "actpass")
    fresh.close()
    with pytest.raises(TransportError):
        fresh.connect(browser.local, browser.fingerprint, "actpass")


class Faulty(Handler):
    """A handler with a bug."""

    def rtp_received(self, packet: bytes, now: float) -> None:
        raise ZeroDivisionError


def test_a_bug_in_one_handler_ends_that_peer_alone() -> None:
    network, peer, handler, browser = connected()
    faulty = Faulty()
    peer.handler = faulty
    other, heard, second = network.peer(seed=2)
    network.connect(second, VICTIM)
    network.inject(browser.rtp(1), HOME)
    network.inject(second.rtp(1), VICTIM)
    assert faulty.reasons == ["internal error"]
    assert network.mux.counters.failed == 1
    assert heard.rtp == [plain(1)]
    assert other.state is TransportState.CONNECTED
    assert handler.reasons == []


def test_a_bug_in_closing_leaves_time_running_and_the_others_alone() -> None:
    class Stubborn(Handler):
        def closed(self, reason: str) -> None:
            raise ZeroDivisionError

    network, peer, _, _ = alone()
    peer.handler = Stubborn()
    other, _, browser = network.peer(seed=2)
    network.connect(browser)
    network.pass_time(CONNECT_TIMEOUT + 1, lambda: network.check(browser, HOME))
    assert peer.state is TransportState.CLOSED
    assert network.mux.counters.failed == 1
    network.mux.peer(Stubborn())
    network.mux.close()
    assert other.state is TransportState.CLOSED
    assert network.mux.peers == set()


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32))
def test_mutilated_datagrams_of_every_kind_do_no_harm(seed: int) -> None:
    network, peer, handler, browser = FLOWING
    random = Random(seed)
    stale = [browser.check(nominate=True), *HANDSHAKE, plain(9) + bytes(16)]
    for address in (HOME, VICTIM):
        data = mutate(stale, random)
        if data not in stale:
            network.inject(data, address)
    network.deliver()
    assert peer.state is TransportState.CONNECTED
    assert (handler.rtp, network.mux.counters.failed) == ([], 0)


def test_a_handler_may_close_from_within() -> None:
    network, peer, _, browser = alone()

    class Hasty(Handler):
        def connected(self) -> None:
            peer.close()

    hasty = peer.handler = Hasty()
    network.connect(browser)
    assert hasty.reasons == ["closed"]


@pytest.mark.parametrize("first", range(256))
def test_whatever_the_first_octet_nothing_raises_and_all_is_counted(first: int) -> None:
    network, peer, handler, _ = connected()
    network.now += CONSENT / 2
    for size in (0, 1, 2, 11, 12, 40, 1400):
        for address in (HOME, VICTIM):
            network.inject(bytes((first,)) + bytes(size), address)
            network.inject(b"", address)
    assert peer.state is TransportState.CONNECTED
    assert (handler.rtp, handler.rtcp, network.link.sent) == ([], [], [])
    counters = network.mux.counters
    assert counters.failed == 0
    dropped = counters.malformed + counters.unknown + counters.undecryptable + counters.unauthenticated
    silent = 7 if 20 <= first <= 63 else 0  # OpenSSL drops by itself
    assert dropped + counters.forged >= 28 - silent
