"""What commands share: reading settings, refusing in one sentence, logging."""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from tusd_py.domain.errors import TusdError
from tusd_py.ports import Ports
from tusd_py.settings import Settings
from tusd_py.settings_sources import SettingsError, load_settings
from tusd_py.wiring import install_line, open_ports

Config = Annotated[Path | None, typer.Option("--config", help="A YAML file of settings.")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where everything is kept.")]

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def refuse(sentence: str, code: int = 2) -> NoReturn:
    """Say why on stderr, in one sentence, and exit."""
    typer.echo(f"tusd-py: {sentence}", err=True)
    raise typer.Exit(code)


def settings_from(config: Path | None, **flags: object) -> Settings:
    """Settings by flags, environment and file; exits with 2 when they are wrong."""
    try:
        return load_settings(config, os.environ, flags)
    except SettingsError as error:
        refuse(str(error))


@contextmanager
def opened_ports(settings: Settings) -> Iterator[Ports]:
    """The adapters that the settings ask for, for the length of a block. Raises: BackendError, OSError."""
    ports = open_ports(settings)
    try:
        yield ports
    finally:
        ports.close()


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors of the deployment end the command with a sentence, not with a traceback."""
    try:
        yield
    except SettingsError as error:
        refuse(str(error))
    except TusdError as error:
        refuse(error.detail, 1)
    except ModuleNotFoundError as error:
        refuse(f"{error.name} is not installed; {install_line(error.name)} brings it", 1)
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        refuse(f"{error.strerror or error}{place}", 1)


def start_logging(settings: Settings) -> None:
    """Log to stderr: ``event key=value`` on a terminal, JSON lines elsewhere."""
    as_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stderr.isatty()
    )
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if as_json else _Text())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for noisy in ("uvicorn.error", "uvicorn.access", "alembic", "websockets"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # A broker that is away is one line of ours; pika has seven more for each try.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def _facts(record: logging.LogRecord) -> Mapping[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        line = super().format(record)
        return f"{line} {facts}" if facts else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        members: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            members["error"] = self.formatException(record.exc_info)
        return json.dumps(members, ensure_ascii=False, default=str)
