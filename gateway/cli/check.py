"""``passerelle check``: what is wrong here, before a caller finds out."""

import asyncio
import os

import click

from config.settings import Problem, Settings, SettingsError
from gateway.checks import check_everything, of_no_use
from gateway.cli.common import config_option, json_option, load_settings, print_json, settings_file


@click.command()
@json_option
@config_option
def check(as_json: bool) -> None:
    """Say what is wrong, and what to do.

    Looks at the settings, ports and addresses, the TLS certificate, the database and its secret file, the
    recordings and the limit of open files. Changes nothing. Ports that a running Passerelle uses are told as
    taken. Warnings are of what has no effect, such as a misspelt file name; with them alone all is well.
    """
    problems: list[Problem] = []
    settings: Settings | None = None
    try:
        settings = load_settings()
    except SettingsError as error:
        problems = error.problems
    else:
        problems = asyncio.run(check_everything(settings))
    warnings = list(of_no_use(settings, os.environ))
    if as_json:
        print_json({"ok": not problems, "problems": _fields(problems), "warnings": _fields(warnings)})
    else:
        for problem in problems:
            click.echo(str(problem), err=True)
        for warning in warnings:
            click.echo(f"Warning: {warning}", err=True)
        if settings is not None and not problems:
            click.echo(_summary(settings))
    if problems:
        click.get_current_context().exit(1)


def _fields(problems: list[Problem]) -> list[dict[str, str]]:
    return [{"key": item.key, "message": item.message, "hint": item.hint} for item in problems]


def _summary(settings: Settings) -> str:
    listeners = ", ".join(map(str, settings.sip.listen))
    calls = f"{settings.limits.calls} calls at once"
    return (
        f"All is well with {settings_file() or 'the defaults'}: SIP on {listeners}; "
        f"sound on ports {settings.media.ports}, {calls}; HTTP on {settings.http.listen}."
    )
