import pytest

from media.sdp import SdpError
from sip.body import UnsupportedBody, session_in
from sip.headers import Headers
from sip.message import Request
from sip.uri import Uri
from tests.sip.network import SDP


def message(body: bytes, content_type: str | None, **fields: str) -> Request:
    headers = Headers((name.replace("_", "-"), value) for name, value in fields.items())
    if content_type is not None:
        headers.add("Content-Type", content_type)
    return Request("INVITE", Uri.parse("sip:a@b"), headers, body)


def multipart(*parts: tuple[str, bytes]) -> bytes:
    return b"".join(b"--x\r\n%s\r\n\r\n%s\r\n" % (head.encode(), body) for head, body in parts) + b"--x--\r\n"


OFFER = ("Content-Type: application/sdp", SDP % 1000)
ISUP = ("Content-Type: application/isup", b"\x01\x02\r\n--y\r\n")
OPTIONAL = "\r\nContent-Disposition: signal;handling=optional"


def port_in(request: Request) -> int | None:
    found = session_in(request)
    return found.medias[0].port if found is not None else None


def test_the_body_is_the_description() -> None:
    assert port_in(message(SDP % 1000, "Application/SDP ; charset=utf-8")) == 1000


@pytest.mark.parametrize("body", [b"", b"\r\n"])
def test_no_body_is_no_description(body: bytes) -> None:
    assert session_in(message(body, "application/sdp")) is None


@pytest.mark.parametrize("content_type", ["text/plain", None, "application/sdp-x"])
def test_another_body_is_refused_unless_it_is_optional(content_type: str | None) -> None:
    with pytest.raises(UnsupportedBody):
        session_in(message(b"hello", content_type))
    assert session_in(message(b"hello", content_type, Content_Disposition="render;handling=optional")) is None


def test_an_encoded_description_is_refused() -> None:
    with pytest.raises(UnsupportedBody):
        session_in(message(b"\x1f\x8b", "application/sdp", Content_Encoding="gzip"))


def test_a_description_that_makes_no_sense_raises() -> None:
    with pytest.raises(SdpError):
        session_in(message(b"v=1\r\n", "application/sdp"))


@pytest.mark.parametrize("boundary", ["x", '"x"'])
def test_the_description_is_found_in_a_multipart_body(boundary: str) -> None:
    body = multipart((ISUP[0] + OPTIONAL, ISUP[1]), OFFER)
    assert port_in(message(body, f"multipart/mixed;boundary={boundary}")) == 1000


def test_a_part_that_must_be_understood_and_is_not_refuses_all() -> None:
    with pytest.raises(UnsupportedBody):
        session_in(message(multipart(OFFER, ISUP), "multipart/mixed;boundary=x"))


def test_of_alternatives_the_last_one_understood_counts() -> None:
    later = ("Content-Type: application/sdp", SDP % 2000)
    body = multipart(OFFER, later, ("Content-Type: application/json", b"{}"))
    assert port_in(message(body, "multipart/alternative;boundary=x")) == 2000


def test_a_description_two_envelopes_deep_is_found() -> None:
    inner = multipart(OFFER).replace(b"--x", b"--y")
    body = multipart(("Content-Type: multipart/mixed;boundary=y", inner))
    assert port_in(message(body, "multipart/mixed;boundary=x")) == 1000


@pytest.mark.parametrize(
    "content_type", ["multipart/mixed", "multipart/mixed;boundary=", 'multipart/mixed;b="']
)
def test_a_multipart_body_without_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedBody):
        session_in(message(multipart(OFFER), content_type))


def test_early_media_in_another_disposition_is_no_offer() -> None:
    with pytest.raises(UnsupportedBody):
        session_in(message(SDP % 1000, "application/sdp", Content_Disposition="early-session"))


def test_a_boundary_of_any_octets_is_found() -> None:
    boundary = b"\xff\xfe".decode(errors="surrogateescape")
    body = b"--\xff\xfe\r\nContent-Type: application/sdp\r\n\r\n%s\r\n--\xff\xfe--\r\n" % (SDP % 1000)
    assert port_in(message(body, f'multipart/mixed;boundary="{boundary}"')) == 1000


@pytest.mark.parametrize(
    "request_",
    [
        message(multipart(("Content-Type: application/sdp\rX: y", SDP % 1)), "multipart/mixed;boundary=x"),
        message(multipart(OFFER), "multipart/mixed;boundary=" + "x" * 71),
    ],
)
def test_a_part_with_a_lone_cr_and_an_endless_boundary_are_not_understood(request_: Request) -> None:
    with pytest.raises(UnsupportedBody):
        session_in(request_)
