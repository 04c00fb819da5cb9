"""What the page says, in each language: one catalogue a language, sent to the browser as JSON.

A key names the place and the thing (``people.mute``). ``{name}`` is filled in by the page. Where a text
depends on a ``{count}`` there is one text for each plural form of the language that is used, by its CLDR
name (``people.count.one``, ``people.count.other``).
"""

from collections.abc import Mapping
from types import MappingProxyType

from config.texts import Language
from config.texts.page import en, fr

__all__ = ["page_texts"]

_TEXTS: Mapping[Language, Mapping[str, str]] = {
    "fr": MappingProxyType(fr.TEXTS),
    "en": MappingProxyType(en.TEXTS),
}


def page_texts(language: Language) -> Mapping[str, str]:
    """Every text of the page, by key."""
    return _TEXTS[language]
