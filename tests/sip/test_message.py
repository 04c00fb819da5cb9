import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.message import (
    KEEPALIVE,
    MAX_HEAD,
    Headers,
    MessageError,
    Request,
    Response,
    StreamFramer,
    is_keepalive,
    parse,
    respond,
)
from sip.uri import Uri

INVITE = (
    b"INVITE sip:meet@192.0.2.10 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.77:5062;branch=z9hG4bK-abc;rport, SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK-def\r\n"
    b"Record-Route: <sip:p1.example.org;lr>, <sip:p2.example.org;lr>\r\n"
    b"Max-Forwards: 70\r\n"
    b"Contact: <sip:alice@192.0.2.77:5062>\r\n"
    b"To: <sip:meet@192.0.2.10>\r\n"
    b'From: "Alice" <sip:alice@192.0.2.77>;tag=7b1f\r\n'
    b"Call-ID: Xz1kTq9mN2@192.0.2.77\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Require: 100rel\r\n"
    b"Supported: Replaces,timer\r\n"
    b"Timestamp: 54\r\n"
    b"Content-Type: Application/SDP ; charset=x\r\n"
    b"Content-Length: 4\r\n"
    b"\r\n"
    b"v=0\n"
)


def invite(*changes: tuple[bytes, bytes]) -> Request:
    data = INVITE
    for old, new in changes:
        assert old in data
        data = data.replace(old, new)
    message = parse(data)
    assert isinstance(message, Request)
    return message


def refused(data: bytes) -> MessageError:
    with pytest.raises(MessageError) as caught:
        parse(data)
    return caught.value


def test_a_request() -> None:
    request = invite()
    assert (request.method, str(request.uri), request.body) == ("INVITE", "sip:meet@192.0.2.10", b"v=0\n")
    assert request.via.branch == "z9hG4bK-abc"
    assert [via.transport for via in request.vias] == ["UDP", "TCP"]
    assert request.from_.display == "Alice"
    assert request.from_.tag == "7b1f"
    assert request.to.tag is None
    assert request.call_id == "Xz1kTq9mN2@192.0.2.77"
    assert (request.cseq.number, request.cseq.method) == (1, "INVITE")
    assert [str(contact.uri) for contact in request.contacts] == ["sip:alice@192.0.2.77:5062"]
    assert [route.uri.host for route in request.record_routes] == ["p1.example.org", "p2.example.org"]
    assert request.routes == ()
    assert request.max_forwards == 70
    assert request.expires is None
    assert request.content_type == "application/sdp"


def test_a_response() -> None:
    response = parse(
        b"SIP/2.0 180 Ringing \xc3\xa9\r\nCSeq: 1 INVITE\r\nAllow: INVITE,ACK\r\nContent-Length: 0\r\n\r\n"
    )
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (180, "Ringing é")


def test_typed_values_follow_a_change() -> None:
    request = invite()
    assert request.cseq.number == 1
    request.headers.set("CSeq", "2 INVITE")
    assert request.cseq.number == 2


def test_a_malformed_value_raises_when_it_is_read_and_can_be_answered() -> None:
    request = invite((b"To: <sip:meet@192.0.2.10>", b'To: "x <sip:y>'))
    with pytest.raises(MessageError, match="400 Malformed To Header") as caught:
        _ = request.to
    assert caught.value.request is request
    answer = respond(request, caught.value.status, caught.value.reason)
    assert answer.headers.get("To") == '"x <sip:y>'


def test_a_missing_value_raises_when_it_is_read() -> None:
    request = invite((b"Call-ID: Xz1kTq9mN2@192.0.2.77\r\n", b""))
    with pytest.raises(MessageError, match="400 Missing Call-ID Header"):
        _ = request.call_id


@pytest.mark.parametrize("value", [b"-1", b"256", b"x", b"1" * 30, "٣".encode()])
def test_numbers_have_their_range(value: bytes) -> None:
    request = invite((b"Max-Forwards: 70", b"Max-Forwards: " + value))
    with pytest.raises(MessageError, match="400 Malformed Max-Forwards"):
        _ = request.max_forwards


@pytest.mark.parametrize(
    ("data", "status", "answerable"),
    [
        (INVITE.replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"), 505, True),
        (INVITE.replace(b"INVITE sip", b"INVITE  sip"), 400, True),
        (INVITE.replace(b"sip:meet@192.0.2.10 SIP", b"<sip:meet@192.0.2.10> SIP"), 400, True),
        (INVITE.replace(b"Max-Forwards: 70", b"no colon here"), 400, True),
        (INVITE.replace(b"Max-Forwards: 70", b"Bad Name: 70"), 400, True),
        (INVITE.replace(b"Max-Forwards: 70", b"Subject: a\nb"), 400, True),
        (INVITE.replace(b"Length: 4", b"Length: 5"), 400, True),
        (INVITE.replace(b"Length: 4", b"Length: -4"), 400, True),
        (INVITE.replace(b"Length: 4", b"Length: +4"), 400, True),
        (INVITE.replace(b"Length: 4", b"Length: 4\r\nl: 3"), 400, True),
        (INVITE.replace(b"Supported", b"a: b\r\n" * 250 + b"Supported"), 400, True),
        (INVITE[:200], 400, True),
        (INVITE.replace(b"Via: ", b"X-Via: ").replace(b"sip:meet@192.0.2.10 SIP", b"x SIP"), 400, False),
        (INVITE.replace(b"INVITE sip", b"ACK sip").replace(b"Length: 4", b"Length: 5"), 400, False),
        (b"SIP/2.0 99 No\r\n\r\n", 400, False),
        (b"SIP/2.0 200 OK\r\nContent-Length: 1\r\n\r\n", 400, False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, False),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400, False),
        (b"", 400, False),
    ],
)
def test_what_is_refused(data: bytes, status: int, answerable: bool) -> None:
    error = refused(data)
    assert error.status == status
    assert (error.request is not None) == answerable


def test_a_refused_request_keeps_what_the_answer_repeats() -> None:
    error = refused(INVITE.replace(b"Length: 4", b"Length: 5"))
    assert error.request is not None
    answer = respond(error.request, error.status, error.reason, to_tag="t")
    assert answer.headers.get("Call-ID") == "Xz1kTq9mN2@192.0.2.77"
    assert answer.headers.get("To") == "<sip:meet@192.0.2.10>;tag=t"
    assert len(answer.vias) == 2


def test_a_head_too_long_to_be_read_is_refused_with_what_its_beginning_says() -> None:
    error = refused(INVITE.replace(b"Supported", b"X: " + b"x" * MAX_HEAD + b"\r\nSupported"))
    assert error.status == 513
    assert error.request is not None
    assert error.request.call_id == parse(INVITE).call_id
    assert refused(b"INVITE sip:" + b"a" * 20_000 + b"\r\n" + INVITE).request is None
    body = INVITE.replace(b"Length: 4", b"Length: 40000") + b"x" * 40_000
    assert len(parse(body).body) == 40_000


def test_what_follows_the_body_is_dropped() -> None:
    message = parse(INVITE + b"garbage")
    assert message.body == b"v=0\n"


def test_without_a_length_the_body_ends_with_the_datagram() -> None:
    message = parse(INVITE.replace(b"Content-Length: 4\r\n", b"") + b"more")
    assert message.body == b"v=0\nmore"


def test_the_same_length_twice_is_forgiven() -> None:
    assert parse(INVITE.replace(b"Length: 4", b"Length: 4\r\nl: 4")).body == b"v=0\n"


def test_what_comes_before_a_message_is_skipped() -> None:
    assert parse(b"\0\r\n\r\n" + INVITE).start_line == "INVITE sip:meet@192.0.2.10 SIP/2.0"


def test_octets_that_are_not_utf_8_go_back_as_they_came() -> None:
    message = parse(INVITE.replace(b'"Alice"', b'"Andr\xe9"'))
    assert message.from_.display == "André"
    assert isinstance(message, Request)
    assert b'"Andr\xe9"' in respond(message, 200).to_bytes()


def test_writing_sets_the_length() -> None:
    request = Request("OPTIONS", Uri.parse("sip:a@b"), Headers([("l", "99"), ("f", "<sip:x@y>")]), b"four")
    assert request.to_bytes() == (
        b"OPTIONS sip:a@b SIP/2.0\r\nFrom: <sip:x@y>\r\nContent-Length: 4\r\n\r\nfour"
    )


class TestRespond:
    def test_repeats_what_it_must(self) -> None:
        answer = respond(
            invite(), 200, to_tag="t", headers=[("X-Own", "1")], body=b"v", content_type="application/sdp"
        )
        assert answer.reason == "OK"
        assert answer.headers.items() == [
            (
                "Via",
                INVITE.partition(b"Via: ")[2].partition(b"\r\n")[0].decode(),
            ),
            ("Record-Route", "<sip:p1.example.org;lr>, <sip:p2.example.org;lr>"),
            ("From", '"Alice" <sip:alice@192.0.2.77>;tag=7b1f'),
            ("Call-ID", "Xz1kTq9mN2@192.0.2.77"),
            ("CSeq", "1 INVITE"),
            ("To", "<sip:meet@192.0.2.10>;tag=t"),
            ("X-Own", "1"),
            ("Content-Type", "application/sdp"),
        ]

    def test_trying_has_the_timestamp_and_no_tag(self) -> None:
        answer = respond(invite(), 100, to_tag="t")
        assert answer.to.tag is None
        assert answer.headers.get("Timestamp") == "54"
        assert "Record-Route" not in answer.headers

    def test_a_refusal_makes_no_dialog(self) -> None:
        assert "Record-Route" not in respond(invite(), 404, to_tag="t").headers

    @pytest.mark.parametrize(
        "to", [b"<sip:m@h>;TAG = theirs", b"sip:m@h;x;tag=theirs", b'"x <sip:m@h>;tag=theirs']
    )
    def test_a_tag_that_is_there_stays(self, to: bytes) -> None:
        answer = respond(invite((b"<sip:meet@192.0.2.10>\r\n", to + b"\r\n")), 200, to_tag="ours")
        assert "ours" not in (answer.headers.get("To") or "")

    def test_a_tag_inside_the_uri_is_none(self) -> None:
        answer = respond(invite((b"<sip:meet@192.0.2.10>", b"<sip:m@h;tag=x>")), 200, to_tag="ours")
        assert answer.to.tag == "ours"


class TestStamp:
    def test_rport_gets_address_and_port(self) -> None:
        request = invite()
        request.stamp("198.51.100.7", 40000)
        assert request.via.parameters["rport"] == "40000"
        assert request.via.received == "198.51.100.7"
        assert request.via.port == 5062
        assert request.vias[1].host == "10.0.0.1"

    def test_another_address_is_noted_without_being_asked(self) -> None:
        request = invite((b";rport", b""))
        request.stamp("198.51.100.7", 40000)
        assert request.via.received == "198.51.100.7"
        assert "rport" not in request.via.parameters

    def test_the_truth_needs_no_note(self) -> None:
        request = invite((b";rport", b""))
        request.stamp("192.0.2.77", 40000)
        assert request.via.received is None

    def test_a_forged_received_is_replaced(self) -> None:
        request = invite((b";rport", b";received=203.0.113.9"))
        request.stamp("198.51.100.7", 40000)
        assert request.via.received == "198.51.100.7"


def test_keep_alives_are_no_messages() -> None:
    assert all(is_keepalive(data) for data in (b"", b"\r\n", b"\r\n\r\n", b"\0", b"\0\0\0\0"))
    assert not is_keepalive(b"x")


class TestStreamFramer:
    def test_cuts_at_any_point(self) -> None:
        stream = INVITE + b"\r\n\r\n" + INVITE + b"\r\n" + INVITE
        for size in (1, 2, 3, 7, 100, len(stream)):
            framer = StreamFramer()
            found = [
                item for at in range(0, len(stream), size) for item in framer.feed(stream[at : at + size])
            ]
            assert found == [INVITE, KEEPALIVE, INVITE, INVITE]

    def test_a_pong_is_swallowed(self) -> None:
        framer = StreamFramer()
        assert list(framer.feed(b"\r\n")) == []
        assert list(framer.feed(INVITE)) == [INVITE]

    def test_nuls_are_swallowed(self) -> None:
        assert list(StreamFramer().feed(b"\0\0\r\n\0" + INVITE)) == [INVITE]

    def test_without_a_length_there_is_no_body(self) -> None:
        head = INVITE.replace(b"Content-Length: 4\r\n", b"").removesuffix(b"v=0\n")
        assert list(StreamFramer().feed(head + INVITE)) == [head, INVITE]

    @pytest.mark.parametrize("length", [b"-1", b"x", b"9999999999"])
    def test_an_impossible_length_ends_the_stream_with_an_answer(self, length: bytes) -> None:
        items = StreamFramer().feed(INVITE + INVITE.replace(b"Length: 4", b"Length: " + length))
        assert next(items) == INVITE
        with pytest.raises(MessageError, match="400") as caught:
            next(items)
        assert caught.value.request is not None

    def test_a_length_beyond_the_limit_is_refused_before_it_comes(self) -> None:
        with pytest.raises(MessageError, match="513") as caught:
            list(StreamFramer(limit=1000).feed(INVITE.replace(b"Length: 4", b"Length: 1000")))
        assert caught.value.request is not None
        assert caught.value.request.call_id == "Xz1kTq9mN2@192.0.2.77"

    def test_a_head_without_end_is_refused(self) -> None:
        framer = StreamFramer(limit=1000)
        assert list(framer.feed(b"OPTIONS sip:a@b SIP/2.0\r\n" + b"X: yyyy\r\n" * 108)) == []
        with pytest.raises(MessageError, match="513"):
            list(framer.feed(b"X: yyyy\r\n"))

    @pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"hello", b"\x16\x03\x01"])
    def test_what_is_not_sip_is_refused_at_its_first_line(self, line: bytes) -> None:
        with pytest.raises(MessageError, match="400") as caught:
            list(StreamFramer().feed(line + b"\r\n"))
        assert caught.value.request is None

    def test_a_whole_request_without_its_version_can_be_answered(self) -> None:
        broken = INVITE.replace(b"192.0.2.10 SIP/2.0", b"192.0.2.10", 1)
        with pytest.raises(MessageError, match="400") as caught:
            list(StreamFramer().feed(broken))
        assert caught.value.request is not None

    def test_a_message_has_begun_with_its_first_octet(self) -> None:
        framer = StreamFramer()
        begun = []
        for piece in (b"\r\n", INVITE[:9], INVITE[9:]):
            list(framer.feed(piece))
            begun.append(framer.begun)
        assert begun == [False, True, False]

    def test_a_head_beyond_the_limit_is_refused_however_it_arrives(self) -> None:
        head = INVITE.replace(b"Supported", b"a: b\r\n" * 250 + b"Supported").replace(
            b"Length: 4", b"Length: x"
        )
        for at in (0, 500, 1100):
            framer = StreamFramer(limit=1000)
            with pytest.raises(MessageError, match="513"):
                _ = list(framer.feed(head[:at])) + list(framer.feed(head[at:]))

    def test_a_head_too_long_to_be_read_is_refused_before_it_is_whole(self) -> None:
        with pytest.raises(MessageError, match="513") as caught:
            list(StreamFramer().feed(INVITE.partition(b"\r\n\r\n")[0] + b"\r\na: b" * (MAX_HEAD // 6)))
        assert caught.value.request is not None

    def test_two_lengths_do_not_smuggle_a_message(self) -> None:
        with pytest.raises(MessageError, match="400") as caught:
            list(StreamFramer().feed(INVITE.replace(b"Length: 4", b"Length: 0\r\nl: 4")))
        assert caught.value.request is not None

    def test_a_folded_length_is_read(self) -> None:
        folded = INVITE.replace(b"Length: 4", b"Length\t:\r\n  4")
        assert list(StreamFramer().feed(folded + INVITE)) == [folded, INVITE]
        assert parse(folded).body == b"v=0\n"


@pytest.mark.timeout(60)
def test_hostile_lengths_take_no_time() -> None:
    # Each is quadratic for a careless expression: minutes at this length.
    run = b" " * 60_000
    for field in (
        b"Subject: a\r\n b" + run + b"x",
        b"l: 1" + run + b"x",
        b"l" + run + b"x: 1",
        run,
        b"a:b\r\n" * 12_000,
    ):
        data = INVITE.replace(b"Max-Forwards: 70", field)
        for read in (parse, lambda data: list(StreamFramer(limit=100_000).feed(data))):
            try:
                read(data)
            except MessageError:
                continue


PIECES = [
    b"INVITE ",
    b"sip:a@b",
    b" SIP/2.0",
    b"SIP/2.0 200 ",
    b"\r\n",
    b"Via: x",
    b"l:",
    b"1",
    b" ",
    b"\0",
    b":",
    b"\xff",
]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"", b"BYE sip:a@b SIP/2.0\r\n"]), st.lists(st.sampled_from(PIECES)))
def test_any_octets_are_a_message_or_a_message_error(start: bytes, parts: list[bytes]) -> None:
    try:
        message = parse(start + b"".join(parts) + b"\r\n\r\n")
    except MessageError:
        return
    again = parse(message.to_bytes())
    assert (again.start_line, again.body) == (message.start_line, message.body)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_stream_is_cut_the_same_however_it_arrives(data: st.DataObject) -> None:
    stream = b"".join(data.draw(st.lists(st.sampled_from([INVITE, b"\r\n", b"\0"]), max_size=7)))
    whole = list(StreamFramer().feed(stream))
    at = data.draw(st.integers(0, len(stream)))
    framer = StreamFramer()
    assert list(framer.feed(stream[:at])) + list(framer.feed(stream[at:])) == whole


def test_a_first_line_without_end_is_refused_the_same_however_it_arrives() -> None:
    data = b"x" * (MAX_HEAD + 100) + b"\r\n"
    for at in (0, MAX_HEAD + 1):
        framer = StreamFramer()
        with pytest.raises(MessageError, match="513"):
            _ = list(framer.feed(data[:at])) + list(framer.feed(data[at:]))
