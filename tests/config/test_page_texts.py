"""The page's catalogue, held against itself and against the page."""

import re
from importlib import resources

import pytest

from conferencing.embedded.messages import Code
from config.texts import LANGUAGES, Language
from config.texts.page import page_texts
from gateway.web.problems import ERRORS

PLURAL = re.compile(r"\.(?:one|other)$")
SOURCES = "\n".join(
    file.read_text() for file in (resources.files("gateway.web.page")).iterdir() if file.name.endswith(".js")
)
LITERAL = re.compile(r'"([a-z]+(?:\.[a-z_]+)+)"')
PATTERN = re.compile(r"`([a-z]+\.[^`]*\$\{[^`]*)`")
NO_TEXTS = {
    "icon.svg",
    "passerelle.devices",
    "passerelle.language",
    "passerelle.name",
    "passerelle.shortcuts",
}


SETTLED = {"bad_token", "unknown_session", "unknown_type"}
"""Codes that the page answers by itself: it joins anew."""


def keys() -> set[str]:
    """Of the catalogue, those of plural forms as one."""
    return {PLURAL.sub("", key) for key in page_texts("en")}


def holes(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_every_language_has_the_same_texts_with_the_same_holes() -> None:
    english = page_texts("en")
    for language in LANGUAGES:
        texts = page_texts(language)
        assert texts.keys() == english.keys()
        assert {key for key in texts if holes(texts[key]) != holes(english[key])} == set()


def test_the_page_finds_every_text_it_names() -> None:
    named = set(LITERAL.findall(SOURCES)) - NO_TEXTS
    assert {name for name in named if not name.endswith((".js", ".json"))} - keys() == set()


def test_every_text_is_used() -> None:
    literal = set(re.findall(r'["\'`]([a-z_.]+)["\'`]', SOURCES))
    patterns = [
        re.compile(r"[\w.]*".join(map(re.escape, re.split(r"\$\{[^`]*?\}(?=[^}]*$|[.`])", pattern))))
        for pattern in PATTERN.findall(SOURCES)
    ]
    unused = {
        key
        for key in keys()
        if key not in literal and not any(pattern.fullmatch(key) for pattern in patterns)
    }
    assert unused == set()


def test_there_are_words_for_every_error_the_server_may_tell() -> None:
    codes = {code for _, code in ERRORS.values()} | set(Code)
    assert {code for code in codes - SETTLED if f"error.{code}" not in keys()} == set()
    assert codes >= SETTLED


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_in_good_typography(language: Language) -> None:
    for key, text in page_texts(language).items():
        assert not re.search(r"['\"]|  |\.\.|^\s|\s$", text), key
        if language == "fr" and "{" not in text:
            assert not re.search(r"(?<!\u00a0)[?!;»]|(?<![\u00a0\w/])«(?!\u00a0)", text), key
