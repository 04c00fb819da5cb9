"""The commented settings file that ``passerelle init-config`` writes: each key, its meaning, its default."""

import json
from pathlib import Path
from textwrap import wrap
from typing import Any

from pydantic import BaseModel

from config.settings.problems import secret_keys
from config.settings.sections import Section, Settings

HEAD = """\
# Settings of Passerelle. Every key is here with its default; what you leave out keeps it.
# Environment variables come first: PASSERELLE_LIMITS__CALLS=50 sets calls in [limits].
# Relative file names are found from the folder of this file. Durations are in seconds unless they say _ms.
"""


def template() -> str:
    """The whole file; parsed, it gives exactly the defaults."""
    defaults = Settings()
    parts = [HEAD]
    for name in Settings.model_fields:
        section: Section = getattr(defaults, name)
        parts.append("\n".join(_section(name, section)) + "\n")
    return "\n".join(parts)


def _section(name: str, section: Section) -> list[str]:
    model: type[BaseModel] = type(section)
    lines = [f"# {(model.__doc__ or '').strip()}", f"[{name}]"]
    for key, info in model.model_fields.items():
        value = getattr(section, key)
        lines += [f"# {line}" for line in wrap(info.description or "", 100)]
        lines.append(
            f"# {key} = {_toml(info.examples[0])}"
            if value is None and info.examples
            else f"{key} = {_toml(value)}"
        )
        if key in secret_keys(model):
            lines.append(f'# {key}_file = "{key}.txt"  # a file that holds it, instead')
    return lines


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
        case Path():
            return json.dumps(str(value))
        case _:
            return json.dumps(str(value), ensure_ascii=False)
