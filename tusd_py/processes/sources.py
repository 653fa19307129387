"""Keeps the sources of the settings, from which each process of a set reads them by itself."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tusd_py.settings.identity import check_identity
from tusd_py.settings.model import Settings
from tusd_py.settings.sources import load_settings

log = logging.getLogger(__name__)

FIXED: Final = ("host", "port", "data_dir", "monitoring_listen", "processes")
"""Settings that only a start of the parent can change."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Holds the path of the file of settings, and the flags of the command line by name."""

    config: Path | None
    flags: Mapping[str, object]

    def load(self) -> Settings:
        """Read the settings. Raises: SettingsError."""
        return load_settings(self.config, os.environ, self.flags)

    def reload(self, before: Settings) -> Settings:
        """Read the settings, and keep those of ``before`` that only a new start can change.

        Raises: SettingsError: no process could use them.
        """
        settings = self.load()
        fixed = {name: getattr(before, name) for name in FIXED}
        if bool(settings.workers) != bool(before.workers):
            fixed["workers"] = before.workers
        changed = [name for name, value in fixed.items() if getattr(settings, name) != value]
        if changed:
            log.warning("settings.need_restart", extra={"settings": ", ".join(changed)})
        merged = settings.model_copy(update=fixed)
        check_identity(merged)
        return merged
