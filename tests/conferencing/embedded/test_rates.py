"""The most video that may come from a browser and go to it, on the wire."""

from __future__ import annotations

from conferencing.embedded.feedback import PSFB, read_remb, write_remb
from conferencing.embedded.media import Rates

from .offers import OPUS, offer
from .room import Browser, Room

LAYERS = {"q": 150_000, "h": 500_000, "f": 1_500_000}


def film(browsers: list[Browser], seconds: float, layers: dict[str, int] = LAYERS) -> None:
    """All of them send 25 pictures a second of those layers; each second begins with a key frame."""
    room = browsers[0].room
    for picture in range(round(25 * seconds)):
        for browser in browsers:
            for rid, rate in layers.items():
                browser.film(picture, rid=rid, keyframe=picture % 25 == 0, size=rate // 200)
        room.wait(0.04)


def video_rate(browser: Browser, seconds: float) -> float:
    """What it was sent, repairs and probes too, in bit/s; afterwards nothing was."""
    packets, browser.transport.rtp = browser.transport.rtp, []
    return 8 * sum(len(packet.to_bytes()) for packet in packets) / seconds


def test_a_publisher_is_told_what_it_may_send() -> None:
    room = Room(Rates(upload=700_000))
    anna = room.browser("anna", offer(simulcast=True))
    film([anna], 3)
    told = [packet for packet in anna.asked(PSFB, 15) if read_remb(packet) is not None]
    assert len(told) >= 2
    assert {read_remb(packet) for packet in told} == {700_000 >> 2 << 2}
    assert read_remb(told[-1]) == read_remb(write_remb(1, 700_000, [1]))


def test_what_a_publisher_sends_beyond_it_is_dropped() -> None:
    room = Room(Rates(upload=400_000))
    anna, ben = room.browser("anna"), room.browser("ben")
    ben.want("anna", height=720)
    film([anna], 4, {"": 2_000_000})
    video_rate(ben, 4)
    film([anna], 8, {"": 2_000_000})
    assert 0 < video_rate(ben, 8) < 1.3 * 400_000
    assert anna.peer.excess > 100
    film([anna], 4, {"": 300_000})
    before = anna.peer.excess
    film([anna], 4, {"": 300_000})
    assert anna.peer.excess == before
    assert video_rate(ben, 8) > 250_000


def voice(browser: Browser) -> int:
    """How many octets of sound it was sent; afterwards nothing was."""
    packets, browser.transport.rtp = browser.transport.rtp, []
    return sum(len(packet.to_bytes()) for packet in packets if packet.payload_type == OPUS)


def test_a_flood_of_sound_is_dropped_and_speech_is_not() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    for octets, most in ((1000, 30_000), (20, 16_000)):  # big packets, and many small ones
        for _ in range(500):
            for _ in range(40):
                anna.speak(bytes(octets))
            room.wait(0.02)
        voice(ben)
        for _ in range(250):
            for _ in range(40):
                anna.speak(bytes(octets))
            room.wait(0.02)
        assert 0 < voice(ben) / 5 < most
    assert anna.peer.excess > 20_000
    room.wait(2)
    before = anna.peer.excess
    for _ in range(500):
        anna.speak(bytes(320))  # 128 kbit/s, more than any page asks for
        room.wait(0.02)
    assert anna.peer.excess == before
    assert voice(ben) > 495 * 320


def test_what_is_longer_than_any_opus_is_not_forwarded() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    anna.speak()
    room.wait(0.04)
    voice(ben)
    anna.speak(bytes(1276))
    assert voice(ben) == 0
    assert anna.peer.malformed == 1


def test_a_subscriber_is_sent_no_more_than_may_be() -> None:
    room = Room(Rates(download=2_000_000))
    publishers = [room.browser(name, offer(simulcast=True)) for name in ("anna", "ben", "carl")]
    dora = room.browser("dora")
    film(publishers, 1)
    dora.want("anna", "ben", "carl", height=720)
    dora.tell(write_remb(1, 20_000_000, [1]))
    film(publishers, 6)
    video_rate(dora, 6)
    film(publishers, 10)
    assert 1_000_000 < video_rate(dora, 10) < 1.15 * 2_000_000
    assert dora.peer.subscriber.bandwidth.estimate == 2_000_000
    layers = [slot.layer for slot in dora.peer.stats().slots]
    assert layers == ["h", "h", "h"]  # a second "f" would be too much, and so would be the first
