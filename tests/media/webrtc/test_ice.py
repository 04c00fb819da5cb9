"""ICE in the server's role: whose an address is, which one is sent to, and how it ends."""

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.webrtc import stun
from media.webrtc.ice import (
    ALIVE,
    AMPLIFICATION,
    CONSENT,
    MAX_PATHS,
    IceParameters,
)
from media.webrtc.path import tcp_priority, udp_priority
from media.webrtc.states import TransportState
from media.webrtc.transport import PeerTransport
from tests.media.webrtc.browser import HIGH, LOW, Browser, plain
from tests.media.webrtc.network import HOME, MOBILE, VICTIM, Network, alone, connected


def sent_to(network: Network, peer: PeerTransport) -> object:
    """Where a packet goes now."""
    peer.send_rtp(plain(network.mux.random.randrange(1 << 16), ssrc=network.mux.random.getrandbits(32)))
    return network.link.sent.pop()[1]


def test_credentials_are_long_enough_and_never_the_same() -> None:
    network = Network()
    all_of_them = [network.peer()[0].local for _ in range(20)]
    assert len(set(all_of_them)) == 20
    for one in all_of_them:
        assert len(one.ufrag) >= 4
        assert len(one.password) >= 22
        assert one.password not in repr(one)


def test_a_check_is_answered_and_returned() -> None:
    network, peer, _, browser = alone()
    network.stand(browser, HOME)
    network.check(browser, HOME)
    assert len(browser.mapped) == 1
    assert browser.asked == 1
    assert peer.remote_address == "192.0.2.10 40000"


def test_an_address_that_does_not_answer_gets_no_media() -> None:
    network, peer, _, browser = alone()
    browser.answers = False
    network.connect(browser)
    assert peer.remote_address is None
    assert network.link.paths == {}
    browser.answers = True
    network.pass_time(1.0)  # asked again
    assert peer.remote_address is not None


@pytest.mark.parametrize("password", ["", "x" * 24])
def test_a_request_without_the_password_is_not_answered(password: str) -> None:
    network, _, _, browser = alone()
    network.inject(browser.check(password=password, nominate=True), HOME)
    assert network.link.sent == []
    assert network.mux.counters.unauthenticated == 1


def test_a_request_for_nobody_is_not_answered() -> None:
    network, peer, _, browser = alone()
    browser.describe(IceParameters("nobody", peer.local.password), peer.fingerprint)
    network.inject(browser.check(), HOME)
    assert network.link.sent == []
    assert network.mux.counters.unknown == 1


def test_at_most_three_times_what_came_goes_to_an_address_that_is_not_proven() -> None:
    network, _, _, browser = alone()
    request = browser.check(nominate=True)
    network.inject(request, VICTIM)
    for _ in range(100):
        network.tick()
    assert 0 < network.link.octets_to(VICTIM) <= AMPLIFICATION * len(request)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=30))
def test_the_limit_holds_however_requests_and_time_interleave(steps: list[tuple[bool, int]]) -> None:
    network, _, _, browser = alone()
    received = 0
    for nominate, ticks in steps:
        request = browser.check(nominate=nominate)
        received += len(request)
        network.inject(request, VICTIM)
        for _ in range(ticks):
            network.tick()
        assert network.link.octets_to(VICTIM) <= AMPLIFICATION * received


def test_a_live_address_is_not_taken_over() -> None:
    network, peer, handler, browser = connected()
    mallory, _, forger = network.peer(seed=2)
    network.inject(forger.check(nominate=True), HOME)  # a valid password, and HOME's address forged
    assert network.link.sent == []
    assert network.mux.counters.refused == 1
    network.inject(browser.rtp(1), HOME)
    assert len(handler.rtp) == 1
    assert peer.remote_address == "192.0.2.10 40000"
    assert mallory.remote_address is None


def test_a_forged_claim_does_not_keep_the_owner_out() -> None:
    network, peer, _, browser = alone()
    _, _, forger = network.peer(seed=2)
    network.inject(forger.check(nominate=True), HOME)  # before the owner came
    network.link.sent.clear()
    network.connect(browser)
    assert peer.state is TransportState.CONNECTED


def test_two_claims_of_one_address_the_first_to_answer_has_it() -> None:
    network, peer, _, browser = alone()
    mallory, _, forger = network.peer(seed=2)
    network.inject(forger.check(), HOME)
    network.inject(browser.check(), HOME)
    pending = [data for data, _ in network.link.sent if data[:2] == b"\x00\x01"]
    network.link.sent.clear()
    answers = [stun.parse(data) for data in pending]
    keys = (forger.local.password.encode(), browser.local.password.encode())
    for message, key in reversed(list(zip(answers, keys, strict=True))):
        assert message is not None
        network.inject(stun.success(message, HOME, key), HOME)
    assert peer.remote_address == "192.0.2.10 40000"
    assert mallory.remote_address is None
    assert network.mux.counters.refused == 1


def test_an_address_is_free_again_once_its_peer_has_closed_or_gone() -> None:
    network, peer, _, _ = connected()
    peer.close()
    network.link.sent.clear()
    second, _, browser = network.peer(seed=2)
    network.connect(browser)
    assert second.remote_address is not None
    network.unreachable.add(HOME)
    network.pass_time(CONSENT + 1)
    third, _, browser = network.peer(seed=3)
    network.unreachable.clear()
    network.connect(browser)
    assert (second.state, third.state) == (TransportState.CLOSED, TransportState.CONNECTED)


@pytest.mark.parametrize("key", ["wrong", "ours"])
def test_a_forged_answer_proves_nothing(key: str) -> None:
    network, peer, _, browser = alone()
    network.inject(browser.check(nominate=True), VICTIM)
    asked = next(stun.parse(data) for data, _ in network.link.sent if data[:2] == b"\x00\x01")
    assert asked is not None
    password = "x" * 24 if key == "wrong" else browser.local.password
    other = HOME if key == "ours" else VICTIM  # the right password, from another address
    network.inject(stun.success(asked, VICTIM, password.encode()), other)
    assert peer.remote_address is None


def test_media_is_taken_from_every_proven_address_and_from_no_other() -> None:
    network, _, handler, browser = connected()
    network.stand(browser, MOBILE)
    network.inject(browser.rtp(1), MOBILE)
    assert handler.rtp == []
    assert network.mux.counters.unknown == 1
    network.check(browser, MOBILE, priority=LOW)
    network.inject(browser.rtp(2), MOBILE)
    network.inject(browser.rtp(3), HOME)
    assert len(handler.rtp) == 2


def both(first: int = HIGH, second: int = LOW) -> tuple[Network, PeerTransport, Browser]:
    """HOME connected, then MOBILE nominated too, as Firefox does it."""
    network, peer, _, browser = alone()
    network.connect(browser, HOME, priority=first)
    network.stand(browser, MOBILE)
    network.check(browser, MOBILE, priority=second, nominate=True)
    return network, peer, browser


def test_of_two_nominated_the_higher_priority_is_sent_to() -> None:
    network, peer, browser = both()
    for _ in range(5):  # no flip-flop, whichever was nominated last
        network.check(browser, MOBILE, priority=LOW, nominate=True)
        assert sent_to(network, peer) == HOME
        network.check(browser, HOME, priority=HIGH, nominate=True)
        assert sent_to(network, peer) == HOME
    network, peer, _ = both(LOW, HIGH)
    assert sent_to(network, peer) == MOBILE


def test_nominated_goes_before_priority() -> None:
    network, peer, _, browser = alone()
    network.stand(browser, HOME)
    network.stand(browser, MOBILE)
    network.check(browser, HOME, priority=HIGH)
    network.connect(browser, MOBILE, priority=LOW)
    assert sent_to(network, peer) == MOBILE


def test_renomination_goes_before_priority() -> None:
    network, peer, browser = both()
    network.check(browser, MOBILE, priority=LOW, nominate=True, nomination=2)
    assert sent_to(network, peer) == MOBILE
    network.check(browser, HOME, priority=HIGH, nominate=True, nomination=3)
    assert sent_to(network, peer) == HOME


def test_a_silent_address_yields_to_a_living_one_and_gets_its_place_back() -> None:
    network, peer, browser = both()
    network.unreachable.add(HOME)
    sequence = count()
    network.pass_time(ALIVE + 0.2, lambda: network.inject(browser.rtp(next(sequence)), MOBILE))
    assert sent_to(network, peer) == MOBILE
    network.unreachable.clear()
    network.check(browser, HOME, priority=HIGH, nominate=True)
    assert sent_to(network, peer) == HOME


def test_a_quiet_address_that_answers_keeps_its_place() -> None:
    network, peer, browser = both()
    # Silent but for the answers to our own checks, while the other is checked all the time.
    network.pass_time(10.0, lambda: network.inject(browser.check(priority=LOW, nominate=True), MOBILE))
    assert sent_to(network, peer) == HOME


def test_one_quiet_address_is_left_in_peace() -> None:
    network, _, _, browser = connected()
    sequence = count()
    asked = browser.asked
    network.pass_time(CONSENT / 2 - 1, lambda: network.inject(browser.rtp(next(sequence)), HOME))
    assert browser.asked == asked


def test_a_peer_whose_requests_are_lost_is_asked_before_it_is_given_up() -> None:
    network, peer, _, browser = connected()
    network.pass_time(3 * CONSENT)
    assert peer.state is TransportState.CONNECTED
    assert 3 <= browser.asked <= 10


def test_fifteen_seconds_without_consent_end_a_peer() -> None:
    network, peer, handler, browser = connected()
    sequence = count()

    def media() -> None:  # which is no consent
        network.inject(browser.rtp(next(sequence)), HOME)

    browser.answers = False
    network.pass_time(CONSENT - 0.5, media)
    network.check(browser, HOME)
    network.pass_time(CONSENT - 0.5, media)
    assert handler.reasons == []
    network.pass_time(1.0, media)
    assert peer.state is TransportState.CLOSED
    assert handler.reasons == ["no consent"]


def test_both_may_not_be_controlled() -> None:
    network, _, _, browser = alone()
    network.stand(browser, HOME)
    network.check(browser, HOME, extra=((stun.Attribute.ICE_CONTROLLED, bytes(8)),))
    assert browser.errors == [stun.ROLE_CONFLICT]
    assert browser.mapped == []


def test_what_is_not_understood_is_refused() -> None:
    network, _, _, browser = alone()
    network.stand(browser, HOME)
    network.check(browser, HOME, nominate=True, extra=((0x7777, b"?"),))
    assert browser.errors == [stun.UNKNOWN_ATTRIBUTE]


def test_a_flood_of_forged_sources_is_bounded_and_spares_the_proven() -> None:
    network, peer, handler, browser = connected()
    for port in range(1, 500):
        network.inject(browser.check(), ("203.0.113.1", port))
    network.link.sent.clear()
    assert len(network.mux.register.checks) <= MAX_PATHS
    network.inject(browser.rtp(1), HOME)
    assert len(handler.rtp) == 1
    network.pass_time(CONSENT + 1)
    assert peer.remote_address == "192.0.2.10 40000"
    assert len(network.mux.register.checks) == 0


def test_closing_gives_everything_back() -> None:
    network, peer, handler, browser = connected()
    network.inject(browser.check(), VICTIM)
    peer.restart(browser.local)
    peer.close()
    register = network.mux.register
    assert (register.agents, register.checks, network.link.paths) == ({}, {}, {})
    assert handler.reasons == ["closed"]
    assert network.mux.peers == set()


class TestRestart:
    """RFC 8445 section 9."""

    def restarted(self) -> tuple[Network, PeerTransport, Browser, Browser]:
        """Return a connection, and the same browser as it is after the restart."""
        network, peer, _, before = connected()
        self.before = before
        after = Browser(lambda data: None, seed=5)
        after.srtp = before.srtp
        after.describe(peer.restart(after.local), peer.fingerprint)
        return network, peer, before, after

    def test_the_old_credentials_hold_until_nomination(self) -> None:
        network, peer, before, after = self.restarted()
        network.check(before, HOME)
        assert len(before.mapped) == 2
        network.stand(after, MOBILE)
        network.check(after, MOBILE, priority=HIGH)
        assert len(after.mapped) == 1
        assert sent_to(network, peer) == HOME  # not nominated yet
        network.check(after, MOBILE, priority=LOW, nominate=True)
        assert sent_to(network, peer) == MOBILE
        network.inject(before.check(nominate=True), HOME)
        assert network.link.sent == []
        assert network.mux.counters.unknown == 1
        assert list(network.link.paths) == [MOBILE]

    def test_the_same_address_may_go_on(self) -> None:
        network, peer, before, after = self.restarted()
        network.stand(after, HOME)
        network.check(after, HOME, nominate=True)
        assert sent_to(network, peer) == HOME
        network.inject(before.check(), HOME)
        assert network.link.sent == []

    def test_a_late_check_under_the_old_ones_does_not_undo_it(self) -> None:
        network, peer, before, after = self.restarted()
        network.stand(after, HOME)
        late = before.check(nominate=True)
        network.check(after, HOME)
        network.inject(late, HOME)
        network.link.sent.clear()
        assert network.link.paths[HOME].generation.local == peer.local
        assert len(network.mux.register.agents) == 2  # nor does it end them
        network.check(after, HOME, nominate=True)
        assert sent_to(network, peer) == HOME
        assert list(network.mux.register.agents) == [peer.local.ufrag.encode()]

    def test_a_new_address_under_the_old_ones_does_not_end_them(self) -> None:
        network, peer, before, after = self.restarted()
        network.stand(before, MOBILE)
        network.check(before, MOBILE, nominate=True)
        assert list(network.link.paths) == [HOME, MOBILE]
        network.check(before, HOME, nominate=True)
        assert len(before.mapped) == 3
        network.stand(after, VICTIM)
        network.check(after, VICTIM, nominate=True)
        assert list(network.link.paths) == [VICTIM]
        assert sent_to(network, peer) == VICTIM

    def test_a_restart_that_is_overtaken_by_two_is_forgotten(self) -> None:
        """By one: the peer may have been told of it, and check under it until it hears of the next."""
        network, peer, _, first = self.restarted()
        second, third = Browser(lambda data: None, seed=6), Browser(lambda data: None, seed=7)
        second.describe(peer.restart(second.local), peer.fingerprint)
        network.stand(first, VICTIM)
        network.check(first, VICTIM)
        assert len(first.mapped) == 1
        network.pass_time(CONSENT + 1, lambda: network.check(self.before, HOME))
        assert list(network.link.paths) == [HOME]
        third.describe(peer.restart(third.local), peer.fingerprint)
        network.inject(first.check(nominate=True), MOBILE)
        assert network.mux.counters.unknown == 1
        network.stand(third, MOBILE)
        network.check(third, MOBILE, nominate=True)
        assert sent_to(network, peer) == MOBILE
        assert list(network.mux.register.agents) == [peer.local.ufrag.encode()]

    @pytest.mark.parametrize("offer_first", [True, False])
    def test_new_credentials_of_theirs_under_old_ones_of_ours(self, offer_first: bool) -> None:
        """What Chromium does until it has the answer, and may go on doing for as long as it lasts."""
        network, peer, handler, before = connected()
        after = Browser(lambda data: None, seed=5)
        after.srtp = before.srtp
        after.describe(peer.local, peer.fingerprint)  # our old ones: it has no answer yet
        if offer_first:
            peer.restart(after.local)
        network.inject(after.check(nominate=True), MOBILE)
        if not offer_first:
            network.link.sent.clear()  # asked under the old password, which it knows no more
            peer.restart(after.local)
        network.stand(after, MOBILE)
        network.pass_time(0.1)
        assert after.asked
        assert sent_to(network, peer) == MOBILE
        network.inject(after.rtp(1), MOBILE)
        assert len(handler.rtp) == 1
        network.pass_time(CONSENT + 1, lambda: network.check(after, MOBILE, nominate=True))
        assert list(network.link.paths) == [MOBILE]
        last = Browser(lambda data: None, seed=6)
        last.describe(peer.restart(last.local), peer.fingerprint)
        network.check(after, MOBILE)
        network.stand(last, HOME)
        network.check(last, HOME, nominate=True)
        assert sent_to(network, peer) == HOME
        assert list(network.mux.register.agents) == [peer.local.ufrag.encode()]

    def test_it_needs_no_new_handshake(self) -> None:
        network, peer, _, after = self.restarted()
        network.stand(after, MOBILE)
        network.check(after, MOBILE, nominate=True)
        peer.send_rtp(plain(9))
        network.deliver()
        assert after.received == [plain(9)]


def test_udp_goes_before_tcp_and_the_first_address_before_the_second() -> None:
    assert udp_priority(0) > udp_priority(1) > tcp_priority(0) > tcp_priority(1) > 0
    assert udp_priority(0) < 1 << 31
