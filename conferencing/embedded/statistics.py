"""How one browser's media travels: for the page's details, and for whoever watches the service.

Taken on demand, from numbers that are counted anyway.
"""

from collections.abc import Iterator

from conferencing.embedded.media import Published, Shown, Statistics
from conferencing.embedded.publication import Publisher
from conferencing.embedded.stage import Stage
from conferencing.embedded.subscriber import Subscriber


def statistics(publisher: Publisher, subscriber: Subscriber, now: float) -> Statistics:
    """Take them."""
    bandwidth = subscriber.bandwidth
    return Statistics(
        round_trip=round(subscriber.round_trip, 4),
        loss=round(bandwidth.loss, 4),
        estimate=round(bandwidth.estimate),
        sent=round(bandwidth.sent),
        microphone=round(publisher.voice.stream.rate),
        layers=tuple(_published(publisher, now)),
        slots=tuple(_shown(subscriber.stage)),
    )


def _published(publisher: Publisher, now: float) -> Iterator[Published]:
    for publication in (publisher.camera, publisher.screen):
        for stream in publication.layers(now):
            yield Published(
                publication.source.value,
                stream.rid,
                str(stream.codec),
                stream.height,
                round(stream.rate),
                stream.statistics.lost,
            )


def _shown(stage: Stage) -> Iterator[Shown]:
    for slot in stage.pictures.values():
        if slot.target is not None:
            stream = slot.current
            yield Shown(
                slot.mid,
                slot.state.name.lower(),
                stream.rid if stream else None,
                stream.height if stream else None,
                round(slot.loss, 4),
                slot.repairs,
            )
