import re

import pytest

from config.texts import LANGUAGES, Language, Phrase, texts
from config.texts.en import NUMBERS as ENGLISH_NUMBERS
from config.texts.fr import NUMBERS as FRENCH_NUMBERS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_has_a_text_of_its_own(language: Language) -> None:
    catalogue = texts(language)
    assert catalogue.keys() == set(Phrase)
    same = [phrase for phrase in Phrase if list(catalogue.values()).count(catalogue[phrase]) > 1]
    assert same == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_sentences_in_plain_typography(language: Language) -> None:
    for phrase, text in texts(language).items():
        assert re.fullmatch(r"[A-ZÉ].*\.", text), phrase
        assert not re.search(r"['\"]|  |\s$|\.\.", text), phrase


def test_numbers_run_from_two_to_twenty() -> None:
    assert len(FRENCH_NUMBERS) == len(ENGLISH_NUMBERS) == 19
    assert texts("fr")[Phrase.OTHERS_20] == "Vingt autres personnes sont présentes."
    assert texts("en")[Phrase.OTHERS_2] == "There are two other people here."


def test_what_is_said_before_hanging_up_says_goodbye() -> None:
    for phrase in list(Phrase)[list(Phrase).index(Phrase.GOODBYE) :]:
        assert texts("fr")[phrase].endswith("Au revoir.")
        assert texts("en")[phrase].endswith("Goodbye.")
