"""Logs: one event a line on standard error, as JSON or as text.

A line carries the id of the request that it belongs to. Extra values are given by `extra=`; a `Secret` prints as
`***`, and credentials inside a text (a header, a URL) are cut out before it is written.
"""

import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

from moorage.settings import Log, Secret

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that the running code belongs to; empty outside of one."""

_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_CREDENTIAL = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}|(://[^\s:/@]*):[^\s@/]+@")


class JsonLines(logging.Formatter):
    """Shape: {"time", "level", "logger", "message", "request_id"?, extra values…, "error"?}."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name.removeprefix("_"),
            "message": scrub(record.getMessage()),
        }
        if request_id.get():
            fields["request_id"] = request_id.get()
        fields.update({key: _plain(value) for key, value in _extra(record).items()})
        if record.exc_info:
            fields["error"] = scrub(self.formatException(record.exc_info))
        return msgspec.json.encode(fields, enc_hook=repr).decode()


class TextLines(logging.Formatter):
    """The same for people; a traceback takes lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback."""
        parts = [_moment(record)[11:23], f"{record.levelname.lower():<7}", scrub(record.getMessage())]
        parts += [f"{key}={_plain(value)}" for key, value in _extra(record).items()]
        if request_id.get():
            parts.append(f"request_id={request_id.get()}")
        line = " ".join(parts).replace("\n", "\\n").replace("\r", "\\r")
        return f"{line}\n{scrub(self.formatException(record.exc_info))}" if record.exc_info else line


def scrub(text: str) -> str:
    """`text` without credentials: what follows `Bearer` or `Basic`, and a password inside a URL."""
    return _CREDENTIAL.sub(lambda found: f"{found[1]} ***" if found[1] else f"{found[2]}:***@", text)


def is_text(log: Log) -> bool:
    """Whether lines are written for people: when that is set, or, by default, when standard error is a terminal."""
    return log.format == "text" or (log.format == "auto" and sys.stderr.isatty())


def with_cause(error: BaseException) -> str:
    """What an error says, and what the part behind it said: the one is for clients, both are for the operator."""
    cause = error.__cause__
    said = str(error) or type(error).__name__
    return f"{said} ({type(cause).__name__}: {' '.join(str(cause).split())[:500]})" if cause is not None else said


def make_config(log: Log) -> dict[str, Any]:
    """The configuration for `logging.config.dictConfig`, of this process and of granian's workers."""
    level = log.level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "moorage.logs.TextLines" if is_text(log) else "moorage.logs.JsonLines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            "_granian": {"level": "WARNING", "propagate": True},
            "httpx": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
        },
    }


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _plain(value: object) -> object:
    if isinstance(value, Secret):
        return str(value)
    return scrub(value) if isinstance(value, str) else value
