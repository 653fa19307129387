"""Tests the limits of settings of jobs."""

import pytest

from tusd_py.settings.sources import SettingsError, load_settings


def test_no_more_is_scanned_than_clamd_accepts() -> None:
    assert load_settings(None, {"TUSD_SCAN__MAX_BYTES": "4GiB"}, {}).scan.max_bytes == 4 << 30
    with pytest.raises(SettingsError, match="TUSD_SCAN__MAX_BYTES"):
        load_settings(None, {"TUSD_SCAN__MAX_BYTES": "5GiB"}, {})
