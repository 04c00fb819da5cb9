"""What every command has: ``--config``, ``--json``, and how it tells what went wrong."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from config.settings import Settings, load

DEFAULT_FILE = Path("passerelle.toml")
_CONFIG = "passerelle.config"


def _keep(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.meta[_CONFIG] = value  # shared by the command and its groups; the innermost wins


config_option = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    expose_value=False,
    callback=_keep,
    help="The settings file. Default: $PASSERELLE_CONFIG, then ./passerelle.toml, if there is one.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON value on standard output and nothing else."
)


def settings_file() -> Path | None:
    """The settings file this command should use; ``None`` when there is none and defaults hold."""
    given = click.get_current_context().meta.get(_CONFIG) or os.environ.get("PASSERELLE_CONFIG")
    if given:
        return Path(given)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def load_settings(overlay: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of this command; ``overlay`` is laid over the file and under the environment.

    Raises:
        SettingsError: which ``gateway.__main__`` prints.
    """
    return load(settings_file(), {**(overlay or {}), **os.environ})


def print_json(value: Any) -> None:
    """Print the one JSON value of a command."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
