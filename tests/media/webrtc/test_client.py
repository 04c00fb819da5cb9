"""The client's role against our own server's, so that both roles meet."""

import asyncio
import contextlib
import socket
from random import Random, SystemRandom

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.webrtc import stun
from media.webrtc.agent import LINGER
from media.webrtc.dtls import Certificate
from media.webrtc.path import CONSENT
from media.webrtc.servers import StunServer, TurnServer
from media.webrtc.states import TransportError, TransportState
from media.webrtc.transport import CONNECT_TIMEOUT
from tests.fuzz.mutation import mutate
from tests.media.webrtc.calling import Call, Handler, Impatient, Scene, plain, run, until

RTCP = b"\x80\xc9\x00\x01\x00\x00\x00\x07"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("offered", ["actpass", "passive"])
def test_media_flows_both_ways_whoever_is_the_dtls_client(address: str, offered: str) -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.connected(offered)
        assert call.caller.setup == ("active" if offered == "actpass" else "passive")
        call.caller.send_rtp(plain(1))
        call.caller.send_rtcp(RTCP)
        call.callee.send_rtp(plain(2))
        call.callee.send_rtcp(RTCP)
        await until(lambda: call.caller_heard.rtcp and call.callee_heard.rtcp)
        assert (call.callee_heard.rtp, call.caller_heard.rtp) == ([plain(1)], [plain(2)])
        assert (scene.client.traffic.sent, scene.client.traffic.received) == (1, 1)
        assert call.caller.remote_address == f"{address} {scene.mux.port}"

    run(scenario, address=address)


def test_what_is_for_the_offer_is_there_at_once() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.call()
        assert call.caller.setup == "actpass"
        (candidate,) = call.caller.candidates()
        _, *rest = candidate.split()
        assert rest[:2] + rest[3:4] + rest[5:] == ["1", "udp", "127.0.0.1", "typ", "host"]
        assert call.caller.fingerprint == scene.client.certificate.fingerprint
        other = await scene.client.peer(Handler())
        assert other.local != call.caller.local
        assert other.candidates() != call.caller.candidates()  # a socket of its own

    run(scenario)


def test_candidates_may_come_before_the_answer_and_long_after() -> None:
    async def scenario(scene: Scene) -> None:
        early, late = await scene.call(), await scene.call()
        early.trickle()
        await asyncio.sleep(0)
        early.signal()
        late.signal()
        await until(lambda: early.secured)
        assert late.caller.state is TransportState.CHECKING
        late.trickle()
        await until(lambda: late.secured)

    run(scenario)


def test_each_says_goodbye() -> None:
    async def scenario(scene: Scene) -> None:
        ours, theirs = await scene.connected(), await scene.connected()
        ours.caller.close()
        theirs.callee.close()
        await until(lambda: ours.callee_heard.reasons and theirs.caller_heard.reasons)
        assert ours.caller_heard.reasons == theirs.callee_heard.reasons == ["closed"]
        assert ours.callee_heard.reasons == theirs.caller_heard.reasons == ["closed by the peer"]

    run(scenario)


@pytest.mark.parametrize("known", ["nothing", "credentials", "candidates"])
def test_closing_while_it_checks_leaves_nothing_behind(known: str) -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.call()
        if known != "nothing":
            call.signal()
        if known == "candidates":
            call.trickle()
        await asyncio.sleep(0)
        call.caller.close()
        assert call.caller_heard.reasons == ["closed"]
        call.caller.add_candidate(call.callee.candidates()[0])
        await scene.client.tasks.finish()

    run(scenario)


def test_who_never_answers_is_given_up_and_hears_no_client_hello() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.call()
        call.callee.connect(call.caller.local, call.caller.fingerprint, "actpass")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            silent.setblocking(False)
            call.caller.connect(call.callee.local, call.callee.fingerprint, "passive")
            call.caller.add_candidate(f"1 1 udp 1 127.0.0.1 {silent.getsockname()[1]} typ host")
            loop = asyncio.get_running_loop()
            assert stun.parse(await loop.sock_recv(silent, 2048)) is not None
            scene.ahead += CONNECT_TIMEOUT + 1
            await until(lambda: call.caller_heard.reasons)
            assert call.caller_heard.reasons == ["no connection"]
            assert all(data[0] <= 3 for data in waiting(silent))

    run(scenario)


def test_who_hides_is_found_by_its_own_checks() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.call()
        call.callee = await scene.client.peer(Handler(), controlling=False)
        call.signal()
        call.caller.add_candidate("1 1 udp 1 5ac2b1f0-8f8e-4d1d-9f0e-b1c6ddf4b9a1.local 9 typ host")
        call.caller.add_candidate("1 1 udp 1 2001:db8::1 9 typ host")  # we have no IPv6
        call.caller.add_candidate("")
        for candidate in call.caller.candidates():
            call.callee.add_candidate(candidate)
        await until(lambda: call.secured)

    run(scenario)


def test_the_sockets_that_are_not_needed_are_closed_after_a_while() -> None:
    async def scenario(scene: Scene) -> None:
        scene.client.addresses = ("127.0.0.1", "127.0.0.2")
        call = await scene.connected()
        scene.stop_the_clock()
        hosts = {one.split()[4]: int(one.split()[5]) for one in call.caller.candidates()}
        assert all(not free(port, host) for host, port in hosts.items())
        scene.ahead += LINGER + 1
        await until(lambda: any(free(port, host) for host, port in hosts.items()))
        call.caller.send_rtp(plain(1))
        await until(lambda: call.callee_heard.rtp)

    run(scenario)


def test_the_wrong_password_gives_no_path() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.call()
        call.signal(password="x" * 24)
        call.trickle()
        await until(lambda: scene.mux.counters.unauthenticated)
        scene.ahead += CONNECT_TIMEOUT + 1
        await until(lambda: call.caller_heard.reasons)
        assert call.caller_heard.reasons == ["no connection"]
        assert call.caller.remote_address is None

    run(scenario)


def test_the_wrong_certificate_is_not_spoken_to() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.call()
        call.signal(fingerprint=Certificate.generate().fingerprint)
        call.trickle()
        await until(lambda: scene.client.counters.forged)
        assert call.caller.state is TransportState.CHECKING
        call.caller.send_rtp(plain(1))
        assert scene.client.counters.early == 1
        scene.ahead += CONNECT_TIMEOUT + 1
        await until(lambda: call.caller_heard.reasons)
        assert call.caller_heard.reasons == ["no connection"]

    run(scenario, random=Impatient(7))


def test_consent_that_is_not_renewed_ends_it() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.connected()
        for path in scene.mux.links[0].paths.values():  # the server is gone, without a word
            path.send = lambda data, address: None
        scene.stop_the_clock()
        scene.ahead += 0.6 * CONSENT
        await asyncio.sleep(0.25)
        assert call.caller_heard.reasons == []
        scene.ahead += 0.6 * CONSENT
        await until(lambda: call.caller_heard.reasons)
        assert call.caller_heard.reasons == ["no consent"]

    run(scenario)


def test_consent_is_asked_for_and_given() -> None:
    random = Impatient(7)

    async def scenario(scene: Scene) -> None:
        call = await scene.connected()
        scene.stop_the_clock()
        for _ in range(3):
            scene.ahead += 0.6 * CONSENT
            enough = random.asked + 3
            await until(lambda: random.asked >= enough)  # noqa: B023 - waited for at once
        assert call.secured

    run(scenario, random=random)


def test_a_restart_under_traffic_loses_nothing_that_we_were_sent() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.connected()
        number = 0

        async def talk(packets: int) -> None:
            nonlocal number
            for _ in range(packets):
                number += 1
                call.caller.send_rtp(plain(number))
                call.callee.send_rtp(plain(number))
                await asyncio.sleep(0.001)

        await talk(20)
        before, (candidate,) = call.caller.local, call.caller.candidates()
        await call.caller.renew()
        await talk(20)
        assert call.caller.local != before
        assert call.caller.candidates() != [candidate]
        remote = call.callee.restart(call.caller.local)
        call.caller.restart(remote)
        call.trickle()
        await talk(20)
        await until(lambda: len(scene.mux.register.agents) == 1)
        await talk(20)
        sent = [plain(one + 1) for one in range(number)]
        await until(lambda: len(call.caller_heard.rtp) == number)
        assert sorted(call.caller_heard.rtp) == sent
        # The server lets go of the old address when we nominate, so it loses what was on its way just then.
        await until(lambda: call.callee_heard.rtp[-1] == sent[-1])
        assert len(call.callee_heard.rtp) >= number - 3
        assert (call.caller_heard.connections, call.callee_heard.connections) == (1, 1)

    run(scenario)


def test_the_old_socket_is_closed_a_while_after_a_restart() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.connected()
        scene.stop_the_clock()
        port = port_of(call)
        await call.caller.renew()
        call.caller.restart(call.callee.restart(call.caller.local))
        call.trickle()
        await until(lambda: len(scene.mux.register.agents) == 1)
        assert not free(port)
        while not free(port):  # it lingers from when we hear that the server agrees
            scene.ahead += LINGER + 1
            await asyncio.sleep(0.15)
        assert call.secured

    run(scenario)


def test_a_restart_revives_what_was_about_to_end() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.connected()
        scene.stop_the_clock()
        scene.ahead += 0.6 * CONSENT
        await call.caller.renew()
        local = call.callee.restart(call.caller.local)
        call.caller.restart(local)
        scene.ahead += 0.6 * CONSENT
        await asyncio.sleep(0.25)
        assert call.caller_heard.reasons == []

    run(scenario)


def test_a_restart_that_is_overtaken_or_closed_leaves_nothing_behind() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.connected()
        await call.caller.renew()
        await call.caller.renew()
        call.caller.restart(call.callee.restart(call.caller.local))
        call.trickle()
        await until(lambda: len(scene.mux.register.agents) == 1)
        renewing = asyncio.ensure_future(call.caller.renew())
        await asyncio.sleep(0)
        call.caller.close()
        await renewing
        with pytest.raises(TransportError, match="cannot restart while CLOSED"):
            await call.caller.renew()

    run(scenario)


def test_a_restart_begins_with_renew() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.call()
        with pytest.raises(TransportError, match="cannot restart while NEW"):
            await call.caller.renew()
        call.signal()
        with pytest.raises(TransportError, match="renew"):
            call.caller.restart(call.callee.local)

    run(scenario)


def test_an_address_that_is_not_ours_is_an_error_and_leaves_nothing_behind() -> None:
    async def scenario(scene: Scene) -> None:
        scene.client.addresses = ("127.0.0.1", "192.0.2.77")
        with pytest.raises(OSError, match="assign"):
            await scene.call()
        assert scene.client.peers == set()

    run(scenario)


def test_who_gives_up_while_gathering_leaves_nothing_behind() -> None:
    async def scenario(scene: Scene) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            server = TurnServer("127.0.0.1", silent.getsockname()[1], "user", "secret")
            gathering = asyncio.ensure_future(scene.call([server]))
            silent.setblocking(False)
            await asyncio.get_running_loop().sock_recv(silent, 2048)
            gathering.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gathering

    run(scenario)


def test_a_lite_client_is_a_mux_of_its_own_and_may_restart_too() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.call()
        lite, full = call.callee, call.caller
        assert lite.setup == "actpass"
        full.connect(lite.local, lite.fingerprint, "actpass")
        lite.connect(full.local, full.fingerprint, full.setup)
        call.trickle()
        await until(lambda: call.secured)
        before = lite.local
        await lite.renew()
        offered = lite.local
        assert offered != before
        await full.renew()
        lite.restart(full.restart(offered))
        assert lite.local == offered
        call.trickle()
        await until(lambda: list(scene.mux.register.agents) == [offered.ufrag.encode()])
        lite.send_rtp(plain(0))
        await until(lambda: call.caller_heard.rtp)
        number = 0
        while not call.callee_heard.rtp:  # what is on its way to the old address just then is lost
            number += 1
            full.send_rtp(plain(number))
            await asyncio.sleep(0.002)

    run(scenario)


def test_a_server_that_answers_nonsense_gives_no_candidate() -> None:
    async def scenario(scene: Scene) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nonsense:
            nonsense.bind(("127.0.0.1", 0))
            nonsense.setblocking(False)
            server = StunServer("127.0.0.1", nonsense.getsockname()[1])
            gathering = asyncio.ensure_future(scene.call([server, StunServer("a..b")]))
            asked: list[tuple[bytes, tuple[str, int]]] = []

            def come() -> bool:
                with contextlib.suppress(BlockingIOError):
                    asked.append(nonsense.recvfrom(2048))
                return bool(asked)

            await until(come)
            ((question, address),) = asked
            key = question[8:20]
            for data in (
                b"\x01\x01" + question[2:-1],
                stun.write(stun.MessageType.SUCCESS, key, (), None),
            ):
                nonsense.sendto(data, address)
            call = await gathering
        assert len(call.caller.candidates()) == 1

    run(scenario)


async def two_clients(scene: Scene, *, controlling: bool) -> tuple[Call, Handler]:
    """A call between two full agents."""
    call = await scene.call()
    heard = Handler()
    call.callee = await scene.client.peer(heard, controlling=controlling)
    call.signal()
    call.trickle()
    for candidate in call.caller.candidates():
        call.callee.add_candidate(candidate)
    await until(lambda: call.secured)
    return call, heard


@pytest.mark.parametrize("controlling", [False, True])
def test_two_full_agents_find_each_other_even_if_both_want_to_control(controlling: bool) -> None:
    async def scenario(scene: Scene) -> None:
        call, heard = await two_clients(scene, controlling=controlling)
        call.caller.send_rtp(plain(1))
        call.callee.send_rtp(plain(2))
        await until(lambda: call.caller_heard.rtp and heard.rtp)

    run(scenario)


def waiting(bound: socket.socket) -> list[bytes]:
    """What has come by now."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(bound.recv(2048))
    return found


def port_of(call: Call) -> int:
    return int(call.caller.candidates()[0].split()[5])


def free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def test_strangers_are_neither_heard_nor_answered() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.connected()
        name = f"{call.caller.local.ufrag}:{call.callee.local.ufrag}".encode()
        forged = (
            stun.request(bytes(12), name, 1, 1, b"x" * 24, controlling=False),
            stun.write(stun.MessageType.SUCCESS, bytes(12), (), b"x"),
            stun.write(stun.MessageType.ERROR, bytes(12), (), None),
            b"\x16\xfe\xfd" + bytes(10),
            plain(1) + bytes(16),
            b"",
            b"\xff",
            b"\x00\x01" + bytes(18),
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.connect(("127.0.0.1", port_of(call)))
            stranger.setblocking(False)
            for data in forged:
                stranger.send(data)
            counters = scene.client.counters
            await until(lambda: counters.malformed == 3 and counters.unknown >= 4)
            assert (counters.unauthenticated, counters.failed) == (1, 0)
            with pytest.raises(BlockingIOError):
                stranger.recv(2048)
        assert call.secured
        assert call.caller_heard.rtp == []

    run(scenario)


def test_forged_and_replayed_media_from_the_right_address_is_dropped() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.connected()
        (link,) = scene.mux.links
        address = ("127.0.0.1", port_of(call))
        for data in (plain(1) + bytes(16), b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"):
            link.socket.sendto(data, address)
        await until(lambda: scene.client.counters.undecryptable)
        call.callee.send_rtp(plain(2))
        await until(lambda: call.caller_heard.rtp)
        assert call.caller_heard.rtp == [plain(2)]
        assert call.secured

    run(scenario)


def test_what_comes_before_the_keys_is_counted() -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.call()
        call.signal()
        call.caller.send_rtp(plain(1))
        assert scene.client.counters.early == 1

    run(scenario)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1 << 32))
def test_mutilated_datagrams_from_anywhere_do_no_harm(seed: int) -> None:
    async def scenario(scene: Scene) -> None:
        call = await scene.connected()
        random = Random(seed)
        name = f"{call.caller.local.ufrag}:{call.callee.local.ufrag}".encode()
        key = call.caller.local.password.encode()
        models = [
            stun.request(bytes(12), name, 1, 1, key, controlling=False),
            stun.write(stun.MessageType.SUCCESS, bytes(12), (), call.callee.local.password.encode()),
            plain(9) + bytes(16),
            b"\x16\xfe\xfd" + bytes(30),
        ]
        (link,) = scene.mux.links
        address = ("127.0.0.1", port_of(call))
        for _ in range(100):
            data = mutate(models, random)[:2000]
            if data not in models:
                link.socket.sendto(data, address)
        sent = [plain(number) for number in range(500)]
        for packet in sent:  # a full socket loses some
            if not call.caller_heard.rtp:
                call.callee.send_rtp(packet)
                await asyncio.sleep(0.01)
        assert call.caller_heard.rtp
        assert set(call.caller_heard.rtp) <= set(sent)
        assert call.secured

    run(scenario, random=SystemRandom())


def test_a_bug_in_one_handler_ends_that_peer_alone() -> None:
    class Faulty(Handler):
        def rtp_received(self, packet: bytes, now: float) -> None:
            raise ZeroDivisionError

    async def scenario(scene: Scene) -> None:
        bad, good = await scene.connected(), await scene.connected()
        faulty = bad.caller.handler = Faulty()
        bad.callee.send_rtp(plain(1))
        good.callee.send_rtp(plain(1))
        await until(lambda: faulty.reasons and good.caller_heard.rtp)
        assert faulty.reasons == ["internal error"]
        assert good.secured
        assert scene.client.counters.failed == 1
        scene.client.counters.failed = 0  # this one was meant

    run(scenario)
