"""What a line of the log looks like, what it never says, and that it waits for nobody."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from config.settings import LogSettings
from gateway import logs
from gateway.logs import Spool, Text, mask


@pytest.fixture(autouse=True)
def undo() -> Iterator[None]:
    """Leave logging as pytest set it up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []  # else the new configuration would close them
    yield
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers = handlers
    root.setLevel(level)


def written(settings: LogSettings, *actions: Any) -> str:
    """What is written while these are called."""
    stream = StringIO()
    spool = logs.configure(settings, stream)
    for action in actions:
        action()
    spool.close()
    return stream.getvalue()


def in_json(*actions: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(LogSettings(format="json"), *actions).splitlines()]


def test_text() -> None:
    def answer() -> None:
        log = structlog.get_logger("sip.call").bind(call="3f9a2c11")
        log.info("Call answered", codec="G722", took_ms=12)

    line = written(LogSettings(), answer)
    time, rest = line.split(" ", 1)
    assert rest == "info    sip.call: Call answered call=3f9a2c11 codec=G722 took_ms=12\n"
    assert len(time) == len("2026-11-22T05:02:06.123Z")
    assert time.endswith("Z")


def test_lists() -> None:
    line = written(
        LogSettings(), lambda: structlog.get_logger("x").info("Ready", sip=["udp:[::1]:5060", "tcp:a"])
    )
    assert line.endswith("x: Ready sip=udp:[::1]:5060,tcp:a\n")


def test_json() -> None:
    log = structlog.get_logger("sip.call")
    [line] = in_json(lambda: log.warning("Odd “answer”", call="3f9a2c11", list=[1, "a"]))
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "sip.call",
        "event": "Odd “answer”",
        "call": "3f9a2c11",
        "list": [1, "a"],
    }


def test_the_call_is_on_lines_of_its_context() -> None:
    def in_call() -> None:
        with structlog.contextvars.bound_contextvars(call="3f9a2c11"):
            structlog.get_logger("bridge").info("Ours")
            logging.getLogger("some.library").error("Theirs")

    assert [line["call"] for line in in_json(in_call)] == ["3f9a2c11", "3f9a2c11"]


def test_what_libraries_log() -> None:
    lines = in_json(
        lambda: logging.getLogger("hypercorn.error").info("Running on http://x"),
        lambda: logging.getLogger("hypercorn.error").error("Error in %s", "ASGI"),
        lambda: logging.getLogger("alembic.runtime").warning("odd"),
    )
    assert [line["event"] for line in lines] == ["Error in ASGI", "odd"]


@pytest.mark.parametrize("name", ["sqlalchemy.engine.Engine", "aiosqlite"])
def test_rows_of_the_database_are_told_at_no_level(name: str) -> None:
    library = logging.getLogger(name)
    assert written(LogSettings(level="debug"), lambda: library.debug("Row %r", (b"digest",))) == ""
    assert "lost" in written(LogSettings(level="debug"), lambda: library.warning("connection lost"))


def test_a_long_value_is_cut_but_no_trace() -> None:
    def fail() -> None:
        log = structlog.get_logger("x")
        try:
            raise ValueError("v" * 1000)
        except ValueError:
            log.exception("A call failed", name="n" * 1000)

    [line] = in_json(fail)
    assert line["name"] == "n" * 500 + "…"
    assert "v" * 1000 in line["exception"]


def test_level() -> None:
    log = structlog.get_logger("x")
    assert written(LogSettings(level="error"), lambda: log.warning("no")) == ""
    assert "yes" in written(LogSettings(level="debug"), lambda: structlog.get_logger("y").debug("yes"))


def test_traces() -> None:
    def fail() -> None:
        try:
            raise ValueError("sip:482913@host is odd")
        except ValueError:
            structlog.get_logger("x").exception("It failed")

    text = written(LogSettings(), fail)
    assert "x: It failed\n    Traceback (most recent call last):\n" in text
    assert "ValueError: sip:****@host is odd" in text
    [line] = in_json(fail)
    assert "Traceback" in line["exception"]


@pytest.mark.parametrize(
    ("key", "value", "masked"),
    [
        ("pin", "482913", "***"),
        ("pin", 482913, "***"),
        ("host_pin", "482913", "***"),
        ("password", "x", "***"),
        ("api_secret", "x", "***"),
        ("Authorization", "Digest x", "***"),
        ("pin", None, None),
        ("pin_failures", 3, 3),
        ("token_file", "/etc/token", "/etc/token"),
        ("caller", "+33123456742", "+33 1 ** ** ** 42"),
        ("uri", "sip:budget.482913@host", "sip:budget.****@host"),
        ("dialled", "482913", "****"),
        ("peer", "192.0.2.1:5060", "192.0.2.1:5060"),
        (
            "detail",
            "no answer from sip:482913@host;transport=tcp",
            "no answer from sip:****@host;transport=tcp",
        ),
        ("link", "tel:+33123456742,,482913#", "tel:+33 1 ** ** ** 42"),
        ("event", "Call to sip:482913@host failed", "Call to sip:****@host failed"),
        ("options", {"pin": "482913", "room": "budget"}, {"pin": "***", "room": "budget"}),
        ("uris", ["sip:482913@host"], ["sip:****@host"]),
        ("calls", 12, 12),
    ],
)
def test_mask(key: str, value: object, masked: object) -> None:
    assert mask(None, "info", {key: value}) == {key: masked}


def test_masking_twice_is_masking_once() -> None:
    once = mask(None, "info", {"caller": "+33123456742", "uri": "sip:+33123456742@trunk"})
    assert mask(None, "info", dict(once)) == once


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        ("a\nfake line", '"a\\nfake line"'),
        ("\x1b[2J", '"\\u001b[2J"'),
        ("\u009b2J", '"\\u009b2J"'),
        ("a\u202eb", '"a\\u202eb"'),
        ("x=y", '"x=y"'),
        ('say "x"', '"say \\"x\\""'),
        ("Zoë", "Zoë"),
        ("", '""'),
    ],
)
def test_strangers_can_neither_forge_lines_nor_drive_the_terminal(value: str, shown: str) -> None:
    event = {"timestamp": "T", "level": "info", "logger": "x", "event": "Seen", "agent": value}
    assert Text(colour=False)(None, "info", event) == f"T info    x: Seen agent={shown}"


def test_colour_only_on_a_terminal() -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    spool = logs.configure(LogSettings(), stream)
    structlog.get_logger("x").error("red")
    spool.close()
    assert "\x1b[31m" in stream.getvalue()
    assert "\x1b" not in written(LogSettings(), lambda: structlog.get_logger("x").error("plain"))


class Stuck(StringIO):
    """A pipe that nobody reads, until `released`."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.released = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        self.released.wait(30)
        return super().write(text)


def test_a_stuck_stream_stops_nobody_and_loss_is_told() -> None:
    stream = Stuck()
    spool = Spool(stream, backlog=5)
    record = logging.makeLogRecord({"msg": "line"})
    spool.emit(record)
    assert stream.reached.wait(10)
    for _ in range(12):
        spool.emit(record)
    assert spool.lost == 7
    stream.released.set()
    spool.close()
    assert stream.getvalue().splitlines().count("line") == 6
    assert "(7 lines of log were lost here)" in stream.getvalue()


def test_a_reader_that_went_away_is_no_trouble() -> None:
    class Gone(StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    spool = Spool(Gone())
    spool.emit(logging.makeLogRecord({"msg": "line"}))
    spool.close()
    assert spool.lost == 1


def test_twisted_logs_here_too() -> None:
    script = (
        "from config.settings import LogSettings; from gateway import logs\n"
        "from twisted.logger import Logger; from twisted.python.failure import Failure\n"
        "spool = logs.configure(LogSettings(format='json')); logs.capture_twisted()\n"
        "Logger('t').info('chatter'); Logger('t').error('Trouble with {what}', what='it')\n"
        "spool.close()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    [line] = map(json.loads, done.stderr.splitlines())
    assert (line["logger"], line["level"], line["event"]) == ("twisted", "error", "Trouble with it")
