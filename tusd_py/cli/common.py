"""Read settings, refuse in one sentence, and log, for all commands."""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from tusd_py.cli.output import say_masked
from tusd_py.domain.errors import TusdError
from tusd_py.domain.masking import masked
from tusd_py.domain.printable import printable
from tusd_py.ports import Ports
from tusd_py.private_files import owner_only
from tusd_py.settings.model import Settings
from tusd_py.settings.sources import SettingsError, load_settings, service_variables
from tusd_py.wiring import install_line, open_ports

Config = Annotated[Path | None, typer.Option("--config", help="A YAML file of settings.")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="The directory of all data.")]

log = logging.getLogger(__name__)

_NOISY: Final = (
    "uvicorn.error", "uvicorn.access", "alembic", "websockets",
    # These write whole requests, with their credentials, into the log.
    "httpx", "httpcore", "urllib3", "requests", "botocore", "boto3", "s3transfer", "oss2",
)  # fmt: skip
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def refuse(sentence: str, code: int = 2) -> NoReturn:
    """Print the reason on stderr, in one sentence, and exit."""
    say_masked(f"tusd-py: {sentence}", error=True)
    raise typer.Exit(code)


def settings_from(config: Path | None, **flags: object) -> Settings:
    """Return the settings from flags, environment and file; exit with 2 if they are wrong."""
    try:
        return load_settings(config, os.environ, flags)
    except SettingsError as error:
        refuse(str(error))


@contextmanager
def opened_ports(settings: Settings) -> Iterator[Ports]:
    """Open the adapters that the settings name, for the length of a block.

    Raises: BackendError, OSError.
    """
    owner_only()
    ports = open_ports(settings, keeps_queue_file=True)
    try:
        yield ports
    finally:
        ports.close()


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the command with a sentence, not a traceback, on an error of the deployment."""
    try:
        yield
    except SettingsError as error:
        refuse(str(error))
    except TusdError as error:
        refuse(error.reason or error.detail, 1)
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
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It writes a line for each malformed form, which is answered by 400.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    # A broker that is away is one line of ours; pika has seven more for each try.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def log_service_variables() -> None:
    """Log which variables are passed over, since Kubernetes set them for a Service."""
    names = service_variables(os.environ)
    if names:
        log.info("settings.service_variables", extra={"passed_over": ", ".join(names)})


def _facts(record: logging.LogRecord) -> Mapping[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class _Text(logging.Formatter):
    """Formats each record as one line, without control characters in names from users."""

    def format(self, record: logging.LogRecord) -> str:
        facts = "".join(f" {name}={value}" for name, value in _facts(record).items())
        line = f"{self.formatTime(record)} {record.levelname} {record.getMessage()}{facts}"
        lines = [printable(masked(line))]
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            # Indented, so that no line of an error's text looks like a record.
            lines += [f"    {printable(masked(line))}" for line in trace]
        return "\n".join(lines)


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
        return printable(masked(json.dumps(members, ensure_ascii=False, default=str)))
