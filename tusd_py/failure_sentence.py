"""Describes an error of the deployment in one sentence, for those who start a process."""

from typing import Final

from tusd_py.domain.errors import TusdError
from tusd_py.settings.sources import SettingsError
from tusd_py.wiring import install_line

DEPLOYMENT_ERRORS: Final = (SettingsError, TusdError, ModuleNotFoundError, OSError)
"""Errors whose cause is outside of the program: settings, services, files, addresses, packages."""


def failure_sentence(error: Exception) -> str:
    """Return what is wrong, in one sentence. ``error``: one of ``DEPLOYMENT_ERRORS``."""
    match error:
        case TusdError():
            return error.reason or error.detail
        case ModuleNotFoundError():
            return f"{error.name} is not installed; {install_line(error.name)} brings it"
        case OSError():
            place = f": {error.filename}" if error.filename else ""
            return f"{error.strerror or error}{place}"
    return str(error)
