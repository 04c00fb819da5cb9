"""Fields: what names and lines of chat may hold."""

from __future__ import annotations

import pytest

from conferencing.embedded.fields import FieldError, Text

NAME = Text(80)
CHAT = Text(2000, lines=True)


@pytest.mark.parametrize(
    "text",
    [
        "Anna",
        "Zoë 👋🏽",
        "Nguyễn Thị Ánh",
        "Nguye\u0302\u0303n",  # marks of their own
        "👩\u200d💻",
        "❤\ufe0f",
        "علی\u200cرضا",  # the two halves of a Persian name are kept apart
        "שָׁלוֹם",
        "བསྒྲུབས",
        "7",
        "?",
    ],
)
def test_names_in_all_scripts(text: str) -> None:
    assert NAME.read(f"  {text}\u00a0") == text
    assert CHAT.read(f"\n  {text}\n") == text


@pytest.mark.parametrize(
    "text",
    [
        *("\u200b", "\u200d", "\u2060\u200d", "\u2800", "\u3164", "\uffa0\u115f"),
        *("\u0301", "\u200e \u200f", "\ufe0f"),
        *("\u202eannA", "a\u2066b", "a\x07b", "a\ud800", "a\u2028b", "\U000e0fff"),
        "Z" + "\u0335\u0336\u0337" * 3,
        "a" + "\u0488" * 7,
    ],
)
def test_neither_names_nor_lines_trick_or_are_invisible(text: str) -> None:
    for kind in (NAME, CHAT):
        with pytest.raises(FieldError):
            kind.read(text)


@pytest.mark.parametrize(
    "text", ["Anna\u200b", "A\u00adnna", "Anna\u200f", "Anna\u3164", "\ufeffAnna", "a\nb"]
)
def test_what_is_pasted_along_is_let_be_in_lines_but_not_in_names(text: str) -> None:
    assert CHAT.read(text) == text
    with pytest.raises(FieldError):
        NAME.read(text)


@pytest.mark.parametrize("text", ["", "   ", " \n\r\n\t ", "\u3000"])
def test_blanks_are_no_line(text: str) -> None:
    with pytest.raises(FieldError, match="at least 1"):
        CHAT.read(text)
    assert Text(80, least=0).read(text) == ""
