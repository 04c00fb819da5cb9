"""Whatever is written for a key: settings, or an error that says what is wrong with it. Nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.settings import Settings, SettingsError, load
from config.settings.problems import secret_keys

KEYS = [
    (section, key)
    for section, model in Settings()
    for key in (*type(model).model_fields, *(f"{secret}_file" for secret in secret_keys(type(model))))
]
BEGINNINGS = [
    "",
    "[",
    "{",
    "[" * 5000,
    "~",
    "~nobody-of-that-name/",
    "9" * 5000,
    "sqlite:///",
    "udp:",
    "http://[",
]

texts = st.builds(str.__add__, st.sampled_from(BEGINNINGS), st.text(st.characters(exclude_categories=["Cs"])))
values = st.recursive(
    st.booleans() | st.integers() | st.just(10**400) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "passerelle.toml"


def toml(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case float():
            return repr(value)
        case _:
            return json.dumps(value)


def refused_at_most(file: Path, environ: dict[str, str]) -> None:
    problems = None
    try:
        settings = load(file, environ)
    except SettingsError as error:
        problems = error.problems
    else:
        assert isinstance(settings, Settings)
    assert problems != []
    for problem in problems or ():
        assert f"{problem.message} {problem.hint}".encode(), "it can be printed"


@given(st.sampled_from(KEYS), values)
@example(("ivr", "languages"), "en")
@example(("database", "url_file"), "\0")
@example(("webrtc", "turn_secret_file"), "\0")
@example(("webrtc", "turn_secret_file"), "~nobody-of-that-name/x")
@example(("database", "secret_file"), "\0")
@example(("ivr", "prompts"), "~nobody-of-that-name/x")
def test_any_value_in_the_file(file: Path, where: tuple[str, str], value: Any) -> None:
    section, key = where
    file.write_text(f"[{section}]\n{key} = {toml(value)}\n", encoding="utf-8")
    refused_at_most(file, {})


@given(st.sampled_from(KEYS), texts | st.text())
@example(("ivr", "languages"), "meet-en=en")
@example(("database", "url_file"), "\0")
@example(("sip", "listen"), "[" * 5000)
@example(("media", "ports"), "9" * 5000 + "-1")
@example(("log", "level"), "\udcff")
def test_any_text_in_the_environment(file: Path, where: tuple[str, str], value: str) -> None:
    section, key = where
    file.write_text("")
    refused_at_most(file, {f"PASSERELLE_{section}__{key}".upper(): value})


@given(st.text(), st.text())
def test_any_variable(file: Path, name: str, value: str) -> None:
    file.write_text("")
    refused_at_most(file, {f"PASSERELLE_{name}": value})
