"""Where the numbers of ``/metrics`` are found in the running gateway.

Each component counts what happens to it. Here those counts are picked up, put under the labels that
``gateway.metrics`` fixes, and added up where several components count the same. Nothing is kept. What has not
happened yet is told as 0: Prometheus sees no rise in a series that begins with its first call.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from bridge.desk import Desk
from bridge.leg import MediaTotals
from bridge.pin_guard import PinGuard
from conferencing.embedded.engine import EmbeddedEngine
from conferencing.participant import Kind, Participant
from config.outcome import Outcome
from gateway.garbage import Garbage
from gateway.metrics import Sources
from gateway.web.socket import PageSockets
from media.webrtc.mux import MediaMux
from media.webrtc.path import Traffic
from sip.call import CallState, Direction
from sip.user_agent import UserAgent


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Who counts. ``totals``: of legs that ended; ``participants``: whether to tell of each browser."""

    agent: UserAgent
    desk: Desk
    engine: EmbeddedEngine
    pin_guard: PinGuard
    garbage: Garbage
    totals: MediaTotals
    sockets: PageSockets | None
    mux: MediaMux | None
    log_lines_lost: Callable[[], int]
    participants: bool

    def sources(self) -> Sources:
        """How each number is read."""
        desk, engine = self.desk, self.engine
        return Sources(
            calls=self._calls,
            calls_ended=self._calls_ended,
            invite_seconds=desk.invite_seconds,
            meetings=lambda: sum(1 for _ in engine.meetings()),
            participants=self._participants,
            waiting=lambda: sum(len(meeting.lobby) for meeting in engine.meetings()),
            publishing=self._publishing,
            pages=lambda: self.sockets.opened if self.sockets is not None else 0,
            rtp_packets=self._rtp_packets,
            rtp_lost=lambda: self._media().lost,
            rtp_late=lambda: self._media().late,
            rtp_jitter_seconds=desk.jitter_seconds,
            webrtc_dropped=lambda: asdict(self.mux.counters) if self.mux is not None else {},
            tick_late_seconds=desk.ticker.lateness,
            ticks_skipped=lambda: desk.ticker.skipped,
            dtmf=lambda: {way.value: count for way, count in self._media().keys.items()},
            pin_failures=lambda: self.pin_guard.failures,
            sip_messages=self._sip_messages,
            sip_errors=self._sip_errors,
            sip_dropped=self._sip_dropped,
            gc_collections=lambda: self.garbage.collections,
            gc_pause_seconds=self.garbage.pauses,
            log_lines_lost=self.log_lines_lost,
            browsers=engine.statistics if self.participants else tuple,
        )

    def _calls(self) -> dict[str, float]:
        counts = Counter(call.state for call in self.agent.calls.values())
        return {state.name.lower(): counts[state] for state in CallState}

    def _calls_ended(self) -> dict[tuple[str, str], float]:
        none = {(Direction.INBOUND.value, outcome.label): 0 for outcome in Outcome}
        return {**none, **(self.desk.ended + self._turned_away())}

    def _turned_away(self) -> Counter[tuple[str, str]]:
        """Calls that never reached the desk: by our limits, at the closed door, or as they made no sense."""
        refused = self.agent.counters.refused
        return Counter({("inbound", outcome.label): count for outcome, count in refused.items()})

    def _media(self) -> MediaTotals:
        """The totals of legs that ended, and of those that live."""
        totals = self.totals.copy()
        for bridged in self.desk.calls.values():
            if bridged.leg is not None:
                totals.add(bridged.leg)
        return totals

    def _rtp_packets(self) -> dict[str, float]:
        telephones, browsers = self._media(), self.mux.traffic if self.mux is not None else Traffic()
        return {
            "in": telephones.packets_in + browsers.received,
            "out": telephones.packets_out + browsers.sent,
        }

    def _sip_messages(self) -> dict[tuple[str, str], float]:
        counts: Counter[tuple[str, str]] = Counter()
        for transport in self.agent.transports:
            counts["in", transport.kind] += transport.counters.messages_in
            counts["out", transport.kind] += transport.counters.messages_out
        return dict(counts)

    def _sip_errors(self) -> dict[str, float]:
        counters = self.agent.counters
        return {
            "parse": counters.parse_errors,
            "retransmission": counters.retransmissions,
            "repetition": counters.repetitions,
            "stray": counters.stray,
            "internal": counters.internal_errors,
        }

    def _sip_dropped(self) -> dict[str, float]:
        counters = [transport.counters for transport in self.agent.transports]
        return {
            "flood": self.agent.guard.dropped,
            "undelivered": sum(each.dropped for each in counters),
            "connection": sum(each.connections_refused for each in counters),
        }

    def _everyone(self) -> Iterable[Participant]:
        return (each for meeting in self.engine.meetings() for each in meeting)

    def _participants(self) -> dict[str, int]:
        counts = dict.fromkeys((kind.value for kind in Kind), 0)
        for each in self._everyone():
            counts[each.kind.value] += 1
        return counts

    def _publishing(self) -> dict[str, int]:
        browsers = [each for each in self._everyone() if each.kind is Kind.BROWSER]
        return {
            "microphone": sum(not each.muted for each in browsers),
            "camera": sum(each.camera for each in browsers),
            "screen": sum(each.screen for each in browsers),
        }
