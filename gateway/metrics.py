"""What Prometheus is told: numbers that components count anyway, read when scraped and at no other time.

A component counts with plain integers and :class:`config.counters.Histogram`; nothing on the way of a call
or a packet knows of metrics. ``gateway.counting`` hands over one :class:`Sources`, and :class:`Metrics` turns
it into the text format at each ``GET /metrics``. Names are fixed by the interface scripts rely on; add to
them, never rename. Labels come from closed sets (outcomes, states, kinds, transports), never from
what a caller wrote. The one exception has to be asked for (``http.participant_metrics``): how the media of
each browser travels, by the name of its room and an id that means nothing elsewhere, while it is there.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from platform import python_version

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from conferencing.embedded.media import Statistics
from config.counters import Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Not OpenMetrics: there gauge ``passerelle_calls`` and counter ``passerelle_calls_total`` clash."""

Count = Callable[[], float]
CountBy = Callable[[], Mapping[str, float]]
CountByPair = Callable[[], Mapping[tuple[str, str], float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where each number is read; functions are called at every scrape. Times are in seconds."""

    calls: CountBy  # running calls, by state
    calls_ended: CountByPair  # by direction and outcome label, since the start; refused ones too
    invite_seconds: Histogram  # from INVITE to 200
    meetings: Count
    participants: CountBy  # by kind
    waiting: Count  # in waiting rooms
    publishing: CountBy  # browsers, by source: "microphone", "camera", "screen"
    pages: Count  # open WebSockets
    rtp_packets: CountBy  # of telephones and browsers, by direction: "in", "out"
    rtp_lost: Count  # of telephones, as is what follows
    rtp_late: Count  # arrived after their turn
    rtp_jitter_seconds: Histogram  # RFC 3550 interarrival jitter, as each report is made
    tick_late_seconds: Histogram
    dtmf: CountBy  # keys pressed, by way: "rfc4733", "info"
    pin_failures: Count
    sip_messages: CountByPair  # by direction ("in", "out") and transport
    sip_errors: CountBy  # messages broken, repeated or stray, and errors of ours, by kind
    sip_dropped: CountBy  # messages and connections, by reason
    webrtc_dropped: CountBy  # datagrams of browsers, by reason
    ticks_skipped: Count
    gc_collections: Callable[[], Sequence[int]]  # by generation
    gc_pause_seconds: Histogram
    log_lines_lost: Count
    browsers: Callable[[], Iterable[tuple[str, str, Statistics]]]  # by room and id; none unless asked for


def software_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("passerelle")
    except PackageNotFoundError:
        return "unknown"


class Metrics:
    """The page at ``/metrics``: ours, and the process's memory, CPU time and open files."""

    def __init__(self, sources: Sources) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Reader(sources))
        ProcessCollector(registry=self._registry)

    def page(self) -> bytes:
        """All metrics in the Prometheus text format, of type `CONTENT_TYPE`."""
        return generate_latest(self._registry)


class _Reader(Collector):
    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> list[Metric]:
        """Name nothing beforehand: no source is to be read before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read every source once."""
        yield from self._calls(self._sources)
        yield from self._media(self._sources)
        yield from self._browsers(self._sources)
        yield from self._process(self._sources)

    def _calls(self, read: Sources) -> Iterator[Metric]:
        yield _gauge("calls", "Running calls", _by(read.calls()), "state")
        yield _counter(
            "calls", "Calls that ended or were refused", read.calls_ended().items(), "direction", "outcome"
        )
        yield _histogram("invite_seconds", "From an INVITE to its 200", read.invite_seconds)
        yield _counter("sip_messages", "SIP messages", read.sip_messages().items(), "direction", "transport")
        yield _counter(
            "sip_errors",
            "SIP messages broken, repeated or stray, and errors of ours",
            _by(read.sip_errors()),
            "kind",
        )
        yield _counter(
            "sip_dropped", "SIP messages and connections dropped", _by(read.sip_dropped()), "reason"
        )
        yield _counter("pin_failures", "Wrong PINs, by keypad and in URIs", _one(read.pin_failures()))
        yield _counter("dtmf", "Keys pressed by callers", _by(read.dtmf()), "via")
        yield _gauge("meetings", "Meetings with at least one participant", _one(read.meetings()))
        yield _gauge("participants", "Participants of all meetings", _by(read.participants()), "kind")
        yield _gauge("waiting", "People in waiting rooms", _one(read.waiting()))
        yield _gauge("publishing", "Browsers that send, by source", _by(read.publishing()), "source")
        yield _gauge("pages", "Pages that hold a connection", _one(read.pages()))

    def _media(self, read: Sources) -> Iterator[Metric]:
        yield _counter(
            "rtp_packets", "RTP packets of telephones and browsers", _by(read.rtp_packets()), "direction"
        )
        yield _counter("rtp_lost", "RTP packets of telephones that never came", _one(read.rtp_lost()))
        yield _counter(
            "rtp_late", "RTP packets of telephones that came after their turn", _one(read.rtp_late())
        )
        yield _histogram(
            "rtp_jitter_seconds", "Interarrival jitter of telephones, at each report", read.rtp_jitter_seconds
        )
        yield _counter(
            "webrtc_dropped", "Datagrams of browsers dropped", _by(read.webrtc_dropped()), "reason"
        )
        yield _histogram(
            "tick_late_seconds",
            "How late the work of a tick was done, after it was due",
            read.tick_late_seconds,
        )
        yield _counter("ticks_skipped", "Ticks of the mixer that never came", _one(read.ticks_skipped()))

    def _browsers(self, read: Sources) -> Iterator[Metric]:
        browsers = list(read.browsers())
        if not browsers:
            return
        for name, text, value in _OF_A_BROWSER:
            values = [((room, who), value(each)) for room, who, each in browsers]
            yield _gauge(f"participant_{name}", text, values, "room", "participant")
        shown = Counter((room, who, slot.layer or "") for room, who, each in browsers for slot in each.slots)
        text = "Pictures to a browser, by simulcast layer"
        yield _gauge("participant_shown", text, shown.items(), "room", "participant", "layer")
        rates: dict[tuple[str, ...], float] = {}
        lost: dict[tuple[str, ...], float] = {}
        for room, who, each in browsers:
            rates[room, who, "microphone", ""] = each.microphone
            for layer in each.layers:
                rates[room, who, layer.source, layer.layer] = layer.rate
                lost[room, who, layer.source, layer.layer] = layer.lost
        labels = ("room", "participant", "source", "layer")
        text = "What a browser publishes, by simulcast layer"
        yield _gauge("participant_received_bits_per_second", text, rates.items(), *labels)
        text = "Video packets of a browser that never came"
        yield _counter("participant_lost_packets", text, lost.items(), *labels)

    def _process(self, read: Sources) -> Iterator[Metric]:
        collections = [((str(age),), count) for age, count in enumerate(read.gc_collections())]
        yield _counter("gc_collections", "Garbage collections", collections, "generation")
        yield _histogram("gc_pause_seconds", "How long garbage collections took", read.gc_pause_seconds)
        yield _counter("log_lines_lost", "Log lines nobody took in time", _one(read.log_lines_lost()))
        build = [((software_version(), python_version()), 1)]
        yield _gauge("build_info", "What is running", build, "version", "python")


Values = Iterable[tuple[tuple[str, ...], float]]

_OF_A_BROWSER: Sequence[tuple[str, str, Callable[[Statistics], float]]] = (
    ("round_trip_seconds", "To a browser and back", lambda each: each.round_trip),
    ("loss_ratio", "Share of the video to a browser that is lost", lambda each: each.loss),
    ("sent_bits_per_second", "Video to a browser", lambda each: each.sent),
)


def _one(value: float) -> Values:
    return [((), value)]


def _by(counts: Mapping[str, float]) -> Values:
    return [((label,), count) for label, count in counts.items()]


def _gauge(name: str, text: str, values: Values, *labels: str) -> Metric:
    return _filled(GaugeMetricFamily(f"passerelle_{name}", text, labels=labels), values)


def _counter(name: str, text: str, values: Values, *labels: str) -> Metric:
    return _filled(CounterMetricFamily(f"passerelle_{name}", text, labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> Metric:
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    """Prometheus' buckets are cumulative and end with infinity."""
    family = HistogramMetricFamily(f"passerelle_{name}", text)
    buckets, seen = [], 0
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        seen += count
        buckets.append((bound, float(seen)))
    family.add_metric([], buckets, histogram.total)
    return family
