"""One generation of a full agent: its candidates, its checks, its consent, by aioice (RFC 8445, RFC 8838).

aioice pairs, checks and nominates. What is different here:

- The addresses are the ones we are told, loopback included, each with a socket of its own (``wire``), and
  there may be several TURN servers. Who answers within 3 s is waited for.
- A pair is nominated once it has worked, and then no other (regular nomination); aioice would nominate every
  one that works, unless the peer is lite.
- Candidates of the peer are numbers: a name is passed over, ``.local`` above all, for which aioice would
  shout in the local network.
- aioice is never told that there are no more of them: the peer may yet be found by its own checks (RFC 8863).
- Consent: the nominated path is asked every 4 to 6 s (RFC 7675 section 5.1), each time up to three times.
"""

import asyncio
import socket
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final, Protocol

import aioice
import structlog
from aioice.candidate import candidate_foundation
from aioice.ice import CandidatePair, StunProtocol, server_reflexive_candidate
from aioice.stun import TransactionError

from media.latch import Address
from media.webrtc.path import Generation, IceParameters
from media.webrtc.relay import allocate
from media.webrtc.servers import StunServer, TurnServer
from media.webrtc.udp import bind
from media.webrtc.wire import MAX_CANDIDATES, Checker, Client, UdpWire, Wire

GATHER_TIMEOUT: Final = 3.0  # s that STUN and TURN servers have
CONSENT_INTERVAL: Final = 5.0  # s, and 20 % more or less
BUFFER: Final = 256 * 1024  # octets asked of the kernel, each way
_CONSENT_RETRANSMISSIONS: Final = 2
_HOST, _RELAY = 126, 0  # type preferences (RFC 8445 section 5.1.2.2)
_TYPES: Final = frozenset(("host", "srflx", "prflx", "relay"))

logger = structlog.get_logger(__name__)


class Verdicts(Protocol):
    """Who is told what the checks have found."""

    def proven(self, checks: "Checks", wire: Wire, address: Address) -> None:
        """The peer answers there, to a check or when it is asked for consent."""

    def nominated(self, checks: "Checks", wire: Wire, address: Address) -> None:
        """Both sides have agreed on that way."""

    def asked(self, wire: Wire, address: Address) -> None:
        """The peer asks us from there."""


class Checks(Checker):
    """``generation`` has the credentials."""

    def __init__(
        self,
        verdicts: Verdicts,
        client: Client,
        servers: Sequence[StunServer | TurnServer],
        generation: Generation,
        *,
        controlling: bool,
    ) -> None:
        local = generation.local
        super().__init__(controlling, local_username=local.ufrag, local_password=local.password)
        self.remote_is_lite = True  # see above: nominate one
        self.generation = generation
        self._verdicts = verdicts
        self.client = client
        self._servers = servers
        self._pair: CandidatePair | None = None  # the nominated one
        self._told = 0  # candidates
        self._over = False

    def begin(self, remote: IceParameters) -> Coroutine[Any, Any, None]:
        """Take the peer's credentials, and return what is to be done: check until there is a nominated path.

        From then on consent is asked for, until :meth:`close`.
        """
        self.generation.connect(remote)
        self.remote_username, self.remote_password = remote.ufrag, remote.password
        return self._run()

    async def _run(self) -> None:
        with suppress(ConnectionError):  # closed meanwhile
            await self.connect()

    async def take(self, candidate: aioice.Candidate) -> None:
        """Check that candidate of the peer too."""
        if self._told < MAX_CANDIDATES:
            self._told += 1
            await self.add_remote_candidate(candidate)

    def keep(self, wire: object) -> None:
        """Give all other wires back: relays cost their server something (RFC 8445 section 8.3)."""
        others = [one for one in self._protocols if one is not wire]
        self._protocols = [one for one in self._protocols if one is wire]
        for one in others:
            self.client.tasks.spawn(one.close())

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ASYNC109 - ours are per server
    ) -> list[aioice.Candidate]:
        """Open what we can be reached by; aioice asks for it while it gathers."""
        hosts = [self._host(index, address) for index, address in enumerate(self.client.addresses)]
        work = []
        for index, server in enumerate(self._servers):
            if isinstance(server, TurnServer):
                work.append(_in_time(server, self._relay(index, server)))
            else:
                ours = [wire for wire in hosts if wire.socket.family == socket.AF_INET]
                work += [_in_time(server, self._reflexive(wire, server)) for wire in ours]
        found = await asyncio.gather(*work)
        return [wire.local_candidate for wire in hosts] + [one for one in found if one is not None]

    async def close(self) -> None:
        """Close all wires, and end what is under way."""
        self._over = True
        await super().close()

    def check_complete(self, pair: CandidatePair) -> None:
        """A check has ended."""
        super().check_complete(pair)
        wire = pair.protocol
        if pair.nominated and pair.state is CandidatePair.State.SUCCEEDED and isinstance(wire, Wire):
            self._pair = pair
            self._verdicts.nominated(self, wire, wire.address(pair.remote_addr))

    def answered(self, wire: Wire, address: Address) -> None:
        """The peer has answered, authentically."""
        self._verdicts.proven(self, wire, address)

    def check_incoming(
        self, message: aioice.stun.Message, addr: tuple[str, int], protocol: StunProtocol
    ) -> None:
        """The peer checks a path, authentically."""
        super().check_incoming(message, addr, protocol)
        if isinstance(protocol, Wire):
            self._verdicts.asked(protocol, protocol.address(addr))

    def data_received(self, data: bytes, component: int) -> None:
        """Nothing comes this way: see ``media.webrtc.peers``."""

    async def query_consent(self) -> None:
        """Ask whether the peer still wants what we send."""
        while not self._over:  # aioice begins to ask even if it was closed in the moment of success
            await asyncio.sleep(CONSENT_INTERVAL * self.client.random.uniform(0.8, 1.2))
            pair = self._pair
            if pair is None:
                continue
            request = self.build_request(pair, nominate=False)
            key = self.generation.remote_key
            with suppress(TransactionError):
                await pair.protocol.request(request, pair.remote_addr, key, _CONSENT_RETRANSMISSIONS)

    def _host(self, index: int, address: str) -> UdpWire:
        bound = bind(address, 0, socket.SOCK_DGRAM, BUFFER)
        priority = _priority(_HOST, index)
        wire = UdpWire(bound, self, priority)
        host, port = bound.getsockname()[:2]
        wire.local_candidate = _candidate("host", host, port, priority)
        self._protocols.append(wire)
        return wire

    async def _reflexive(self, wire: UdpWire, server: StunServer) -> aioice.Candidate | None:
        candidate, _ = await server_reflexive_candidate(wire, (server.host, server.port))
        known = wire.local_candidate
        return None if (candidate.host, candidate.port) == (known.host, known.port) else candidate

    async def _relay(self, index: int, server: TurnServer) -> aioice.Candidate:
        priority = _priority(_RELAY, index)
        wire, (host, port) = await allocate(server, self, priority)
        wire.local_candidate = _candidate("relay", host, port, priority, wire.related)
        self._protocols.append(wire)
        return wire.local_candidate


def read_candidate(value: str) -> aioice.Candidate | None:
    """Read an ``a=candidate`` of the peer; None if it cannot be checked."""
    try:
        candidate = aioice.Candidate.from_sdp(value.removeprefix("a=").removeprefix("candidate:"))
        address = ip_address(candidate.host)  # not a name, .local above all
    except ValueError:
        return None
    usable = (
        candidate.component == 1
        and candidate.transport.lower() == "udp"
        and candidate.type in _TYPES
        and 0 < candidate.port < 65536
        and not (address.is_unspecified or address.is_multicast or "%" in candidate.host)
    )
    return candidate if usable else None


async def _in_time(
    server: StunServer | TurnServer, work: Coroutine[Any, Any, aioice.Candidate | None]
) -> aioice.Candidate | None:
    """A server that fails, is silent or answers nonsense must not keep the others."""
    try:
        return await asyncio.wait_for(work, GATHER_TIMEOUT)
    except (TimeoutError, OSError, TransactionError, LookupError, ValueError) as error:
        problem = str(error) or type(error).__name__
        logger.info("A STUN or TURN server gave no candidate", server=server.host, error=problem)
        return None


def _priority(preference: int, index: int) -> int:
    return preference << 24 | (65535 - index) << 8 | 255


def _candidate(
    kind: str, host: str, port: int, priority: int, related: tuple[str, int] | None = None
) -> aioice.Candidate:
    foundation = candidate_foundation(kind, "udp", host)
    return aioice.Candidate(foundation, 1, "udp", priority, host, port, kind, *(related or (None, None)))
