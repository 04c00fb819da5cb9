"""ICE in the client's role: a full agent, which checks, nominates and asks for consent (RFC 8445, RFC 7675).

It is as many :class:`~media.webrtc.checks.Checks` as there are generations: the one that carries media, and
during an ICE restart the next, with new credentials and new sockets. What comes is taken from all proven
addresses of both; what we send goes by the *selected* path, the first that is proven, until one is nominated
(section 12.1). Nominated under new credentials it ends the restart; the old generation is kept for 3 s more,
for what is on its way (section 8.3).

The handshake begins with the nomination, although a path is proven a round trip earlier: the peer may not
have proved it yet, and drops a ClientHello that comes too early; the next would come a second later.

Consent is the peer's authentic requests and its answers to ours on the selected path: 15 s without either end
it. A restart has 15 s too, however long the old path has been silent.
"""

from collections.abc import Callable, Sequence
from typing import Final

from media.latch import Address
from media.webrtc.checks import Checks, read_candidate
from media.webrtc.path import CONSENT, Generation, IceParameters, Path, Peer
from media.webrtc.servers import StunServer, TurnServer
from media.webrtc.states import TransportError
from media.webrtc.wire import Client, Wire

LINGER: Final = 3.0  # s that an old generation still listens


class FullAgent:
    """One peer's paths. ``renew`` first, then ``belong``."""

    def __init__(
        self, client: Client, servers: Sequence[StunServer | TurnServer], *, controlling: bool
    ) -> None:
        self.selected: Path | None = None
        self.on_selected: Callable[[Path | None, float], None] = lambda path, now: None
        self.consent_at: float | None = None  # None until there is a path
        self._client = client
        self._servers = servers
        self._controlling = controlling
        self._peer: Peer
        self._generations: list[Checks] = []  # the one that carries, and the newest
        self._retired: list[tuple[float, Checks]] = []  # and when they go
        self._settle_at: float | None = None  # when the wires that are not selected go
        self._closed = False

    def belong(self, peer: Peer) -> "FullAgent":
        """Work for that peer from now on."""
        self._peer = peer
        return self

    @property
    def local(self) -> IceParameters:
        """What to tell the peer."""
        return self._newest.generation.local

    @property
    def _newest(self) -> Checks:
        return self._generations[-1]

    def candidates(self) -> list[str]:
        """The values of ``a=candidate``."""
        return [candidate.to_sdp() for candidate in self._newest.local_candidates]

    def connect(self, remote: IceParameters) -> None:
        """Begin to check."""
        self._client.tasks.spawn(self._newest.begin(remote))

    def add_candidate(self, value: str) -> None:
        """Check that one too."""
        candidate = read_candidate(value)
        if candidate is not None:
            self._client.tasks.spawn(self._newest.take(candidate))

    async def renew(self) -> None:
        """Open a new generation; what carries goes on carrying."""
        number = self._newest.generation.number + 1 if self._generations else 0
        generation = Generation(IceParameters.generate(self._client.random), number)
        checks = Checks(self, self._client, self._servers, generation, controlling=self._controlling)
        try:
            await checks.gather_candidates()
        except BaseException:
            self._client.tasks.spawn(checks.close())
            raise
        if self._closed:
            self._client.tasks.spawn(checks.close())
            return
        while len(self._generations) > 1:  # a restart that was never finished
            self._client.tasks.spawn(self._generations.pop().close())
        self._generations.append(checks)

    def restart(self, remote: IceParameters) -> None:
        """Begin to check anew."""
        if self._newest.generation.remote is not None:
            raise TransportError("a restart in the client's role begins with renew()")
        if self.consent_at is not None:
            self.consent_at = self._client.clock()
        self.connect(remote)

    def tick(self, now: float) -> bool:
        """Let go of what is not needed any more; False when consent has run out."""
        while self._retired and now >= self._retired[0][0]:
            self._client.tasks.spawn(self._retired.pop(0)[1].close())
        if self._settle_at is not None and now >= self._settle_at and self.selected is not None:
            self._settle_at = None
            self._generations[0].keep(self.selected.link)
        return self.consent_at is None or now - self.consent_at <= CONSENT

    def lost(self, path: Path, now: float) -> None:
        """A relay is gone."""
        path.link.paths.pop(path.address, None)
        if path is self.selected:
            self.selected = None
            self.on_selected(None, now)

    def close(self) -> None:
        """Give everything back."""
        self._closed = True
        self.selected = None
        for checks in self._generations + [checks for _, checks in self._retired]:
            self._client.tasks.spawn(checks.close())
        self._retired.clear()

    # What the checks have found (media.webrtc.checks.Verdicts)

    def proven(self, checks: Checks, wire: Wire, address: Address) -> None:
        """Take media from there, and send it there if there is nothing better yet."""
        if self._closed:
            return
        now = self._client.clock()
        if address not in wire.paths:
            path = wire.paths[address] = Path(self, self._peer, wire, address, checks.generation, now)
            path.proven = True
            self.selected = self.selected or path
        self.asked(wire, address)

    def nominated(self, checks: Checks, wire: Wire, address: Address) -> None:
        """Send it there; older generations retire."""
        path, current = wire.paths.get(address), self.selected
        if path is None or (current and current.generation.number > checks.generation.number):
            return
        now = self.consent_at = self._client.clock()
        while self._generations[0].generation.number < checks.generation.number:
            self._retired.append((now + LINGER, self._generations.pop(0)))
        self.selected = path
        self._settle_at = now + LINGER if self._controlling else None  # else the peer may change its mind
        self.on_selected(path, now)

    def asked(self, wire: Wire, address: Address) -> None:
        """The peer consents still, if that is where we send to."""
        if self.selected is not None and wire.paths.get(address) is self.selected:
            self.consent_at = self._client.clock()
