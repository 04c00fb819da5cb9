"""The command line, one file a noun; this is the root, whose help is the first thing a newcomer reads."""

import sys

import click
import structlog

from gateway.cli.check import check
from gateway.cli.common import config_option
from gateway.cli.init_config import init_config
from gateway.cli.room import room
from gateway.cli.serve import serve
from gateway.metrics import software_version


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,  # no command is wrong usage, told in two lines as any other
)
@click.version_option(software_version(), "-V", "--version", message="passerelle %(version)s")
@config_option
def passerelle() -> None:
    """Let telephones take part in meetings.

    Passerelle is a SIP gateway: someone calls a number, hears a voice, types the PIN of a room and is in
    the meeting with whoever else called.

    \b
    First steps:
      passerelle serve --demo          try it here: makes a room, says what to dial
      passerelle serve --demo --lan    the same, for telephones on your network

    \b
    For good:
      passerelle init-config --output passerelle.toml    then edit it, every key is explained
      passerelle check                                   says what is wrong, and what to do
      passerelle room add "Budget committee"             prints the PIN and what to dial
      passerelle serve

    Every key of the settings can also be set in the environment: PASSERELLE_LIMITS__CALLS=50 sets calls in
    [limits]. Every command exits with 0 when it did its work, 1 when it could not, 2 when it was not
    called properly.
    """
    structlog.configure(logger_factory=_stderr_logger)  # until ``serve`` knows what the settings say


def _stderr_logger(*_names: str) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)


for command in (serve, check, room, init_config):
    passerelle.add_command(command)
