"""Read settings and open their adapters, for the commands of operators."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tusd_py.cli.refusal import refuse
from tusd_py.failure_sentence import DEPLOYMENT_ERRORS, failure_sentence
from tusd_py.ports import Ports
from tusd_py.private_files import owner_only
from tusd_py.settings.model import Settings
from tusd_py.settings.sources import SettingsError, load_settings, service_variables
from tusd_py.wiring import open_ports

Config = Annotated[Path | None, typer.Option("--config", help="A YAML file of settings.")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="The directory of all data.")]

log = logging.getLogger(__name__)


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
    except DEPLOYMENT_ERRORS as error:
        refuse(failure_sentence(error), 2 if isinstance(error, SettingsError) else 1)


def log_service_variables() -> None:
    """Log which variables are passed over, since Kubernetes set them for a Service."""
    names = service_variables(os.environ)
    if names:
        log.info("settings.service_variables", extra={"passed_over": ", ".join(names)})
