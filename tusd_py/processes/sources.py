"""Keeps the sources of the settings, from which each process of a set reads them by itself."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tusd_py.settings.model import Settings
from tusd_py.settings.sources import load_settings


@dataclass(frozen=True, slots=True)
class Sources:
    """Holds the path of the file of settings, and the flags of the command line by name."""

    config: Path | None
    flags: Mapping[str, object]

    def load(self) -> Settings:
        """Read the settings. Raises: SettingsError."""
        return load_settings(self.config, os.environ, self.flags)
