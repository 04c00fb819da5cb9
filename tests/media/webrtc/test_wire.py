"""What of the STUN that comes is shown to aioice."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import aioice
import pytest

from media.latch import Address
from media.webrtc import stun
from media.webrtc.checks import Checks
from media.webrtc.client import MediaClient
from media.webrtc.path import Generation, IceParameters
from media.webrtc.stun import Attribute, MessageType
from media.webrtc.wire import MAX_CANDIDATES, Wire

PEER: Address = ("192.0.2.1", 4000)
STRANGER: Address = ("192.0.2.66", 4000)
THEIRS = IceParameters("theirs00", "p" * 24)


class Verdicts:
    """Notes what the checks find."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Address]] = []

    def proven(self, checks: Checks, wire: Wire, address: Address) -> None:
        self.found.append(("proven", address))

    def nominated(self, checks: Checks, wire: Wire, address: Address) -> None:
        self.found.append(("nominated", address))

    def asked(self, wire: Wire, address: Address) -> None:
        self.found.append(("asked", address))


class FakeWire(Wire):
    """What is sent waits in ``sent``."""

    def __init__(self, checks: Checks) -> None:
        super().__init__(checks, 1)
        self.sent: list[tuple[bytes, Address]] = []
        self.local_candidate = aioice.Candidate("1", 1, "udp", 1, "192.0.2.9", 9, "host")

    def send(self, data: bytes, address: Address, /) -> None:
        self.sent.append((data, address))

    async def close(self) -> None:
        pass


class Bench:
    """A wire, the checks behind it, and the peer's half of the credentials."""

    def __init__(self, client: MediaClient) -> None:
        self.now = 0.0
        self.client = client
        self.counters = client.counters
        self.verdicts = Verdicts()
        self.generation = Generation(IceParameters.generate(Random(1)), 0)
        self.checks = Checks(self.verdicts, client, (), self.generation, controlling=True)
        self.wire = FakeWire(self.checks)

    def request(
        self,
        *,
        to: str = "",
        sender: str = THEIRS.ufrag,
        key: bytes | None = None,
        leave_out: Attribute | None = None,
        extra: tuple[tuple[int, bytes], ...] = (),
    ) -> bytes:
        attributes: list[tuple[int, bytes]] = [
            (Attribute.USERNAME, f"{to or self.generation.local.ufrag}:{sender}".encode()),
            (Attribute.PRIORITY, bytes(4)),
            (Attribute.ICE_CONTROLLED, bytes(8)),
            *extra,
        ]
        attributes = [one for one in attributes if one[0] != leave_out]
        return stun.write(MessageType.REQUEST, bytes(12), attributes, key or self.generation.local_key)

    async def ask(self, address: tuple[str, int]) -> tuple[aioice.stun.Message, "asyncio.Task[object]"]:
        """Let aioice ask that address; what it asks, and the wait for the answer."""
        asking = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST)
        key = self.generation.remote_key
        task: asyncio.Task[object] = asyncio.ensure_future(self.wire.request(asking, address, key))
        await asyncio.sleep(0)
        return asking, task


def run(scenario: Callable[[Bench], Awaitable[None]], *, known: bool = True) -> None:
    async def whole() -> None:
        client = MediaClient(asyncio.get_running_loop(), (), clock=lambda: bench.now, random=Random(2))
        bench = Bench(client)
        if known:
            bench.generation.connect(THEIRS)
            bench.checks.remote_username, bench.checks.remote_password = THEIRS.ufrag, THEIRS.password
        await scenario(bench)
        await bench.checks.close()
        assert bench.counters.failed == 0

    asyncio.run(whole())


@pytest.mark.parametrize("known", [True, False])
def test_a_request_of_the_peer_is_answered(known: bool) -> None:
    async def scenario(bench: Bench) -> None:
        bench.wire.stun_received(bench.request(), PEER)
        ((answer, address),) = bench.wire.sent
        message = stun.parse(answer)
        assert message is not None
        assert (message.type, address) == (MessageType.SUCCESS, PEER)
        assert message.authenticates(bench.generation.local_key)

    run(scenario, known=known)


def test_requests_that_are_not_the_peers_are_counted_and_not_answered() -> None:
    async def scenario(bench: Bench) -> None:
        for data in (
            bench.request(to="other000"),
            bench.request(sender="stranger"),
            bench.request(key=b"x" * 24),
            bench.request(leave_out=Attribute.USERNAME),
            stun.write(MessageType.REQUEST, bytes(12), ((Attribute.PRIORITY, bytes(4)),), None),
        ):
            bench.wire.stun_received(data, PEER)
        assert bench.counters.unauthenticated == 5
        for data in (
            bench.request(leave_out=Attribute.PRIORITY),  # aioice would raise KeyError
            bench.request(
                leave_out=Attribute.PRIORITY, extra=((Attribute.PRIORITY, bytes(3)),)
            ),  # struct.error
            bench.request()[:-4],
            b"\x00\x01",
            b"",
        ):
            bench.wire.stun_received(data, PEER)
        assert bench.counters.malformed == 5
        bench.wire.stun_received(stun.write(MessageType.INDICATION, bytes(12), (), None), PEER)
        assert bench.wire.sent == []

    run(scenario)


def test_a_flood_of_addresses_is_bounded() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.checks.gather_candidates()
        checking = asyncio.ensure_future(bench.checks.begin(THEIRS))
        await asyncio.sleep(0)
        for port in [*range(1000, 1000 + 2 * MAX_CANDIDATES), 1000]:
            bench.wire.stun_received(bench.request(), ("192.0.2.1", port))
        answers = [address for data, address in bench.wire.sent if data[:2] == b"\x01\x01"]
        assert len(answers) == MAX_CANDIDATES + 1
        assert answers[-1] == answers[0]
        assert bench.counters.refused == MAX_CANDIDATES
        await bench.checks.close()
        await checking

    run(scenario)


def test_an_authentic_answer_from_whom_we_asked_proves_the_address() -> None:
    async def scenario(bench: Bench) -> None:
        asking, task = await bench.ask(("192.0.2.1", 4000))
        key = bench.generation.remote_key
        answer = stun.write(MessageType.SUCCESS, asking.transaction_id, (), key)
        forged = stun.write(MessageType.SUCCESS, asking.transaction_id, (), b"x" * 24)
        other = stun.write(MessageType.SUCCESS, bytes(12), (), key)
        odd = stun.write(MessageType.SUCCESS, asking.transaction_id, ((Attribute.ERROR_CODE, b"1"),), key)
        for data, address in ((forged, PEER), (answer, STRANGER), (other, PEER), (odd, PEER)):
            bench.wire.stun_received(data, address)
            assert not task.done()
        assert (bench.counters.unknown, bench.counters.malformed) == (2, 1)
        assert bench.verdicts.found == []
        bench.wire.stun_received(answer, PEER)
        await task
        assert bench.verdicts.found == [("proven", PEER)]
        bench.wire.stun_received(answer, PEER)  # once more
        assert bench.counters.unknown == 3

    run(scenario)


def test_a_peer_that_always_finds_a_conflict_of_roles_is_not_believed_for_ever() -> None:
    async def scenario(bench: Bench) -> None:
        for number in range(5):
            asking, task = await bench.ask(("192.0.2.1", 4000))
            asked = stun.parse(bytes(asking))
            assert asked is not None
            conflict = stun.error(asked, stun.ROLE_CONFLICT, "Role Conflict", bench.generation.remote_key)
            bench.wire.stun_received(conflict, PEER)
            await asyncio.sleep(0)
            assert task.done() == (number < 3)
            task.cancel()
            await asyncio.wait([task])
        assert bench.counters.refused == 2
        assert bench.verdicts.found == []

    run(scenario)


def test_what_the_kernel_will_not_take_is_counted() -> None:
    async def scenario(bench: Bench) -> None:
        def full(data: bytes, address: Address, /) -> None:
            raise BlockingIOError

        bench.wire.send = full  # type: ignore[method-assign]
        bench.wire.stun_received(bench.request(), PEER)
        assert bench.counters.unsent == 1

    run(scenario)
