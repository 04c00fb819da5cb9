"""The vocabulary: what is read, what is refused, what goes out."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conferencing.embedded import messages
from conferencing.embedded.messages import (
    FROM_PAGE,
    MOST_SDP,
    TO_PAGE,
    Code,
    Error,
    Message,
    decode,
    encode,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
FIELDS = sorted({field.name for kind in FROM_PAGE.values() for field in fields(kind)})


def refused(message: dict[str, Any]) -> Error:
    answer = decode(json.dumps(message))
    assert isinstance(answer, Error), answer
    return answer


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": "leave"}', messages.Leave()),
        (
            '{"type": "hello", "version": 1, "token": "abc", "name": " Anna ", "later": []}',
            messages.Hello(1, "abc", "Anna"),
        ),
        (
            '{"type": "want", "tiles": [{"participant": "a", "height": 360}]}',
            messages.Want((messages.Tile("a", 360),)),
        ),
        ('{"type": "chat", "text": "une\\r\\ndeux"}', messages.SendChat("une\r\ndeux")),
        ('{"type": "reaction", "emoji": "👩‍💻"}', messages.SendReaction("👩‍💻")),
        ('{"type": "reaction", "emoji": "❤️"}', messages.SendReaction("❤️")),
        ('{"type": "reaction", "emoji": "🇫🇷"}', messages.SendReaction("🇫🇷")),
        ('{"type": "admit", "all": true}', messages.Admit(all=True)),
        ('{"type": "admit", "participant": "a"}', messages.Admit("a")),
        ('{"type": "rename", "participant": "a", "name": "Zoë 👋🏽"}', messages.Rename("a", "Zoë 👋🏽")),
    ],
)
def test_what_is_understood(text: str, message: Message) -> None:
    assert decode(text) == message


@pytest.mark.parametrize(
    ("message", "code", "says"),
    [
        ({"type": "dance"}, Code.UNKNOWN_TYPE, "type"),
        ({"type": ["chat"]}, Code.INVALID, "type"),
        ({"type": "chat"}, Code.INVALID, "text is missing"),
        ({"type": "chat", "text": 5}, Code.INVALID, "text:"),
        ({"type": "chat", "text": ""}, Code.INVALID, "at least 1"),
        ({"type": "chat", "text": "x" * 2001}, Code.INVALID, "at most 2000"),
        ({"type": "chat", "text": "x" * 5000}, Code.TOO_LONG, "at most"),
        ({"type": "chat", "text": "a\x07b"}, Code.INVALID, "control"),
        ({"type": "rename", "participant": "a", "name": "two\nlines"}, Code.INVALID, "control"),
        ({"type": "rename", "participant": "a", "name": "\u202enimdA"}, Code.INVALID, "control"),
        ({"type": "rename", "participant": "a", "name": "   "}, Code.INVALID, "at least 1"),
        ({"type": "reaction", "emoji": "<b>"}, Code.INVALID, "emoji"),
        ({"type": "reaction", "emoji": "👏" * 17}, Code.INVALID, "emoji"),
        ({"type": "hand", "raised": 1}, Code.INVALID, "true or false"),
        ({"type": "hello", "version": True, "token": "a", "name": "a"}, Code.INVALID, "whole number"),
        ({"type": "want", "tiles": [{"participant": "a", "height": -1}]}, Code.INVALID, "height"),
        ({"type": "want", "tiles": ["a"]}, Code.INVALID, "object"),
        ({"type": "want", "tiles": [{"participant": "a", "height": 1}] * 33}, Code.INVALID, "32"),
        ({"type": "offer", "sdp": ""}, Code.INVALID, "1 to"),
        ({"type": "offer", "sdp": "v=0\r\ns=\0\r\n"}, Code.INVALID, "control"),
        ({"type": "offer", "sdp": "v=0\r\ns=é\r\n"}, Code.INVALID, "ASCII"),
        ({"type": "offer", "sdp": "v" * (MOST_SDP + 1)}, Code.INVALID, str(MOST_SDP)),
        ({"type": "offer", "sdp": "v" * (2 * MOST_SDP)}, Code.TOO_LONG, str(MOST_SDP)),
    ],
)
def test_what_is_refused(message: dict[str, Any], code: Code, says: str) -> None:
    error = refused(message)
    assert error.code is code
    assert says in error.message


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", '"leave"', "[" * 100_000, '{"type": NaN}'])
def test_what_is_no_message(text: str) -> None:
    answer = decode(text)
    assert isinstance(answer, Error)
    assert answer.code is Code.INVALID


def test_an_offer_of_a_browser_with_all_its_codecs_fits() -> None:
    sdp = "a=rtpmap:96 VP8/90000\r\n" * 5000
    assert decode(json.dumps({"type": "offer", "sdp": sdp})) == messages.Offer(sdp)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FROM_PAGE)), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6))
def test_whatever_the_fields_hold_they_are_read_or_refused(kind: str, body: dict[str, Any]) -> None:
    answer = decode(json.dumps({**body, "type": kind}))
    if isinstance(answer, Error):
        assert answer.about == kind
        encode(answer, 1).encode()
    else:
        assert type(answer) is FROM_PAGE[kind]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | JSON.map(json.dumps))
def test_whatever_comes_is_answered(text: str) -> None:
    answer = decode(text)
    if isinstance(answer, Error):
        encode(answer, 0).encode()


def test_every_type_has_its_name_and_every_message_its_type() -> None:
    assert set(FROM_PAGE.values()) == set(get_args(messages.Message))
    assert set(TO_PAGE) == set(get_args(messages.Event))
    assert len(set(TO_PAGE.values())) == len(TO_PAGE)


def test_events_are_numbered_json() -> None:
    line = messages.Line("1", "anna", "Anna", "é", "2026-01-01T00:00:00.000+00:00")
    assert json.loads(encode(messages.Chatted(line), 7)) == {
        "type": "chat",
        "n": 7,
        "message": {
            "id": "1",
            "from": "anna",
            "name": "Anna",
            "text": "é",
            "at": "2026-01-01T00:00:00.000+00:00",
        },
    }
    assert json.loads(encode(Error(Code.INVALID, "no", "chat"), 8))["code"] == "invalid"
