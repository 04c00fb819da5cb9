"""``passerelle serve``: run the gateway."""

import os
from pathlib import Path

import click
import structlog

from config.settings import SettingsError
from gateway import demo as demo_mode
from gateway import logs
from gateway.checks import check_files, check_ports, of_no_use
from gateway.cli.common import config_option, load_settings
from gateway.process import raise_file_limit

log = structlog.get_logger(__name__)


@click.command()
@click.option(
    "--demo", is_flag=True, help="Try it here: keep everything in ./var, make a room, say what to dial."
)
@click.option("--lan", is_flag=True, help="With --demo: for the local network, not only from here.")
@config_option
def serve(demo: bool, lan: bool) -> None:
    """Take calls until told to stop.

    SIGTERM stops gently: no new calls are taken and running ones may finish, for as long as
    limits.drain_seconds says. SIGINT (Ctrl-C) ends all calls at once. A second signal goes a step further.
    The log goes to standard error. Ready when /readyz says 200.
    """
    if lan and not demo:
        raise click.UsageError("--lan goes with --demo; otherwise set sip.listen and media.address.")
    overlay = {}
    if demo:
        address = demo_mode.lan_address() if lan else None
        nearby = None if lan else demo_mode.nearby_address()
        overlay = demo_mode.overlay(Path.cwd(), address, nearby)
        demo_mode.make_folder(Path.cwd())
        if address is not None:
            demo_mode.provide_certificate(Path.cwd(), address)
    settings = load_settings(overlay)
    files = raise_file_limit()
    if problems := [*check_ports(settings), *check_files(settings, files)]:
        raise SettingsError(problems)
    spool = logs.configure(settings.log)
    logs.capture_twisted()
    for each in of_no_use(settings, os.environ):
        log.warning(
            "Something that was set has no effect", key=each.key, problem=each.message, hint=each.hint
        )
    try:
        from gateway import app  # the whole house: not needed to print help or refuse to start

        app.run(settings, demo=demo, lan=lan, log_lines_lost=lambda: spool.lost)
    finally:
        spool.close()
