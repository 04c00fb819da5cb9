"""What all commands share: ``--config``, ``--json``, and how a refusal is told.

A command exits 0 on success, 1 when it is refused, 2 when it was called wrongly. A refusal says on standard
error, in a line or two, what went wrong and what to do. With ``--json`` standard output has one JSON value only.
"""

import json
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import IO, Any, Concatenate, ParamSpec, TypeVar

import click
import structlog

from config.outcome import PasserelleError
from config.settings import Settings, load

P = ParamSpec("P")
T = TypeVar("T")

CONFIG_VARIABLE = "PASSERELLE_CONFIG"
DEFAULT_CONFIG = Path("passerelle.toml")

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The settings file.  [default: ${CONFIG_VARIABLE}, then ./{DEFAULT_CONFIG}]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON value and nothing else.")


class Refusal(click.ClickException):
    """A command that could not be carried out: exit code 1."""

    def __init__(self, error: PasserelleError) -> None:
        super().__init__(str(error))
        self.hint = error.hint

    def show(self, file: IO[Any] | None = None) -> None:
        """Print what went wrong, and what to do, on standard error."""
        click.echo(f"passerelle: {self.message}", file=file, err=True)
        if self.hint:
            click.echo(self.hint, file=file, err=True)


def with_settings(command: Callable[Concatenate[Settings, P], T]) -> Callable[..., T]:
    """Add ``--config`` to a command and call it with the settings; its :class:`PasserelleError` is a refusal."""

    @config_option
    @wraps(command)
    def run(config: Path | None, *args: P.args, **kwargs: P.kwargs) -> T:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
        try:
            return command(read_settings(config), *args, **kwargs)
        except PasserelleError as error:
            raise Refusal(error) from error

    return run


def read_settings(config: Path | None) -> Settings:
    """Read the settings from that file, the one that the environment names, or the one in this folder if any.

    Raises :class:`~config.settings.SettingsError`.
    """
    if config is None and (named := os.environ.get(CONFIG_VARIABLE)):
        config = Path(named)
    elif config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    return load(config, os.environ)


def print_json(value: object) -> None:
    """Print the one value that ``--json`` promises."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
