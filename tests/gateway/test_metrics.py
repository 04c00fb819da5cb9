"""The page Prometheus scrapes."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from conferencing.embedded.media import Published, Shown, Statistics
from config.counters import Histogram
from gateway.metrics import Metrics, Sources


class Gateway:
    """Owns the counters that the components would."""

    def __init__(self) -> None:
        self.packets_in = 0
        self.reads = 0
        self.invites = Histogram([0.01, 0.1])
        self.empty = Histogram([0.01, 0.1])
        self.browsers: list[tuple[str, str, Statistics]] = []

    def packets(self) -> Mapping[str, float]:
        self.reads += 1
        return {"in": self.packets_in, "out": 7}

    def sources(self) -> Sources:
        return Sources(
            calls=lambda: {"ringing": 1, "confirmed": 2},
            calls_ended=lambda: {("inbound", "completed"): 3, ("inbound", "wrong_pin"): 1},
            invite_seconds=self.invites,
            meetings=lambda: 1,
            participants=lambda: {"phone": 2},
            waiting=lambda: 1,
            publishing=lambda: {"camera": 3},
            pages=lambda: 4,
            rtp_packets=self.packets,
            rtp_lost=lambda: 4,
            rtp_late=lambda: 5,
            rtp_jitter_seconds=self.empty,
            tick_late_seconds=self.empty,
            dtmf=lambda: {"rfc4733": 12, "info": 1},
            pin_failures=lambda: 6,
            sip_messages=lambda: {("in", "udp"): 9, ("out", "tcp"): 8},
            sip_errors=lambda: {"parse": 10},
            sip_dropped=lambda: {"flood": 11},
            webrtc_dropped=lambda: {"malformed": 12},
            ticks_skipped=lambda: 13,
            gc_collections=lambda: [30, 3, 1],
            gc_pause_seconds=self.empty,
            log_lines_lost=lambda: 0,
            browsers=lambda: self.browsers,
        )


def scrape(metrics: Metrics) -> dict[str, float]:
    """The page as a mapping from sample, labels sorted, to value."""
    samples: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics.page().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            samples[f"{sample.name}{{{labels}}}"] = sample.value
    return samples


def test_every_fixed_name_is_there() -> None:
    samples = scrape(Metrics(Gateway().sources()))
    assert samples["passerelle_calls{state=confirmed}"] == 2
    assert samples["passerelle_calls_total{direction=inbound,outcome=wrong_pin}"] == 1
    assert samples["passerelle_invite_seconds_count{}"] == 0
    assert samples["passerelle_meetings{}"] == 1
    assert samples["passerelle_participants{kind=phone}"] == 2
    assert samples["passerelle_waiting{}"] == 1
    assert samples["passerelle_publishing{source=camera}"] == 3
    assert samples["passerelle_pages{}"] == 4
    assert samples["passerelle_rtp_packets_total{direction=out}"] == 7
    assert samples["passerelle_rtp_lost_total{}"] == 4
    assert samples["passerelle_rtp_late_total{}"] == 5
    assert samples["passerelle_tick_late_seconds_count{}"] == 0
    assert samples["passerelle_dtmf_total{via=rfc4733}"] == 12
    assert samples["passerelle_pin_failures_total{}"] == 6
    assert samples["passerelle_sip_messages_total{direction=in,transport=udp}"] == 9
    assert samples["passerelle_sip_errors_total{kind=parse}"] == 10
    assert samples["passerelle_sip_dropped_total{reason=flood}"] == 11
    assert samples["passerelle_webrtc_dropped_total{reason=malformed}"] == 12
    assert samples["passerelle_ticks_skipped_total{}"] == 13
    assert samples["passerelle_gc_collections_total{generation=2}"] == 1
    assert samples["passerelle_log_lines_lost_total{}"] == 0
    assert [key for key in samples if key.startswith("passerelle_build_info{")]
    assert samples["process_open_fds{}"] > 0


def test_counters_are_read_at_each_scrape_and_only_then() -> None:
    gateway = Gateway()
    metrics = Metrics(gateway.sources())
    assert gateway.reads == 0
    for packets in (10, 20):
        gateway.packets_in = packets
        assert scrape(metrics)["passerelle_rtp_packets_total{direction=in}"] == packets
    assert gateway.reads == 2


def test_histogram_buckets_are_cumulative() -> None:
    gateway = Gateway()
    for seconds in (0.005, 0.05, 0.05, 3.0):
        gateway.invites.observe(seconds)
    samples = scrape(Metrics(gateway.sources()))
    assert samples["passerelle_invite_seconds_bucket{le=0.01}"] == 1
    assert samples["passerelle_invite_seconds_bucket{le=0.1}"] == 3
    assert samples["passerelle_invite_seconds_bucket{le=+Inf}"] == 4
    assert samples["passerelle_invite_seconds_count{}"] == 4
    assert round(samples["passerelle_invite_seconds_sum{}"], 3) == 3.105


def test_each_browser_is_told_of_while_it_is_there() -> None:
    gateway = Gateway()
    metrics = Metrics(gateway.sources())
    assert not [key for key in scrape(metrics) if key.startswith("passerelle_participant_")]
    gateway.browsers = [
        (
            *("team", "ab12"),
            Statistics(
                *(0.05, 0.02, 2_500_000, 700_000, 32_000),
                (
                    Published("camera", "h", "VP8", 360, 480_000, 7),
                    Published("screen", "", "VP8", 1080, 9, 1),
                ),
                (
                    Shown("4", "forwarding", "q", 180, 0.0, 3),
                    Shown("6", "forwarding", "q", 180, 0.0, 0),
                    Shown("8", "waiting", None, None, 0.0, 0),
                ),
            ),
        )
    ]
    samples = scrape(metrics)
    of = "participant=ab12,room=team"
    assert samples[f"passerelle_participant_round_trip_seconds{{{of}}}"] == 0.05
    assert samples[f"passerelle_participant_loss_ratio{{{of}}}"] == 0.02
    assert samples[f"passerelle_participant_sent_bits_per_second{{{of}}}"] == 700_000
    assert samples[f"passerelle_participant_shown{{layer=q,{of}}}"] == 2
    assert samples[f"passerelle_participant_shown{{layer=,{of}}}"] == 1
    received = "passerelle_participant_received_bits_per_second"
    assert samples[f"{received}{{layer=,{of},source=microphone}}"] == 32_000
    assert samples[f"{received}{{layer=h,{of},source=camera}}"] == 480_000
    assert samples[f"passerelle_participant_lost_packets_total{{layer=,{of},source=screen}}"] == 1
    gateway.browsers = []
    assert not [key for key in scrape(metrics) if key.startswith("passerelle_participant_")]
