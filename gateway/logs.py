"""The log: one line an event on standard error, as text to read or JSON to collect.

Everything arrives here: our own events (structlog, straight to the spool) and those of Twisted, Hypercorn,
SQLAlchemy and Alembic (stdlib logging, whose records cost twice as much). On its way a line is given

- a time, ISO 8601 in UTC with milliseconds, a level and the logger's name;
- what :mod:`structlog.contextvars` holds. A call binds ``call`` there or to its own logger, so each of its
  lines can be found by it;
- a second line of defence for secrets, should an event carry one in spite of the rules: values whose key
  ends in a word such as ``pin`` or ``password`` are struck out, numbers and SIP URIs are masked, and what is
  longer than ``LONGEST`` is cut.

Lines are rendered at once, on the loop, and written by a thread: a terminal that is stopped or a pipe that
nobody reads must not stop the audio. At most ``BACKLOG`` lines wait; beyond that lines are lost, counted,
and the next line that gets through says how many.
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from queue import SimpleQueue
from threading import Thread
from time import sleep
from typing import TextIO, cast

import structlog
from structlog.types import EventDict, Processor, WrappedLogger
from twisted.logger import ILogObserver, STDLibLogObserver, globalLogBeginner

from config.masking import mask_number, mask_uri, mask_user
from config.settings import LogSettings

BACKLOG = 10_000
FLUSH_SECONDS = 2.0
QUIET = ("twisted", "hypercorn", "alembic", "asyncio", "aioice")
"""Loggers whose informative messages interest only those who debug."""
SILENT = ("sqlalchemy", "aiosqlite")
"""Those whose messages below a warning tell the rows of the database, and some thirty lines for each call."""
LONGEST = 500
"""Characters of a value; a stranger's name or header may have 60,000."""
WHOLE = frozenset({"exception", "stack"})

STRUCK_OUT = "***"
SECRET_KEYS = frozenset(
    (
        "pin",
        "pins",
        "password",
        "passphrase",
        "secret",
        "token",
        "authorization",
        "credentials",
        "cookie",
        "ha1",
    )
)
URI_KEYS = frozenset({"uri", "contact", "from", "to"})
USER_KEYS = frozenset({"user", "dialled"})
NUMBER_KEYS = frozenset({"number", "caller", "callee"})
SIP_URI = re.compile(r"\b(?:sips?|tel):[^\s<>\"']+", re.IGNORECASE)
GATHER_SECONDS = 0.02
"""Lines that come within this time are written together."""
COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m", "debug": "\x1b[2m"}
PLAIN = re.compile(r"[^\s\"'=]+")


def configure(settings: LogSettings, stream: TextIO = sys.stderr) -> "Spool":
    """Send every log of this process to ``stream``; call once, before anything is logged.

    Close the returned spool at the very end: it writes out what still waits.
    """
    enrich: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        stamp,
    ]
    finish: list[Processor] = [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask,
        render_json if settings.format == "json" else Text(colour=stream.isatty()),
    ]
    spool = Spool(stream)
    foreign = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        foreign_pre_chain=[*enrich, structlog.stdlib.ExtraAdder()],
    )
    spool.setFormatter(foreign)
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    logging.basicConfig(handlers=[spool], level=level, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else max(level, logging.WARNING))
    for name in SILENT:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*enrich, *finish],
        logger_factory=partial(Straight, spool),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return spool


def capture_twisted() -> None:
    """Send Twisted's log through stdlib logging; once in the life of a process."""
    globalLogBeginner.beginLoggingTo([cast(ILogObserver, STDLibLogObserver())], redirectStandardIO=False)


class Straight:
    """Where our own events end: rendered, in the spool. ``name`` is the module's."""

    def __init__(self, spool: "Spool", name: str = "") -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = self.exception = spool.put


class Spool(logging.Handler):
    """Hands rendered lines to a thread that writes them; never waits for the stream."""

    def __init__(self, stream: TextIO, backlog: int = BACKLOG) -> None:
        super().__init__()
        self.lost = 0  # lines, since the start
        self._told = 0
        self._stream = stream
        self._backlog = backlog
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._writer = Thread(target=self._write, name="log", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Render a record of stdlib logging and put it."""
        try:
            self.put(self.format(record))
        except Exception:  # noqa: BLE001 - the dispatch boundary of stdlib logging, which reports it
            self.handleError(record)

    def put(self, line: str) -> None:
        """Leave a line to the thread, or drop it when too many wait."""
        if self._lines.qsize() >= self._backlog:
            self.lost += 1
        else:
            self._lines.put(line)

    def close(self) -> None:
        """Write what waits, for at most ``FLUSH_SECONDS``; nothing is written afterwards."""
        self._lines.put(None)
        self._writer.join(FLUSH_SECONDS)
        super().close()

    def _write(self) -> None:
        """Write what came, some lines at a time: each time this thread wakes up, the loop waits for it."""
        open_ = True
        while open_:
            lines = [self._lines.get()]
            if lines[0] is not None:
                sleep(GATHER_SECONDS)
            while not self._lines.empty():
                lines.append(self._lines.get())
            open_ = None not in lines
            lines = [line for line in lines if line is not None]
            text = "".join(f"{line}\n" for line in lines)
            if self.lost > self._told:
                text = f"({self.lost - self._told} lines of log were lost here)\n{text}"
                self._told = self.lost
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):  # the reader has gone, the stream is closed: nobody to tell
                self.lost += len(lines)


def stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the time: ``2026-11-22T05:02:06.123Z``."""
    event["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Strike out secrets and mask numbers: by key, and URIs wherever they stand in a text."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: str, value: object) -> object:
    last_word = key.lower().rpartition("_")[2]
    if last_word in SECRET_KEYS:
        return value if value is None or isinstance(value, bool) else STRUCK_OUT
    match value:
        case str():
            text = _by_kind(last_word)(value)
            return text if len(text) <= LONGEST or key in WHOLE else f"{text[:LONGEST]}…"
        case Mapping():
            return {str(inner): _masked(str(inner), item) for inner, item in value.items()}
        case list() | tuple():
            return [_masked(key, item) for item in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return _masked(key, str(value))


def _by_kind(last_word: str) -> Callable[[str], str]:
    if last_word in URI_KEYS:
        return mask_uri
    if last_word in USER_KEYS:
        return mask_user
    if last_word in NUMBER_KEYS:
        return mask_number
    return _mask_within


def _mask_within(text: str) -> str:
    return SIP_URI.sub(lambda found: mask_uri(found[0]), text) if ":" in text else text


def render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """One JSON object a line; control characters are escaped by JSON itself."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "logger", "event") if key in event}
    return json.dumps({**first, **event}, ensure_ascii=False, default=str)


class Text:
    """``2026-11-22T05:02:06.123Z info sip.call: Call answered call=3f9a2c11 codec=G722``.

    A value that holds anything but plain characters is quoted and escaped, so what a stranger put into a
    header can neither begin a line of its own nor drive the terminal.
    """

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        """Render an event; a trace follows on lines of its own, indented."""
        time, level = event.pop("timestamp"), event.pop("level")
        name, text = event.pop("logger", ""), self._safe(str(event.pop("event")))
        trace = [str(event.pop(key)) for key in ("stack", "exception") if event.get(key)]
        pairs = " ".join(f"{key}={self._value(value)}" for key, value in event.items())
        line = f"{time} {level:<7} {name}: {text} {pairs}".rstrip()
        if self._colour and level in COLOURS:
            line = f"{COLOURS[level]}{line}\x1b[0m"
        return "\n".join([line, *map(self._indented, trace)])

    def _value(self, value: object) -> str:
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        if PLAIN.fullmatch(text) and text.isprintable():
            return text
        return json.dumps(text, ensure_ascii=not text.isprintable())

    def _safe(self, text: str) -> str:
        return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")

    def _indented(self, trace: str) -> str:
        return "\n".join(f"    {self._safe(line)}" for line in trace.splitlines())
