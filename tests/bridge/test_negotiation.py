"""Offers of real equipment and what we make of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.negotiation import Agreement, Negotiation
from media.codecs import G722, PCMA, PCMU
from media.sdp import Direction, SessionDescription
from sip.call import Mismatch, NotAcceptable
from tests.fuzz.mutation import CORPUS

OURS = ("192.0.2.250", 20_000)
SAMPLES = sorted(path.stem for path in (CORPUS / "sdp").glob("*.sdp"))
ALL = ("G722", "PCMA", "PCMU")


def a_negotiation(*codecs: str, host: str = OURS[0]) -> Negotiation:
    return Negotiation(codecs or ALL, host, OURS[1])


def sample(name: str) -> SessionDescription:
    return SessionDescription.parse((CORPUS / "sdp" / f"{name}.sdp").read_bytes())


def an_offer(*lines: str, session: str = "c=IN IP4 192.0.2.1") -> SessionDescription:
    head = ("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", session, "t=0 0")
    return SessionDescription.parse("\r\n".join((*head, *lines)) + "\r\n")


def agreed(*lines: str, session: str = "c=IN IP4 192.0.2.1") -> Agreement:
    return a_negotiation().answer(an_offer(*lines, session=session))[1]


def shape(description: SessionDescription) -> list[tuple[str, int, str]]:
    return [(media.kind, media.port, media.protocol) for media in description.medias]


# What real equipment offers: codec, payload type of events, where media goes, our direction; None: refused.
EXPECTED = {
    "asterisk-pjsip": ("PCMA", 101, ("203.0.113.5", 15872), "sendrecv"),
    "asterisk-t38": None,
    "avaya-srtp-best-effort": None,
    "baresip-video": ("G722", 101, ("127.0.0.1", 18432), "sendrecv"),
    "careless-gateway": ("G722", 96, ("192.0.2.61", 30000), "sendrecv"),
    "carriage-returns-only": ("PCMU", None, ("224.2.36.42", 5004), "sendrecv"),
    "chromium-webrtc": None,
    "cisco-room-system": ("G722", 101, ("192.0.2.50", 16964), "sendrecv"),
    "cucm-hold-inactive": ("G722", 101, None, "inactive"),
    "cucm-late-offer-answer": ("G722", 101, ("192.0.2.44", 24580), "sendrecv"),
    "freeswitch": ("G722", 101, ("203.0.113.77", 27654), "sendrecv"),
    "linphone-ipv6": ("PCMA", 99, ("2001:db8::1234", 7078), "sendrecv"),
    "no-media": None,
    "old-hold": ("PCMU", 101, None, "recvonly"),
    "poly-room-system": ("G722", 119, ("198.51.100.20", 49154), "sendrecv"),
    "text-and-nul": ("PCMA", None, ("192.0.2.80", 7000), "sendrecv"),
    "yealink-desk-phone": ("G722", 101, ("192.168.1.34", 11780), "sendrecv"),
    "yealink-hold": ("G722", 101, ("192.168.1.34", 11780), "recvonly"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_real_equipment_is_answered_or_refused(name: str) -> None:
    offer, expected = sample(name), EXPECTED[name]
    if expected is None:
        with pytest.raises(NotAcceptable):
            a_negotiation().answer(offer)
        return
    answer, agreement = a_negotiation().answer(offer)
    assert [media.kind for media in answer.medias] == [media.kind for media in offer.medias]
    assert [media.protocol for media in answer.medias] == [media.protocol for media in offer.medias]
    [audio] = [media for media in answer.medias if media.port]
    codec, event_type, remote, direction = expected
    event_types = (event_type,) if event_type else ()
    assert (agreement.codec.name, agreement.event_types, agreement.remote) == (codec, event_types, remote)
    assert (audio.kind, audio.port, audio.direction) == ("audio", OURS[1], direction)
    assert next(str(rtpmap) for rtpmap in audio.rtpmap.values()) == f"{codec}/8000"
    assert audio.formats == [str(agreement.payload_type), *map(str, event_types)]
    assert SessionDescription.parse(answer.to_bytes()).to_bytes() == answer.to_bytes()


def test_a_room_systems_lines_are_mirrored_and_refused_with_their_formats() -> None:
    answer, _ = a_negotiation().answer(sample("poly-room-system"))
    assert shape(answer) == [
        ("audio", OURS[1], "RTP/AVP"),
        ("video", 0, "RTP/AVP"),
        ("application", 0, "RTP/AVP"),
        ("application", 0, "UDP/BFCP"),
        ("application", 0, "TCP/BFCP"),
    ]
    assert answer.medias[1].formats == ["109", "110", "111", "96", "34", "31"]
    assert answer.medias[4].formats == ["*"]


def test_our_preference_decides_and_not_the_order_of_the_offer() -> None:
    offer = an_offer("m=audio 4000 RTP/AVP 0 8 9")
    assert a_negotiation().answer(offer)[1].codec is G722
    assert a_negotiation("PCMA", "G722", "PCMU").answer(offer)[1].codec is PCMA
    assert a_negotiation("PCMU").answer(offer)[1].codec is PCMU


def test_g722_says_8000_although_it_samples_at_16000() -> None:
    answer, agreement = a_negotiation().answer(an_offer("m=audio 4000 RTP/AVP 9", "a=rtpmap:9 G722/16000"))
    assert agreement.codec is G722
    assert answer.medias[0].get("rtpmap") == "9 G722/8000"


def test_dynamic_payload_types_are_the_offers() -> None:
    answer, agreement = a_negotiation("PCMU").answer(
        an_offer(
            "m=audio 4000 RTP/AVP 111 112 96",
            "a=rtpmap:111 opus/48000/2",
            "a=rtpmap:112 PCMU/8000",
            "a=rtpmap:96 telephone-event/8000",
        )
    )
    assert (agreement.payload_type, agreement.event_types) == (112, (96,))
    assert answer.medias[0].get_all("rtpmap") == ["112 PCMU/8000", "96 telephone-event/8000"]
    assert answer.medias[0].get("fmtp") == "96 0-16"


def test_events_of_another_clock_and_stereo_are_not_ours() -> None:
    agreement = agreed("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/48000")
    assert agreement.event_types == ()
    with pytest.raises(NotAcceptable):
        agreed("m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMU/8000/2")


@pytest.mark.parametrize(
    ("line", "mismatch"),
    [
        ("m=audio 0 RTP/AVP 0", Mismatch.MEDIA),
        ("m=video 4000 RTP/AVP 31", Mismatch.MEDIA),
        ("m=image 4000 udptl t38", Mismatch.MEDIA),
        ("m=audio 4000 RTP/SAVP 0", Mismatch.TRANSPORT),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 0", Mismatch.TRANSPORT),
        ("m=audio 4000 TCP/MRCPv2 0", Mismatch.TRANSPORT),
        ("m=audio 4000 RTP/AVP 18", Mismatch.FORMAT),
    ],
)
def test_what_cannot_be_served_is_not_acceptable(line: str, mismatch: Mismatch) -> None:
    with pytest.raises(NotAcceptable) as caught:
        agreed(line)
    assert caught.value.mismatch is mismatch


def test_the_second_audio_line_is_refused_and_the_first_that_will_do_is_taken() -> None:
    two = an_offer("m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/AVP 9")
    answer, agreement = a_negotiation().answer(two)
    assert [media.port for media in answer.medias] == [0, OURS[1], 0]
    assert agreement.remote == ("192.0.2.1", 4000)
    best_effort = an_offer("m=audio 4000 RTP/SAVP 0", "m=audio 4002 RTP/AVP 0")
    answer, agreement = a_negotiation().answer(best_effort)
    assert [media.port for media in answer.medias] == [0, OURS[1]]
    assert agreement.remote == ("192.0.2.1", 4002)


@pytest.mark.parametrize(
    ("lines", "packet_time"),
    [
        ((), 20),
        (("a=ptime:10",), 10),
        (("a=ptime:5",), 10),
        (("a=ptime:25",), 20),
        (("a=ptime:30",), 30),
        (("a=ptime:40",), 40),
        (("a=ptime:60",), 60),
        (("a=ptime:200",), 60),
        (("a=ptime:nonsense",), 20),
        (("a=maxptime:10",), 10),
        (("a=ptime:60", "a=maxptime:30"), 30),
        (("a=maxptime:150",), 20),
    ],
)
def test_packet_times_are_those_wanted_as_far_as_we_can(lines: tuple[str, ...], packet_time: int) -> None:
    assert agreed("m=audio 4000 RTP/AVP 0", *lines).packet_time == packet_time


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
@pytest.mark.parametrize("in_session", [True, False])
def test_the_direction_is_mirrored(theirs: str, ours: str, in_session: bool) -> None:
    said = f"a={theirs}"
    offer = (
        an_offer(said, "m=audio 4000 RTP/AVP 0") if in_session else an_offer("m=audio 4000 RTP/AVP 0", said)
    )
    answer, agreement = a_negotiation().answer(offer)
    assert answer.medias[0].direction == ours
    assert (agreement.sends, agreement.receives) == (Direction(ours).sends, Direction(ours).receives)


@pytest.mark.parametrize("session", ["c=IN IP4 0.0.0.0", "c=IN IP6 ::"])
def test_the_old_hold_has_no_address(session: str) -> None:
    agreement = agreed("m=audio 4000 RTP/AVP 0", session=session)
    assert (agreement.remote, agreement.remote_rtcp) == (None, None)
    assert (agreement.sends, agreement.receives) == (False, True)


def test_no_address_at_all_is_not_one() -> None:
    assert agreed("m=audio 4000 RTP/AVP 0", session="b=AS:64").remote is None


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ((), ("192.0.2.1", 4001)),
        (("a=rtcp:5000",), ("192.0.2.1", 5000)),
        (("a=rtcp:5000 IN IP4 192.0.2.7",), ("192.0.2.7", 5000)),
    ],
)
def test_where_rtcp_goes(lines: tuple[str, ...], where: tuple[str, int]) -> None:
    assert agreed("m=audio 4000 RTP/AVP 0", *lines).remote_rtcp == where


def test_one_port_for_both_only_if_offered() -> None:
    for lines, mux in (((), False), (("a=rtcp-mux",), True)):
        answer, agreement = a_negotiation().answer(an_offer("m=audio 4000 RTP/AVP 0", *lines))
        assert agreement.rtcp_mux is mux
        assert (answer.medias[0].get("rtcp-mux") is not None) is mux


def test_comfort_noise_is_understood_but_not_asked_for() -> None:
    answer, agreement = a_negotiation().answer(an_offer("m=audio 4000 RTP/AVP 0 13"))
    assert agreement.noise_type == 13
    assert answer.medias[0].formats == ["0"]


def test_ipv6() -> None:
    answer, agreement = a_negotiation(host="2001:db8::1").answer(
        an_offer("m=audio 4000 RTP/AVP 0", session="c=IN IP6 2001:db8::99")
    )
    assert agreement.remote == ("2001:db8::99", 4000)
    assert b"c=IN IP6 2001:db8::1\r\n" in answer.to_bytes()
    assert b" IN IP6 2001:db8::1\r\n" in answer.to_bytes().split(b"\r\n")[1] + b"\r\n"


# Our own offers


def test_a_late_offer_has_all_our_codecs_the_preferred_first() -> None:
    offer = a_negotiation().offer()
    [audio] = offer.medias
    assert shape(offer) == [("audio", OURS[1], "RTP/AVP")]
    assert audio.formats == ["9", "8", "0", "101"]
    assert audio.direction is Direction.SENDRECV
    assert offer.connection == OURS[0]


def test_a_late_answer_is_accepted_or_not() -> None:
    negotiation = a_negotiation()
    negotiation.offer()
    agreement = negotiation.accept(sample("cucm-late-offer-answer"))
    assert (agreement.codec, agreement.remote) == (G722, ("192.0.2.44", 24580))
    for lines in (("m=audio 0 RTP/AVP 0",), ("m=audio 4000 RTP/AVP 18",), ()):
        with pytest.raises(NotAcceptable):
            negotiation.accept(an_offer(*lines))


def test_keys_come_under_our_number_though_the_answer_has_another() -> None:
    negotiation = a_negotiation()
    negotiation.offer()
    events = "a=rtpmap:97 telephone-event/8000"
    assert negotiation.accept(an_offer("m=audio 4000 RTP/AVP 9 97", events)).event_types == (101, 97)
    assert negotiation.offer().medias[0].formats[-1] == "101", "ours keeps its meaning"
    assert negotiation.accept(an_offer("m=audio 4000 RTP/AVP 9")).event_types == ()
    answer, agreement = negotiation.answer(an_offer("m=audio 4000 RTP/AVP 9 97", events))
    assert (answer.medias[0].formats, agreement.event_types) == (["9", "97"], (97,))
    assert negotiation.offer().medias[0].formats[-1] == "97"


def test_a_full_offer_again_keeps_the_lines_and_their_numbers() -> None:
    negotiation = a_negotiation("PCMU")
    answer, _ = negotiation.answer(
        an_offer(
            "m=video 5000 RTP/AVP 31",
            "m=audio 4000 RTP/AVPF 0 96",
            "a=rtpmap:96 telephone-event/8000",
            "a=rtcp-mux",
            "a=sendonly",
        )
    )
    again = negotiation.offer()
    assert shape(again) == shape(answer) == [("video", 0, "RTP/AVP"), ("audio", OURS[1], "RTP/AVPF")]
    audio = again.medias[1]
    assert audio.formats == ["0", "96"], "a number keeps its meaning for the whole session (RFC 3264 8.3.2)"
    assert audio.get("rtcp-mux") is not None
    assert audio.direction is Direction.SENDRECV


def test_a_refused_offer_changes_nothing() -> None:
    negotiation = a_negotiation()
    answer, _ = negotiation.answer(an_offer("m=audio 4000 RTP/AVP 0"))
    with pytest.raises(NotAcceptable):
        negotiation.answer(an_offer("m=audio 4000 RTP/SAVP 0"))
    assert negotiation.answer(an_offer("m=audio 4000 RTP/AVP 0"))[0].to_bytes() == answer.to_bytes()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["audio", "video", "image", "application"]),
            st.sampled_from([0, 9, 4000, 65535]),
            st.sampled_from(["RTP/AVP", "RTP/SAVP", "rtp/avpf", "udptl", "TCP/BFCP"]),
            st.lists(st.sampled_from(["0", "8", "9", "13", "18", "96", "127", "*", "999"]), max_size=5),
            st.lists(
                st.sampled_from(
                    [
                        "a=rtpmap:96 telephone-event/8000",
                        "a=rtpmap:0 CN/8000",
                        "a=rtpmap:127 PCMA/8000",
                        "a=ptime:1000",
                        "a=rtcp:65535 IN IP4 x",
                        "a=rtcp-mux",
                        "a=inactive",
                        "c=IN IP4 host.invalid",
                    ]
                ),
                max_size=4,
            ),
        ),
        max_size=5,
    )
)
def test_every_answer_mirrors_its_offer(
    lines: list[tuple[str, int, str, list[str], list[str]]],
) -> None:
    text = [
        line
        for kind, port, protocol, formats, attributes in lines
        for line in (f"m={kind} {port} {protocol} {' '.join(formats)}", *attributes)
    ]
    offer = an_offer(*text)
    negotiation = a_negotiation()
    try:
        answer, agreement = negotiation.answer(offer)
    except NotAcceptable:
        return
    assert [media.kind for media in answer.medias] == [media.kind for media in offer.medias]
    assert sum(media.port > 0 for media in answer.medias) == 1
    assert agreement.packet_time in range(10, 61, 10)
    assert agreement.codec in (G722, PCMA, PCMU)
    SessionDescription.parse(answer.to_bytes())
    assert shape(negotiation.offer()) == shape(answer)
