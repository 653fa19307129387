"""Tests the settings of accepted names, and of instant uploads."""

import pytest

from tusd_py.settings.model import Settings
from tusd_py.settings.sources import SettingsError, load_settings


@pytest.mark.parametrize("extension", ["mp 4", "*.mp4", "tar.gz", "*", '["mp4"]', "abcdefghijk"])
def test_an_extension_that_fits_no_file_is_refused(extension: str) -> None:
    with pytest.raises(SettingsError, match=r"TUSD_WHITELIST__EXTENSIONS: .* fits no file"):
        load_settings(None, {"TUSD_WHITELIST__EXTENSIONS": extension}, {})


def test_a_secret_number_of_owners_needs_a_secret() -> None:
    with pytest.raises(ValueError, match=r"instant\.scope global"):
        Settings.model_validate({"instant": {"scope": "global"}})
    Settings.model_validate({"instant": {"scope": "global", "most_owners": 0}})
    Settings.model_validate(
        {"instant": {"scope": "global"}, "auth": {"upload_token_secret": "f3" * 8 + "0c9a7b" * 6}}
    )
