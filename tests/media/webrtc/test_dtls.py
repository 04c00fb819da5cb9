"""The handshake: either role, who is believed, and what forgers can do to it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from media.webrtc.dtls import (
    MTU,
    Certificate,
    DtlsSession,
    DtlsState,
    Fingerprint,
    FingerprintError,
    plausible,
)
from media.webrtc.srtp import PROFILES
from tests.media.webrtc.browser import plain

OURS, THEIRS, STRANGERS = (Certificate.generate() for _ in range(3))
CLIENT_HELLO, CERTIFICATE, SERVER_HELLO = 1, 11, 2
FROM_CLIENT = frozenset((1, 11, 15, 16))


class Handshake:
    """A client and a server; ``exchange`` carries one flight each way."""

    def __init__(self, *, believed: Certificate = THEIRS) -> None:
        self.client = DtlsSession(THEIRS, Fingerprint(OURS.fingerprint), server=False)
        self.server = DtlsSession(OURS, Fingerprint(believed.fingerprint), server=True)
        self.to_server = self.client.tick()
        self.to_client: list[bytes] = []
        self.sizes: list[int] = []

    def exchange(self) -> None:
        for data in self.to_server:
            self.to_client += self.server.receive(data)
        self.sizes += map(len, self.to_client)
        self.to_server = [answer for data in self.to_client for answer in self.client.receive(data)]
        self.sizes += map(len, self.to_server)
        self.to_client = []

    def finish(self) -> "Handshake":
        for _ in range(5):
            self.exchange()
        return self

    @property
    def done(self) -> bool:
        return self.client.state is self.server.state is DtlsState.SECURED


def record(kind: int, body: bytes, *, epoch: int = 0) -> bytes:
    return bytes((kind, 0xFE, 0xFD)) + epoch.to_bytes(2) + bytes(5) + b"\x07" + len(body).to_bytes(2) + body


def message(kind: int, number: int, body: bytes, *, length: int | None = None, offset: int = 0) -> bytes:
    whole = len(body) if length is None else length
    head = bytes((kind,)) + whole.to_bytes(3) + number.to_bytes(2) + offset.to_bytes(3)
    return record(22, head + len(body).to_bytes(3) + body)


def test_both_sides_have_the_same_keys() -> None:
    handshake = Handshake().finish()
    assert handshake.done
    client, server = handshake.client.srtp(), handshake.server.srtp()
    assert client is not None
    assert server is not None
    assert server.unprotect(client.protect(plain(1))) == plain(1)
    assert client.unprotect(server.protect(plain(1))) == plain(1)
    assert max(handshake.sizes) <= MTU


def test_a_certificate_of_another_fingerprint_is_not_believed() -> None:
    handshake = Handshake(believed=STRANGERS).finish()
    assert handshake.server.state is DtlsState.HANDSHAKE
    assert handshake.server.forged >= 1


def test_after_a_stranger_has_tried_the_right_one_is_let_in() -> None:
    handshake = Handshake(believed=STRANGERS).finish()
    client = DtlsSession(STRANGERS, Fingerprint(OURS.fingerprint), server=False)
    handshake.client, handshake.to_server = client, client.tick()
    assert handshake.finish().done


FORGERIES = {
    "alert": record(21, b"\x02\x28"),
    "noise": b"\x16" + bytes(range(60)),
    "cut short": message(CERTIFICATE, 1, bytes(60))[:-5],
    "beyond its end": message(CERTIFICATE, 1, bytes(60), length=50),
    "beyond its end by offset": message(CERTIFICATE, 1, bytes(60), length=100, offset=41),
    "enormous": message(CERTIFICATE, 1, bytes(60), length=1 << 20),
    "a fragment": message(CERTIFICATE, 9, bytes(60), length=900, offset=100),
    "of the wrong side": message(SERVER_HELLO, 0, bytes(60)),
    "finished, in clear": message(20, 4, bytes(12)),
    "application data in clear": record(23, bytes(40)),
    "change of cipher": record(20, b"\x01"),
    "change of no cipher": record(20, b"\x02"),
    "encrypted finished": record(22, bytes(60), epoch=1),
    "encrypted alert": record(21, bytes(40), epoch=1),
    "an old hello": message(CLIENT_HELLO, 0, bytes(60)),
}


@pytest.mark.parametrize("when", range(4))
@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_record_does_not_end_a_handshake(forgery: bytes, when: int) -> None:
    handshake = Handshake()
    for step in range(5):
        if step == when:
            if step == 0 and forgery == FORGERIES["an old hello"]:
                continue  # see the next test
            for answer in handshake.server.receive(forgery):
                assert len(answer) > 0
        handshake.exchange()
    assert handshake.done


def test_a_handshake_begun_by_a_forger_is_begun_anew() -> None:
    handshake = Handshake()
    hello = handshake.to_server
    assert handshake.server.receive(message(CLIENT_HELLO, 0, bytes(60))) == []
    assert handshake.server.forged == 1
    handshake.to_server = hello
    assert handshake.finish().done


def test_the_server_answers_no_forgery() -> None:
    for forgery in FORGERIES.values():
        assert Handshake().server.receive(forgery) == []


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_record_does_not_end_a_connection(forgery: bytes) -> None:
    handshake = Handshake().finish()
    for session in (handshake.server, handshake.client):
        session.receive(forgery)
        session.receive(record(21, b"\x01\x00"))  # close_notify in clear
        assert session.state is DtlsState.SECURED
    closing = handshake.client.close()
    assert closing
    for data in closing:
        handshake.server.receive(data)
    assert handshake.server.state is DtlsState.CLOSED


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([b"", b"\x16\xfe\xfd\0\0\0\0\0\0\0\1", b"\x14\xfe\xfd"]))
def test_no_datagram_raises(data: bytes, start: bytes) -> None:
    plausible(start + data, FROM_CLIENT)
    DtlsSession(OURS, Fingerprint(THEIRS.fingerprint), server=True).receive(start + data)


def test_a_lost_answer_to_the_hello_is_given_again_a_few_times() -> None:
    handshake = Handshake()
    (hello,) = handshake.to_server
    answer = handshake.server.receive(hello)
    assert answer
    repeated = [handshake.server.receive(hello) for _ in range(20)]
    assert repeated[0] == answer
    assert repeated[-1] == []
    handshake.to_server, handshake.to_client = [], repeated[0]
    assert handshake.finish().done


def test_a_lost_flight_is_sent_again() -> None:
    handshake = Handshake()
    handshake.exchange()
    final = handshake.to_server
    for data in final:
        handshake.server.receive(data)  # whose answer is lost
    assert handshake.server.state is DtlsState.SECURED
    assert handshake.client.state is DtlsState.HANDSHAKE
    time.sleep(1.1)  # OpenSSL's timer
    handshake.to_server = handshake.client.tick()
    handshake.exchange()
    assert handshake.done


def test_closing_before_there_are_keys_is_silent_and_final() -> None:
    session = DtlsSession(OURS, Fingerprint(THEIRS.fingerprint), server=False)
    assert session.close() == []
    assert session.tick() == []
    assert session.receive(b"\x16") == []
    assert session.state is DtlsState.CLOSED


def pyopenssl(*, profiles: bytes, version: int | None = None) -> SSL.Connection:
    """Return a client that is not ours."""
    context = SSL.Context(SSL.DTLS_METHOD)
    if version:
        context.set_max_proto_version(version)
    if profiles:
        context.set_tlsext_use_srtp(profiles)
    connection = SSL.Connection(context)
    connection.set_connect_state()
    return connection


def test_without_a_profile_in_common_there_are_no_keys() -> None:
    server = DtlsSession(OURS, Fingerprint(THEIRS.fingerprint), server=True)
    assert server.srtp() is None


def test_what_is_older_than_dtls_1_2_is_refused() -> None:
    server = DtlsSession(OURS, Fingerprint(THEIRS.fingerprint), server=True)
    try:
        client = pyopenssl(profiles=PROFILES[0].name, version=0xFEFF)
        client.do_handshake()
    except SSL.WantReadError:
        pass
    except SSL.Error:
        return  # this OpenSSL does not even speak it
    assert server.receive(client.bio_read(4096)) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha-256",
        "sha-1 " + ":".join(["AB"] * 20),
        "sha-256 " + ":".join(["AB"] * 20),
        "sha-256 " + ":".join(["XY"] * 32),
        "md5 " + ":".join(["AB"] * 16),
    ],
)
def test_a_fingerprint_that_proves_nothing_is_refused(text: str) -> None:
    with pytest.raises(FingerprintError, match="expected"):
        Fingerprint(text)


def test_a_fingerprint_may_be_written_in_either_case() -> None:
    handshake = Handshake()
    handshake.server = DtlsSession(OURS, Fingerprint(THEIRS.fingerprint.lower()), server=True)
    assert handshake.finish().done
    assert OURS.fingerprint.startswith("sha-256 ")
    assert len(OURS.fingerprint) == len("sha-256 ") + 32 * 3 - 1
