"""What Passerelle says, in each language: one catalogue a language, from which the recordings are made too.

After changing a text, run ``tools/make_prompts.py``: a test compares each recording's title with its text.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from config.texts import en, fr
from config.texts.phrase import Phrase

__all__ = ["LANGUAGES", "Language", "Phrase", "texts"]

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_TEXTS: Mapping[Language, Mapping[Phrase, str]] = {
    "fr": MappingProxyType(fr.TEXTS),
    "en": MappingProxyType(en.TEXTS),
}


def texts(language: Language) -> Mapping[Phrase, str]:
    """The text of every phrase."""
    return _TEXTS[language]
