"""ICE in the server's role: which addresses are the peer's, and which one we send to (RFC 8445, ICE-lite).

The peer checks, we answer; its candidates are not even read, so nothing is resolved or probed. A Binding
request under our password shows that its sender was told of us by signalling. It does not show where the
sender is, since source addresses are easily forged. So a path goes through two stages, and only proven ones
carry anything but STUN::

    request with our password        our own Binding request is answered
    ─────────────────────────► PENDING ─────────────────────────────────► PROVEN ──┐
                                  │                                                │ 15 s without an
                                  └──────────────────► gone ◄──────────────────────┘ authenticated message

- To a pending address go at most three times the octets that came from it.
- A proven address belongs to its peer until it is gone: others' requests from it are dropped, whatever
  their password, and a pending one holds no address at all.
- Media is taken from all proven paths and sent on the *selected* one: nominated before not nominated, then
  the highest NOMINATION (renomination, where the peer does it), then the highest pair priority. Firefox
  nominates every pair that works; following each USE-CANDIDATE would make media flip to and fro.
- A path that has been silent for 1.5 s yields to one that has not. So that silence means something, the
  selected path is asked by a Binding request of ours when it has been silent for 0.5 s and others have not.
- *Consent* (RFC 7675): 15 s without an authenticated request or answer on any path ends the peer. Halfway
  there we ask ourselves, so that a few lost requests of the peer do not end it.
- *Restart* (section 9): from then on the new credentials are good, and the old ones too until the peer
  nominates under the new; then what stands on the old ones goes. Until it has our answer a browser checks by
  new credentials of its own under old ones of ours, perhaps before its offer is here. Chromium may nominate
  such a pair, and stay with it.

The agent does no I/O but ``Link.send``; time is an argument, in seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from media.latch import Address
from media.webrtc import stun
from media.webrtc.path import (
    CONSENT,
    FIRST_RETRANSMISSION,
    Counters,
    Generation,
    IceParameters,
    Link,
    Path,
    Peer,
    pair_priority,
)
from media.webrtc.stun import Attribute, MessageType

__all__ = ["CONSENT", "IceAgent", "IceParameters", "Register"]

ALIVE: Final = 1.5  # s of silence after which a path yields to a living one
ASK_AFTER: Final = 0.5  # s of silence after which the selected path is asked, if there are others
AMPLIFICATION: Final = 3  # octets sent for one received, until the address is proven
MAX_PATHS: Final = 32  # of one peer; a flood of forged sources must not fill our memory


@dataclass(slots=True)
class Register:
    """What the agents of one mux share: how STUN finds the one it is for."""

    counters: Counters
    agents: dict[bytes, "IceAgent"] = field(default_factory=dict)  # by our ufrag
    checks: dict[bytes, Path] = field(default_factory=dict)  # by the transaction of our request


class IceAgent:
    """One peer's paths. ``selected`` is the one to send on, None before any is proven."""

    def __init__(
        self, peer: Peer, register: Register, random: Random, candidates: Sequence[str] = ()
    ) -> None:
        self.peer = peer
        self.selected: Path | None = None
        self.consent_at: float | None = None  # None until the first path is proven
        self.on_selected: Callable[[Path | None, float], None] = lambda path, now: None
        self._register = register
        self._random = random
        self._candidates = candidates
        self._tie_breaker = random.getrandbits(64)
        self._paths: dict[tuple[int, Address], Path] = {}
        self._generations: list[Generation] = []  # the nominated one, the newest, and those between in use
        self._renew()

    @property
    def generation(self) -> Generation:
        """The newest credentials."""
        return self._generations[-1]

    @property
    def local(self) -> IceParameters:
        """What to tell the peer."""
        return self.generation.local

    @property
    def paths(self) -> tuple[Path, ...]:
        """Pending and proven."""
        return tuple(self._paths.values())

    def candidates(self) -> list[str]:
        """The values of ``a=candidate``, the same for every peer."""
        return list(self._candidates)

    def connect(self, remote: IceParameters) -> None:
        """Take note of the peer's credentials."""
        self.generation.connect(remote)

    def add_candidate(self, value: str) -> None:
        """Not read: the peer checks, and so shows where it is."""

    async def renew(self) -> None:
        """Make new credentials; the old ones stay good until the peer nominates under the new."""
        self._begin_restart()

    def restart(self, remote: IceParameters) -> None:
        """Take the peer's new credentials, and make our own, unless that was done."""
        if self.generation.remote is not None:
            self._begin_restart()
        self.generation.connect(remote)
        for path in self._paths.values():
            self._recognise(path)

    def close(self) -> None:
        """Give all addresses and names back."""
        for path in self.paths:
            self._drop(path)
        for generation in self._generations:
            self._forget(generation)
        self.selected = None

    def request(self, message: stun.Message, link: Link, address: Address, now: float) -> None:
        """Take a Binding request that names one of our ufrags."""
        counters = self._register.counters
        generation = self._generation_of(message)
        if generation is None or not message.authenticates(generation.local_key):
            counters.unauthenticated += 1
            return
        path = self._path(link, address, generation, now)
        if path is None:
            counters.refused += 1
            return
        if message.username:
            path.named = message.username[1]
            self._recognise(path)
        path.budget += AMPLIFICATION * len(message.data)
        if message.unknown:
            answer = stun.error(message, stun.UNKNOWN_ATTRIBUTE, "Unknown Attribute", generation.local_key)
        elif Attribute.ICE_CONTROLLED in message.attributes:  # who is lite cannot be the controlling one
            answer = stun.error(message, stun.ROLE_CONFLICT, "Role Conflict", generation.local_key)
        else:
            answer = stun.success(message, address, generation.local_key)
            self._heard(path, message, generation, now)
        self._send(path, answer)
        if not path.proven and not path.check:
            self._ask(path, now)
        self._select(now)

    def response(self, message: stun.Message, path: Path, now: float) -> None:
        """Take the answer to a request of ours that was sent on ``path``, and came back on it."""
        if message.type is not MessageType.SUCCESS or not message.authenticates(path.theirs.remote_key):
            self._register.counters.unauthenticated += 1
            return
        self._answered(path)
        if not path.proven:
            if path.address in path.link.paths:  # somebody else was quicker
                self._register.counters.refused += 1
                self._remove(path)
                return
            path.proven = True
            path.link.paths[path.address] = path
        path.heard_at = path.consent_at = self.consent_at = now
        self._select(now)

    def tick(self, now: float) -> bool:
        """Retransmit, let go of what is silent, choose; False when consent has run out. Call it often."""
        for path in self.paths:
            if now - path.consent_at > CONSENT:
                self._remove(path)
            elif now - path.checked_at >= path.retransmission and (
                path.check or (path is self.selected and now - path.consent_at > CONSENT / 2)
            ):
                self._ask(path, now)
        self._select(now)
        return self.consent_at is None or now - self.consent_at <= CONSENT

    def lost(self, path: Path, now: float) -> None:
        """A TCP connection is gone, and the path with it."""
        self._remove(path)
        self._select(now)

    def _begin_restart(self) -> None:
        """Make new credentials; older ones are forgotten that nobody uses, nor has only just been told."""
        used = {self.generation, *(path.generation for path in self._paths.values())}
        for generation in self._generations:
            if generation not in used:
                self._forget(generation)
        self._generations = [generation for generation in self._generations if generation in used]
        self._renew()

    def _renew(self) -> None:
        number = self._generations[-1].number + 1 if self._generations else 0
        local = IceParameters.generate(self._random)
        while local.ufrag.encode() in self._register.agents:
            local = IceParameters.generate(self._random)
        generation = Generation(local, number)
        self._generations.append(generation)
        self._register.agents[generation.ufrag] = self

    def _forget(self, generation: Generation) -> None:
        self._register.agents.pop(generation.ufrag, None)

    def _generation_of(self, message: stun.Message) -> Generation | None:
        name = message.username
        for generation in self._generations:
            if name and name[0] == generation.ufrag and generation.remote:
                return generation
        return None

    def _path(self, link: Link, address: Address, generation: Generation, now: float) -> Path | None:
        """Find or make the path; None when the address is somebody else's, or there are too many."""
        path = self._paths.get((id(link), address))
        if path is None:
            if address in link.paths:
                return None
            if len(self._paths) >= MAX_PATHS:
                pending = [one for one in self._paths.values() if not one.proven]
                if not pending:
                    return None
                self._remove(min(pending, key=lambda one: one.consent_at))
            path = Path(self, self.peer, link, address, generation, now)
            self._paths[id(link), address] = path
        return path

    def _recognise(self, path: Path) -> None:
        """Find which credentials of its own the peer uses there; what is under older ones was on its way."""
        for theirs in self._generations:
            if theirs.number > path.theirs.number and theirs.is_of(path.named):
                path.theirs = theirs
                path.checked_at, path.retransmission = -1.0, FIRST_RETRANSMISSION / 2  # asked anew, if asked

    def _heard(self, path: Path, message: stun.Message, generation: Generation, now: float) -> None:
        path.heard_at = path.consent_at = now
        if path.proven:
            self.consent_at = now
        if generation.number < path.generation.number:
            return  # on its way since before the restart
        if generation is not path.generation:
            path.generation = path.theirs = generation
            path.nominated = False
            path.nomination = 0
        path.priority = pair_priority(message.number(Attribute.PRIORITY) or 0, path.link.priority)
        if Attribute.USE_CANDIDATE in message.attributes:
            path.nominated = True
            path.nomination = max(path.nomination, message.number(Attribute.NOMINATION) or 0)

    def _settle(self) -> None:
        """Nominated under the newest credentials: what stands on older ones goes (RFC 8445 section 9)."""
        newest = self.generation
        for path in self.paths:
            if path.generation is not newest:
                self._remove(path)
        for generation in self._generations[:-1]:
            self._forget(generation)
        self._generations = [newest]

    def _ask(self, path: Path, now: float) -> None:
        """Send our own request, or send it again; what the budget forbids waits for a later tick."""
        if path.check:
            path.retransmission = min(2 * path.retransmission, 2.0)
        else:
            path.check = self._random.randbytes(stun.TRANSACTION_SIZE)
            path.retransmission = FIRST_RETRANSMISSION
            self._register.checks[path.check] = path
        path.checked_at = now
        name, key = path.theirs.name_for(path.generation), path.theirs.remote_key
        self._send(path, stun.request(path.check, name, path.link.priority, self._tie_breaker, key))

    def _answered(self, path: Path) -> None:
        self._register.checks.pop(path.check, None)
        path.check = b""

    def _send(self, path: Path, data: bytes) -> None:
        if not path.proven:
            if len(data) > path.budget:
                return
            path.budget -= len(data)
        try:
            path.send(data, path.address)
        except OSError:
            self._register.counters.unsent += 1

    def _select(self, now: float) -> None:
        proven = [path for path in self._paths.values() if path.proven]
        if len(self._generations) > 1 and any(
            path.nominated and path.generation is self.generation for path in proven
        ):
            self._settle()
            proven = [path for path in self._paths.values() if path.proven]
        selected = best = self.selected
        if len(proven) > 1:
            alive = [path for path in proven if now - path.heard_at < ALIVE]
            best = max(
                alive,
                key=lambda path: path.rank,
                default=selected or max(proven, key=lambda path: path.heard_at),
            )
            if best and not best.check and now - best.heard_at >= ASK_AFTER:
                self._ask(best, now)
        else:
            best = proven[0] if proven else None
        if best is not selected:
            self.selected = best
            self.on_selected(best, now)

    def _remove(self, path: Path) -> None:
        self._drop(path)
        if self.selected is path:
            self.selected = None

    def _drop(self, path: Path) -> None:
        self._answered(path)
        self._paths.pop((id(path.link), path.address), None)
        if path.proven:
            path.link.paths.pop(path.address, None)
