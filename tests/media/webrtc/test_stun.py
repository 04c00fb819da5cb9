"""STUN: the vectors of RFC 5769, round trips, and everything that must be dropped without a word."""

from binascii import crc32
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.webrtc import stun
from media.webrtc.stun import Attribute, Message, MessageType
from tests.fuzz.mutation import mutate, seeds
from tests.fuzz.stun import KEY, examine

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
# RFC 5769 sections 2.1 to 2.3, under KEY.
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
)
RESPONSE_V4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
MAPPED_V6 = bytes.fromhex("0002a1470113a9faa5d3f179bc25f4b5bed2b9d9")


def parsed(data: bytes) -> Message:
    message = stun.parse(data)
    assert message is not None
    return message


def resealed(data: bytes) -> bytes:
    """Mend length and fingerprint of something tampered with; not its integrity, of course."""
    body = data[:2] + (len(data) - 20).to_bytes(2) + data[4:-8]
    return body + b"\x80\x28\x00\x04" + (crc32(body) ^ 0x5354554E).to_bytes(4)


def test_the_request_of_rfc_5769() -> None:
    message = parsed(REQUEST)
    assert message.type is MessageType.REQUEST
    assert message.transaction == TRANSACTION
    assert message.username == (b"evtj", b"h6vY")
    assert message.number(Attribute.PRIORITY) == 0x6E0001FF
    assert message.number(Attribute.ICE_CONTROLLED) == 0x932FF9B151263B36
    assert Attribute.USE_CANDIDATE not in message.attributes
    assert message.unknown == ()
    assert message.authenticates(KEY)
    assert not message.authenticates(KEY + b"!")


def test_the_responses_of_rfc_5769() -> None:
    message = parsed(RESPONSE_V4)
    assert message.type is MessageType.SUCCESS
    assert message.authenticates(KEY)
    address = ("192.0.2.1", 32853)
    assert message.attributes[Attribute.XOR_MAPPED_ADDRESS] == stun.xor_address(address, TRANSACTION)
    six = ("2001:db8:1234:5678:11:2233:4455:6677", 32853, 0, 0)
    assert stun.xor_address(six, TRANSACTION) == MAPPED_V6


def test_an_address_with_a_scope_is_written_without_it() -> None:
    assert stun.xor_address(("fe80::1%lo", 1, 0, 3), TRANSACTION) == stun.xor_address(
        ("fe80::1", 1, 0, 3), TRANSACTION
    )


@settings(max_examples=50, deadline=None)
@given(
    username=st.binary(max_size=200),
    priority=st.integers(0, 2**32 - 1),
    tie_breaker=st.integers(0, 2**64 - 1),
    transaction=st.binary(min_size=12, max_size=12),
    key=st.binary(min_size=1, max_size=70),
)
def test_what_is_written_reads_the_same(
    username: bytes, priority: int, tie_breaker: int, transaction: bytes, key: bytes
) -> None:
    message = parsed(stun.request(transaction, username, priority, tie_breaker, key))
    assert message.attributes == {
        Attribute.USERNAME: username,
        Attribute.PRIORITY: priority.to_bytes(4),
        Attribute.ICE_CONTROLLED: tie_breaker.to_bytes(8),
    }
    assert message.transaction == transaction
    assert message.authenticates(key)


def test_an_answer_carries_the_question_s_transaction() -> None:
    asked = parsed(REQUEST)
    answer = parsed(stun.success(asked, ("192.0.2.1", 32853), KEY))
    assert (answer.type, answer.transaction) == (MessageType.SUCCESS, TRANSACTION)
    refusal = parsed(stun.error(asked, stun.ROLE_CONFLICT, "Role Conflict", KEY))
    assert refusal.attributes[Attribute.ERROR_CODE] == b"\0\0\x04\x57Role Conflict"


def test_what_must_be_understood_and_is_not_is_named() -> None:
    asked = parsed(stun.write(MessageType.REQUEST, TRANSACTION, [(0x7777, b"?"), (0x9999, b"!")], KEY))
    assert asked.unknown == (0x7777,)
    refusal = parsed(stun.error(asked, stun.UNKNOWN_ATTRIBUTE, "Unknown Attribute", KEY))
    assert refusal.attributes[Attribute.UNKNOWN_ATTRIBUTES] == b"\x77\x77"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (Attribute.PRIORITY, b"\x6e\x00\x01"),  # three octets: raised past the handler of the prototype
        (Attribute.PRIORITY, b""),
        (Attribute.PRIORITY, bytes(8)),
        (Attribute.USE_CANDIDATE, b"\x01"),
        (Attribute.ICE_CONTROLLING, bytes(7)),
        (Attribute.MESSAGE_INTEGRITY, bytes(19)),
        (Attribute.FINGERPRINT, bytes(4)),  # not the last
        (Attribute.NOMINATION, b"\x01"),
        (Attribute.USERNAME, bytes(514)),
    ],
)
def test_an_attribute_of_the_wrong_size_or_place_is_malformed(attribute: Attribute, value: bytes) -> None:
    assert stun.parse(stun.write(MessageType.REQUEST, TRANSACTION, [(attribute, value)], KEY)) is None


@pytest.mark.parametrize("size", range(0, len(REQUEST), 3))
def test_what_is_cut_short_is_malformed(size: int) -> None:
    assert stun.parse(REQUEST[:size]) is None


def test_without_its_fingerprint_it_is_not_stun() -> None:
    without = REQUEST[:-8]
    assert stun.parse(without[:2] + (len(without) - 20).to_bytes(2) + without[4:]) is None
    assert stun.parse(REQUEST[:-1] + b"\x00") is None


def test_other_methods_and_cookies_are_not_ours() -> None:
    assert stun.parse(resealed(b"\x00\x03" + REQUEST[2:])) is None
    assert stun.parse(resealed(REQUEST[:4] + bytes(4) + REQUEST[8:])) is None


def test_what_follows_the_integrity_is_not_read() -> None:
    use_candidate = b"\x00\x25\x00\x00"
    message = parsed(resealed(REQUEST[:-8] + use_candidate + REQUEST[-8:]))
    assert message.authenticates(KEY)
    assert Attribute.USE_CANDIDATE not in message.attributes


def test_what_is_put_before_the_integrity_breaks_it() -> None:
    use_candidate = b"\x00\x25\x00\x00"
    message = parsed(resealed(REQUEST[:-32] + use_candidate + REQUEST[-32:]))
    assert Attribute.USE_CANDIDATE in message.attributes
    assert not message.authenticates(KEY)


def test_without_integrity_nothing_authenticates() -> None:
    message = parsed(stun.write(MessageType.REQUEST, TRANSACTION, [(Attribute.USERNAME, b"a:b")], None))
    assert not message.authenticates(KEY)
    assert not message.authenticates(b"")


def test_of_two_the_first_counts() -> None:
    twice = [(Attribute.USERNAME, b"one:x"), (Attribute.USERNAME, b"two:x")]
    assert parsed(stun.write(MessageType.REQUEST, TRANSACTION, twice, KEY)).username == (b"one", b"x")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_no_datagram_raises(data: bytes) -> None:
    stun.parse(data)
    stun.parse(resealed(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + TRANSACTION + data + bytes(8)))


def test_a_short_run_of_the_fuzzer() -> None:
    corpus = seeds("stun")
    assert REQUEST in corpus
    random = Random(1)
    for data in corpus:
        examine(data)
    for _ in range(1000):
        examine(mutate(corpus, random))
