"""The SDP grammar: real equipment (samples shared with the fuzzer), limits, round trips."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.outcome import Outcome
from media.sdp import (
    MAX_ATTRIBUTES,
    MAX_FORMATS,
    MAX_MEDIAS,
    MAX_SIZE,
    Direction,
    MediaDescription,
    Origin,
    RtpMap,
    SdpError,
    SessionDescription,
)
from tests.fuzz.mutation import CORPUS
from tests.fuzz.sdp import check

SAMPLES = sorted((CORPUS / "sdp").glob("*.sdp"))


def sample(name: str) -> SessionDescription:
    return SessionDescription.parse((CORPUS / "sdp" / f"{name}.sdp").read_bytes())


def audio(lines: str, *, session: str = "") -> MediaDescription:
    text = f"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\n{session}t=0 0\n{lines}"
    return SessionDescription.parse(text).medias[0]


# -- real equipment ----------------------------------------------------------------------------------------

# name -> for each m-line: kind, port, direction, address, and the first codec
EXPECTED: dict[str, list[tuple[str, int, str, str | None, str | None]]] = {
    "asterisk-pjsip": [("audio", 15872, "sendrecv", "203.0.113.5", "PCMA/8000")],
    "asterisk-t38": [("image", 4124, "sendrecv", "203.0.113.5", None)],
    "avaya-srtp-best-effort": [("audio", 40988, "sendrecv", "192.0.2.201", "PCMA/8000")],
    "baresip-video": [
        ("audio", 18432, "sendrecv", "127.0.0.1", "opus/48000/2"),
        ("video", 18434, "sendrecv", "127.0.0.1", "H264/90000"),
    ],
    "careless-gateway": [("audio", 30000, "sendrecv", "192.0.2.61", "PCMU/8000")],
    "carriage-returns-only": [("audio", 5004, "sendrecv", "224.2.36.42", "PCMU/8000")],
    "chromium-webrtc": [
        ("audio", 9, "sendrecv", "0.0.0.0", "opus/48000/2"),
        ("application", 9, "sendrecv", "0.0.0.0", None),
    ],
    "cisco-room-system": [
        ("audio", 16964, "sendrecv", "192.0.2.50", "opus/48000/2"),
        ("video", 16966, "sendrecv", "192.0.2.50", "H264/90000"),
        ("application", 5070, "sendrecv", "192.0.2.50", None),
        ("video", 16968, "sendrecv", "192.0.2.50", "H264/90000"),
        ("application", 16970, "sendrecv", "192.0.2.50", "H224/4800"),
    ],
    "cucm-hold-inactive": [("audio", 24580, "inactive", "0.0.0.0", "G722/8000")],
    "cucm-late-offer-answer": [("audio", 24580, "sendrecv", "192.0.2.44", "G722/8000")],
    "freeswitch": [("audio", 27654, "sendrecv", "203.0.113.77", "opus/48000/2")],
    "linphone-ipv6": [("audio", 7078, "sendrecv", "2001:db8::1234", "opus/48000/2")],
    "no-media": [],
    "old-hold": [("audio", 14000, "sendonly", "0.0.0.0", "PCMU/8000")],
    "poly-room-system": [
        ("audio", 49154, "sendrecv", "198.51.100.20", "G7221/32000"),
        ("video", 49156, "sendrecv", "198.51.100.20", "H264/90000"),
        ("application", 49158, "sendrecv", "198.51.100.20", "H224/4800"),
        ("application", 0, "inactive", "198.51.100.20", None),
        ("application", 49162, "sendrecv", "198.51.100.20", None),
    ],
    "text-and-nul": [
        ("audio", 7000, "sendrecv", "192.0.2.80", "PCMA/8000"),
        ("text", 7002, "sendrecv", "192.0.2.80", "t140/1000"),
        ("video", 0, "sendrecv", "192.0.2.80", None),
    ],
    "yealink-desk-phone": [("audio", 11780, "sendrecv", "192.168.1.34", "G722/8000")],
    "yealink-hold": [("audio", 11780, "sendonly", "192.168.1.34", "G722/8000")],
}


@pytest.mark.parametrize("name", [path.stem for path in SAMPLES])
def test_real_equipment_is_understood(name: str) -> None:
    session = sample(name)
    seen = []
    for media in session.medias:
        codecs = [str(rtpmap) for rtpmap in media.rtpmap.values()]
        where = session.address_of(media)
        seen.append((media.kind, media.port, session.direction_of(media), where, next(iter(codecs), None)))
    assert seen == EXPECTED[name]


@pytest.mark.parametrize("name", [path.stem for path in SAMPLES])
def test_what_is_written_reads_the_same(name: str) -> None:
    check((CORPUS / "sdp" / f"{name}.sdp").read_bytes())


def test_fmtp_before_rtpmap_and_static_types() -> None:
    media = sample("yealink-desk-phone").medias[0]
    assert media.fmtp == {18: "annexb=no", 101: "0-15"}
    assert media.rtpmap[101] == RtpMap("telephone-event", 8000)
    assert list(sample("linphone-ipv6").medias[0].rtpmap) == [96, 97, 98, 0, 8, 101, 99]


def test_careless_spelling() -> None:
    media = sample("careless-gateway").medias[0]
    assert media.is_rtp
    assert media.port_count == 2
    assert media.ptime == 30
    assert media.stated_direction is Direction.SENDRECV
    assert media.fmtp == {96: "0-15"}
    assert media.rtpmap == {
        0: RtpMap("PCMU", 8000),
        8: RtpMap("PCMA", 8000),  # its rtpmap makes no sense, its number does
        9: RtpMap("G722", 8000),  # said 16000, which is the sampling rate
        96: RtpMap("telephone-event", 8000),
    }


def test_odd_origin_and_multicast() -> None:
    session = sample("carriage-returns-only")
    assert session.origin == Origin("user_with_spaces", -12345, 99999999999999999999, "IP4", "192.0.2.70")


def test_lines_nobody_needs_are_dropped_and_unicode_is_kept() -> None:
    session = sample("text-and-nul")
    assert session.name == "Salle \u2028 été"
    assert session.attributes == [("sendrecv", None)]
    assert [line[:2] for line in session.to_bytes().decode().split("\r\n") if line[:1] in "iuepkrz"] == [""]


def test_missing_lines() -> None:
    session = SessionDescription.parse("v=0\nm=audio 4000 RTP/AVP 8\n")
    assert session.origin == Origin()
    assert session.address_of(session.medias[0]) is None
    assert session.direction_of(session.medias[0]) is Direction.SENDRECV


def test_bandwidth_belongs_to_its_part() -> None:
    session = sample("cisco-room-system")
    assert session.bandwidths == {"AS": 6000}
    assert [media.bandwidths.get("TIAS") for media in session.medias] == [
        128000,
        6000000,
        None,
        6000000,
        None,
    ]


def test_white_space_that_python_knows_and_int_does_not() -> None:
    assert SessionDescription.parse("v=0\nb=AS :\x1e64\nb=CT:x\n").bandwidths == {"AS": 64}


# -- direction and address ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session_says", "media_says", "address", "port", "expected"),
    [
        ("", "", "192.0.2.1", 4000, "sendrecv"),
        ("a=recvonly\n", "", "192.0.2.1", 4000, "recvonly"),
        ("a=inactive\n", "a=sendonly\n", "192.0.2.1", 4000, "sendonly"),
        ("", "", "0.0.0.0", 4000, "sendonly"),
        ("", "a=recvonly\n", "0.0.0.0", 4000, "inactive"),
        ("", "", "::", 4000, "sendonly"),
        ("", "", "0.0.0.0", 9, "sendrecv"),  # trickle ICE, not a hold
        ("", "a=recvonly\n", "0.0.0.0", 0, "recvonly"),  # bundle-only, as Firefox writes it
        ("", "a=sendonly\na=inactive\n", "192.0.2.1", 4000, "inactive"),
    ],
)
def test_direction(session_says: str, media_says: str, address: str, port: int, expected: str) -> None:
    family = "IP6" if ":" in address else "IP4"
    session = SessionDescription.parse(
        f"v=0\n{session_says}m=audio {port} RTP/AVP 0\nc=IN {family} {address}\n{media_says}"
    )
    assert session.direction_of(session.medias[0]) == expected


def test_media_overrides_the_session_address() -> None:
    session = SessionDescription.parse(
        "v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0\nm=video 4002 RTP/AVP 34\nc=IN IP6 2001:db8::2\n"
    )
    assert [session.address_of(media) for media in session.medias] == ["192.0.2.1", "2001:db8::2"]


def test_of_several_addresses_in_a_part_the_first_counts() -> None:
    media = audio("m=audio 4000 RTP/AVP 0\nc=IN IP4 224.2.1.1/127\nc=IN IP4 224.2.1.2/127\n")
    assert media.connection == "224.2.1.1"


def test_setting_a_direction_replaces_the_old_one() -> None:
    media = audio("m=audio 4000 RTP/AVP 0\na=ptime:20\na=SENDONLY\n")
    media.direction = Direction.INACTIVE
    assert media.attributes == [("ptime", "20"), ("inactive", None)]


# -- attributes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "port", "address"),
    [
        ("", 4001, None),
        ("a=rtcp:53020\n", 53020, None),
        ("a=rtcp:53020 IN IP6 2001:db8::9\n", 53020, "2001:db8::9"),
        ("a=rtcp:0\n", 4001, None),
        ("a=rtcp:nonsense\n", 4001, None),
        ("a=rtcp:65536\n", 4001, None),
    ],
)
def test_where_rtcp_goes(line: str, port: int, address: str | None) -> None:
    media = audio(f"m=audio 4000 RTP/AVP 0\n{line}")
    assert (media.rtcp_port, media.rtcp_address) == (port, address)


@pytest.mark.parametrize(
    ("value", "ptime"), [("20", 20), (" 30 ", 30), ("20.0", 20), ("0", None), ("x", None), ("9999", None)]
)
def test_ptime(value: str, ptime: int | None) -> None:
    assert audio(f"m=audio 4000 RTP/AVP 0\na=ptime:{value}\n").ptime == ptime


@pytest.mark.parametrize(
    "line", ["a=rtpmap", "a=rtpmap:", "a=rtpmap:96", "a=rtpmap:x y/8000", "a=rtpmap:96 y"]
)
def test_an_rtpmap_that_makes_no_sense_explains_nothing(line: str) -> None:
    assert audio(f"m=audio 4000 RTP/AVP 96 8\n{line}\n").rtpmap == {8: RtpMap("PCMA", 8000)}


def test_rtcp_mux_only_if_said() -> None:
    assert not audio("m=audio 4000 RTP/AVP 0\n").rtcp_mux
    assert audio("m=audio 4000 RTP/AVP 0\na=rtcp-mux\n").rtcp_mux


@pytest.mark.parametrize(
    ("protocol", "is_rtp"),
    [
        ("RTP/AVP", True),
        ("RTP/SAVP", True),
        ("UDP/TLS/RTP/SAVPF", True),
        ("udptl", False),
        ("TCP/BFCP", False),
        ("UDP/DTLS/SCTP", False),
    ],
)
def test_what_is_rtp(protocol: str, is_rtp: bool) -> None:
    assert audio(f"m=audio 4000 {protocol} 0\n").is_rtp is is_rtp


def test_attributes_can_be_looked_up_set_and_removed() -> None:
    media = audio("m=audio 4000 RTP/SAVP 0\na=crypto:1 A\na=Crypto:2 B\na=flag\na=empty:\n")
    assert media.get("CRYPTO") == "1 A"
    assert media.get_all("crypto") == ["1 A", "2 B"]
    assert media.get("flag") == media.get("empty") == ""
    assert media.get("absent") is None
    media.set("crypto", "3 C")
    media.remove("flag")
    assert media.attributes == [("empty", ""), ("crypto", "3 C")]


# -- writing -----------------------------------------------------------------------------------------------


def test_an_answer_is_written_in_the_order_of_the_rfc() -> None:
    media = MediaDescription("audio", 20000)
    media.add_format(9, RtpMap("G722", 8000))
    media.add_format(101, RtpMap("telephone-event", 8000), "0-15")
    media.set("ptime", "20")
    media.direction = Direction.SENDRECV
    video = sample("baresip-video").medias[1]
    session = SessionDescription(
        Origin("passerelle", 5, 6, "IP4", "192.0.2.1"),
        connection="192.0.2.1",
        medias=[media, video.refused()],
        attributes=[("tool", "passerelle")],
        bandwidths={"AS": 64},
    )
    assert session.to_bytes().decode() == (
        "v=0\r\no=passerelle 5 6 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nb=AS:64\r\nt=0 0\r\n"
        "a=tool:passerelle\r\nm=audio 20000 RTP/AVP 9 101\r\na=rtpmap:9 G722/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        "m=video 0 RTP/AVP 97\r\n"
    )


def test_a_value_cannot_smuggle_in_a_line() -> None:
    with pytest.raises(SdpError, match="line break"):
        SessionDescription(name="x\r\nm=audio 1 RTP/AVP 0").to_bytes()


# -- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "v=0"),
        ("s=-\nt=0 0\n", "v=0"),
        ("v=1\n", "v=0"),
        ("hello\n", "letter"),
        ("v=0\nm=audio\n", "m=<media>"),
        ("v=0\nm=audio 70000 RTP/AVP 0\n", "port"),
        ("v=0\nm=audio -1 RTP/AVP 0\n", "port"),
        ("v=0\nm=audio ٣ RTP/AVP 0\n", "port"),
        ("v=0\nm=audio 1/x RTP/AVP 0\n", "port"),
        ("v=0\nc=IN IP4\n", "c=IN"),
        ("v=0\nc=ATM NSAP 47\n", "c=IN"),
        ("v=0\nc=IN IP4 /127\n", "address"),
        ("v=0\no=- x 1 IN IP4 192.0.2.1\n", "decimal"),
        (f"v=0\no=- {'9' * 5000} 1 IN IP4 192.0.2.1\n", "decimal"),
        ("v=0\no=-\n", "o=<user>"),
        ("v=0\n" + "m=audio 1 RTP/AVP 0\n" * (MAX_MEDIAS + 1), "m-lines"),
        ("v=0\nm=audio 1 RTP/AVP" + " 0" * (MAX_FORMATS + 1), "formats"),
        ("v=0\n" + "a=x\n" * (MAX_ATTRIBUTES + 1), "attributes"),
        ("v=0\n" + "a=x\n" * (MAX_SIZE // 4), "octets"),
    ],
)
def test_what_cannot_be_acted_upon_is_refused(text: str, expected: str) -> None:
    with pytest.raises(SdpError, match=expected) as refusal:
        SessionDescription.parse(text)
    assert refusal.value.outcome is Outcome.BAD_REQUEST


def test_the_largest_that_is_read() -> None:
    session = SessionDescription.parse("v=0\n" + "m=audio 1 RTP/AVP 0\n" * MAX_MEDIAS)
    assert len(session.medias) == MAX_MEDIAS


# -- properties --------------------------------------------------------------------------------------------

tokens = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
values = st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True)
addresses = st.one_of(st.none(), st.ip_addresses().map(str))
numbers = st.integers(0, 2**64)
attributes = st.lists(st.tuples(tokens, st.none() | values), max_size=6)
bandwidths = st.dictionaries(st.sampled_from(["AS", "TIAS", "CT"]), numbers)
medias = st.builds(
    MediaDescription,
    kind=tokens,
    port=st.integers(0, 65535),
    protocol=st.sampled_from(["RTP/AVP", "RTP/SAVPF", "udptl", "TCP/BFCP"]),
    formats=st.lists(st.integers(0, 127).map(str) | tokens, min_size=1, max_size=6),
    connection=addresses,
    attributes=attributes,
    port_count=st.integers(0, 65535),
    bandwidths=bandwidths,
)
sessions = st.builds(
    SessionDescription,
    origin=st.builds(Origin, tokens, numbers, numbers, st.sampled_from(["IP4", "IP6"]), tokens),
    name=values,
    connection=addresses,
    medias=st.lists(medias, max_size=4),
    attributes=attributes,
    bandwidths=bandwidths,
)


@settings(max_examples=100, deadline=None)
@given(sessions)
def test_every_description_survives_the_wire(session: SessionDescription) -> None:
    assert SessionDescription.parse(session.to_bytes()) == session


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: ("v=0\n" + text).encode()))
def test_rubbish_is_refused_or_read(data: bytes) -> None:
    check(data)
