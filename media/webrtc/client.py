"""The client's role: we call a server, such as LiveKit, by a full ICE agent with sockets of its own.

::

    peer = await client.peer(handler, read_servers(ice_servers))
    # offer: peer.local, peer.fingerprint, peer.setup, peer.candidates()
    peer.connect(remote, fingerprint, setup)   # the answer
    peer.add_candidate(value)                  # each that comes, before or after

The answer may make us DTLS client or server. An ICE restart, whoever asks for it: ``await peer.renew()``,
tell what is new, ``peer.restart(remote)``.

A *lite* client answers checks only: it needs inbound UDP, and a server that is not lite itself. It is a
``MediaMux`` of its own for each connection, on port 0; nothing else differs.

Everything happens on the running loop; per packet nothing is awaited.
"""

import asyncio
from collections.abc import Callable, Sequence
from random import Random

from media.latch import Address
from media.webrtc.agent import FullAgent
from media.webrtc.dtls import Certificate
from media.webrtc.peers import Peers
from media.webrtc.servers import StunServer, TurnServer
from media.webrtc.tasks import Tasks
from media.webrtc.transport import PeerTransport, TransportHandler
from media.webrtc.wire import Wire


class MediaClient(Peers[Wire]):
    """All connections of a process to servers. Make it, and use it, within its loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        addresses: Sequence[str],
        *,
        clock: Callable[[], float],
        random: Random,
        certificate: Certificate | None = None,
    ) -> None:
        """Use these ``addresses`` of this machine; none: relays only.

        ``random`` has to be unpredictable: it makes passwords. ``certificate``: the mux's, if there is one.
        """
        super().__init__(loop, clock, random, certificate)
        self.addresses = tuple(addresses)
        self.tasks = Tasks()

    async def peer(
        self,
        handler: TransportHandler,
        servers: Sequence[StunServer | TurnServer] = (),
        *,
        controlling: bool = True,
    ) -> PeerTransport:
        """Make the transport of one more peer, its sockets open; servers that do not answer cost 3 s.

        Who offers is ``controlling``, and who calls a lite server in any case (RFC 8445 section 6.1.1).

        Raises:
            OSError: one of the addresses is not ours.
        """
        agent = FullAgent(self, servers, controlling=controlling)
        await agent.renew()
        return self.add(handler, agent.belong)

    def stun(self, link: Wire, data: bytes, address: Address, now: float) -> None:
        """The wire knows what it asked."""
        link.stun_received(data, address)

    async def close(self) -> None:
        """Say goodbye to all, and wait until every socket is closed and every relay given back."""
        self.close_peers()
        await self.tasks.finish()
