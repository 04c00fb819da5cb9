"""Offers: Chromium's is read, whatever is not ours is refused with a reason."""

from __future__ import annotations

import pytest

from conferencing.embedded import offer as module
from conferencing.embedded.codecs import AV1, H264, OPUS, VP8, VP9
from conferencing.embedded.extensions import Extension
from conferencing.embedded.media import OfferError
from conferencing.embedded.offer import MOST_OCTETS, MOST_TILES, TILES, Offer, Place, layout_of

from .offers import offer


def read_offer(sdp: str, before: Offer | None = None, tiles: int = TILES) -> Offer:
    return module.read_offer(sdp, layout_of(tiles), before)


def test_what_a_browser_offers() -> None:
    read = read_offer(offer(simulcast=True))
    assert [line.place for line in read.lines] == list(layout_of(TILES))
    assert len(layout_of(TILES)) == 26
    microphone, camera, screen = read.lines[:3]
    assert dict(microphone.formats) == {OPUS: 111}
    assert dict(camera.formats) == {VP8: 96, VP9: 98, H264: 103, AV1: 45}
    assert camera.rtx[96] == 97
    assert camera.rids == ("q", "h", "f")
    assert screen.rids == ()
    assert camera.extensions[Extension.RID] == 10
    assert read.decodes == frozenset((VP8, VP9, H264, AV1))
    assert read.mixed
    assert (read.ufrag, read.setup) == ("abcd", "actpass")


@pytest.mark.parametrize("tiles", [1, 2, 16, MOST_TILES])
def test_as_many_tiles_as_the_service_sends(tiles: int) -> None:
    read = read_offer(offer(tiles=tiles), tiles=tiles)
    assert [line.place for line in read.lines] == [
        *(Place.MICROPHONE, Place.CAMERA, Place.SCREEN),
        *[Place.TILE_VOICE, Place.TILE_PICTURE] * tiles,
        *[Place.VOICE] * 3,
        *[Place.SHARE] * 2,
    ]
    with pytest.raises(
        OfferError, match=f"at most {len(read.lines)} m-lines, this one {len(read.lines) + 2}"
    ):
        read_offer(offer(tiles=tiles + 1), tiles=tiles)


def test_how_long_an_offer_may_be_goes_by_its_tiles() -> None:
    one, most = layout_of(1), layout_of(MOST_TILES)
    assert 3_200 * len(most) < MOST_OCTETS
    long = "a=" + "x" * 5_000 * len(one)
    module.read_offer(offer(lines=3) + long, most)
    with pytest.raises(OfferError, match="octets"):
        module.read_offer(offer(lines=3) + long, one)
    with pytest.raises(OfferError, match="lines of text"):
        module.read_offer(offer(lines=3) + "a=x\r\n" * 190 * len(one), one)


def test_lines_may_be_left_away_at_the_end() -> None:
    read = read_offer(offer(lines=3))
    assert [line.place for line in read.lines] == [Place.MICROPHONE, Place.CAMERA, Place.SCREEN]
    assert read.decodes is None


def test_a_line_that_is_switched_off_is_not_taken() -> None:
    text = offer(lines=5).replace("a=sendonly", "a=inactive", 1)
    assert [line.taken for line in read_offer(text).lines] == [False, True, True, True, True]
    stopped = offer(lines=5).replace("m=video 9", "m=video 0", 1)
    assert [line.stopped for line in read_offer(stopped).lines] == [False, True, False, False, False]


def test_what_firefox_bundles_has_no_port_of_its_own() -> None:
    text = offer(lines=5)
    first, *others = text.split("m=video 9")
    bundled = "m=video 0".join([first, *(other.replace("a=", "a=bundle-only\r\na=", 1) for other in others)])
    assert [line.taken for line in read_offer(bundled).lines] == [True] * 5


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("v=0", "v=1", "not a session description"),
        ("m=audio 9", "m=video 9", "must be audio"),
        ("a=mid:1\r\n", "a=mid:0\r\n", "BUNDLE|same mid"),
        ("a=mid:1\r\n", "", "needs a=mid"),
        ("a=group:BUNDLE 0 1 2 3 4", "a=group:BUNDLE 0 1 2 3", "BUNDLE"),
        ("a=group:BUNDLE 0 1 2 3 4", "a=x", "BUNDLE"),
        ("a=setup:actpass", "a=setup:passive", "passive"),
        ("a=fingerprint:sha-256", "a=fingerprint:sha-1", "sha-256"),
        ("a=ice-ufrag:abcd", "a=ice-ufrag:a", "ice-ufrag"),
        ("a=ice-pwd:" + "p" * 24, "a=x", "ice-pwd"),
        ("a=rtcp-mux", "a=x", "rtcp-mux"),
        ("a=sendonly", "a=recvonly", "must be sendonly"),
    ],
)
def test_offers_that_are_not_ours(old: str, new: str, reason: str) -> None:
    text = offer(lines=5)
    assert old in text
    with pytest.raises(OfferError, match=reason):
        read_offer(text.replace(old, new))


def test_a_thousand_lines_are_refused_before_they_are_read() -> None:
    text = offer(lines=1)
    head, _, line = text.partition("m=audio")
    with pytest.raises(OfferError, match="at most 26 m-lines"):
        read_offer(head + ("m=audio" + line) * 1000)


def test_an_offer_without_end_is_refused() -> None:
    with pytest.raises(OfferError, match="octets"):
        read_offer(offer() + "a=" + "x" * 250_000)


def test_mids_stay_for_the_session() -> None:
    before = read_offer(offer(lines=5))
    read_offer(offer(lines=26), before)
    with pytest.raises(OfferError, match="stay the same"):
        read_offer(offer(lines=3), before)
    with pytest.raises(OfferError, match="stay the same"):
        read_offer(offer(lines=5).replace("a=mid:4", "a=mid:9").replace("2 3 4", "2 3 9"), before)


def test_streams_that_the_offer_names() -> None:
    named = "a=ssrc-group:FID 1001 1002\r\na=ssrc:1001 cname:x\r\na=ssrc:1002 cname:x\r\na=ssrc:nonsense\r\n"
    text = offer(lines=2) + named
    line = read_offer(text).lines[1]
    assert line.ssrcs == (1001,)
    assert dict(line.repairs) == {1002: 1001}


def test_unknown_layers_are_not_taken() -> None:
    text = offer(simulcast=True).replace("a=simulcast:send q;h;f", "a=simulcast:send f;~q;x")
    assert read_offer(text).lines[1].rids == ("q", "f")


def test_extensions_that_do_not_fit_one_byte_headers_are_not_used() -> None:
    text = offer(lines=1).replace("a=extmap:1 ", "a=extmap:15 ")
    assert Extension.AUDIO_LEVEL not in read_offer(text).lines[0].extensions


def test_lines_that_say_the_same_are_read_once_and_others_are_not_mistaken_for_them() -> None:
    text = offer(codecs=("VP8",))
    microphone, camera, screen, voice, picture = read_offer(text).lines[:5]
    assert camera.payloads is screen.payloads is picture.payloads
    assert microphone.payloads is voice.payloads
    other = text.replace("a=rtpmap:96 VP8/90000", "a=RTPMAP:96 VP9/90000", 1)
    camera, screen = read_offer(other).lines[1:3]
    assert (dict(camera.formats), dict(screen.formats)) == ({VP9: 96}, {VP8: 96})


def test_more_lines_of_text_than_browsers_write_are_not_read() -> None:
    with pytest.raises(OfferError, match="4940 lines"):
        read_offer(offer() + "a=x\r\n" * 5000)
