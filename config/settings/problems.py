"""What is wrong with the settings, in words: the key, what was given, what is expected, what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.outcome import Outcome, PasserelleError

Location = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: ``key`` like ``sip.listen[0]``, or the file's name where no key can be named."""

    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class SettingsError(PasserelleError):
    """The settings cannot be used; ``problems`` says all that is wrong, not only the first thing."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)), outcome=Outcome.UNAVAILABLE)
        self.problems = problems


EXPECTED = {
    "bool": "true or false",
    "dict": 'a table like {{ name = "value" }}',
    "enum": "one of {expected}",
    "finite_number": "a number",
    "float": "a number",
    "greater_than_equal": "{ge} or more",
    "int": "a whole number",
    "less_than_equal": "{le} or less",
    "list": 'a list like ["first", "second"]',
    "literal": "{expected}",
    "model": "a table of keys",
    "path": "the path of a file",
    "string": "text",
    "string_too_short": "text that is not empty",
    "too_short": "a list of at least {min_length}",
    "tuple": 'a list like ["first", "second"]',
    "value": "{error}",
}
"""What is expected, by the error type of pydantic or that type's first word; for ``str.format``."""


def problems_of(error: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    """Put what pydantic found into our words; ``model`` is where the fields' descriptions are found."""
    for details in error.errors(include_url=False):
        location = tuple(part for part in details["loc"] if part != "[key]")
        owner, field = _field(model, location)
        if details["type"] == "too_short" and details["input"]:
            continue  # counted after its wrong items were left out; those are told already
        if details["type"] == "extra_forbidden":
            close = get_close_matches(str(location[-1]), owner.model_fields, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(owner.model_fields)}"
            yield Problem(key_of(location), "there is no such key", hint)
            continue
        info = owner.model_fields.get(field)
        secret = info is not None and _is_secret(info.json_schema_extra)
        given = "a value that is kept secret" if secret else describe(details["input"])
        hint = info.description or "" if info else ""
        yield Problem(key_of(location), f"got {given}, expected {_expected(details)}", hint)


def key_of(location: Location) -> str:
    """``("sip", "listen", 0)`` is ``sip.listen[0]``."""
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{printable(part)}" if key else printable(part)
    return key


def describe(value: object) -> str:
    """The kind of a value as TOML calls it, and the value itself."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f'the text "{printable(value[:60])}"'
        case Mapping():
            return "a table"
        case list() | tuple():
            return f"a list of {len(value)}" if value else "an empty list"
        case _:
            return f"the {type(value).__name__} {value}"


def printable(text: str) -> str:
    """In one line: control characters, and octets that were no UTF-8, as Python writes them."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def secret_keys(model: type[BaseModel]) -> list[str]:
    """The keys of a section that may be read from a file, named by ``<key>_file``."""
    return [name for name, info in model.model_fields.items() if _is_secret(info.json_schema_extra)]


def _is_secret(extra: object) -> bool:
    return isinstance(extra, Mapping) and bool(extra.get("secret"))


def _field(model: type[BaseModel], location: Location) -> tuple[type[BaseModel], str]:
    """The model that owns the last field on the way, and that field's name."""
    name = ""
    for part in location:
        info = model.model_fields.get(str(part))
        if info is None:
            break
        name = str(part)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            model, name = info.annotation, ""
    return model, name


def _expected(details: ErrorDetails) -> str:
    kind = details["type"]
    context: dict[str, Any] = details.get("ctx", {})
    form = EXPECTED.get(kind) or EXPECTED.get(kind.split("_")[0])
    return form.format(**context) if form else details["msg"]
