"""Writes the log of a process to stderr, for terminals and for programs that collect logs."""

import json
import logging
import sys
from collections.abc import Mapping
from typing import Final, Literal

from tusd_py.domain.masking import masked
from tusd_py.domain.printable import printable
from tusd_py.settings.model import Settings

_NOISY: Final = (
    "uvicorn.error", "uvicorn.access", "alembic", "websockets",
    # These write whole requests, with their credentials, into the log.
    "httpx", "httpcore", "urllib3", "requests", "botocore", "boto3", "s3transfer", "oss2",
)  # fmt: skip
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=str)
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def start_logging(settings: Settings, *, process: int | Literal["parent"] | None = None) -> None:
    """Log to stderr: ``event key=value`` on a terminal, JSON lines elsewhere.

    Args: process: which process of several of one port this is; each record names it.
    """
    as_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stderr.isatty()
    )
    _leave_out_unused_facts()
    handler = logging.StreamHandler()
    handler.setFormatter(_Json(process) if as_json else _Text(process))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It writes a line for each malformed form, which is answered by 400.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    # A broker that is away is one line of ours; pika has seven more for each try.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def _leave_out_unused_facts() -> None:
    """Find neither thread, process nor line of code for each record: a third of its time.

    Source: Python's logging HOWTO, "Optimization".
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class _Formatter(logging.Formatter):
    """Knows the facts of a record."""

    def __init__(self, process: int | str | None) -> None:
        super().__init__()
        self._of_process = {} if process is None else {"process": process}

    def facts(self, record: logging.LogRecord) -> Mapping[str, object]:
        """Return what a record says beside its time, level and event."""
        own = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        return {**self._of_process, **own}


class _Text(_Formatter):
    """Formats each record as one line, without control characters in names from users."""

    def format(self, record: logging.LogRecord) -> str:
        facts = "".join(f" {name}={value}" for name, value in self.facts(record).items())
        line = f"{self.formatTime(record)} {record.levelname} {record.getMessage()}{facts}"
        lines = [printable(masked(line))]
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            # Indented, so that no line of an error's text looks like a record.
            lines += [f"    {printable(masked(line))}" for line in trace]
        return "\n".join(lines)


class _Json(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        members: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **self.facts(record),
        }
        if record.exc_info:
            members["error"] = self.formatException(record.exc_info)
        return printable(masked(_ENCODER.encode(members)))
