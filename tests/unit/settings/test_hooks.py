"""Tests the settings of hooks."""

import pytest

from tusd_py.settings.sources import SettingsError, load_settings


def test_header_fields_are_forwarded_by_their_names() -> None:
    environ = {"TUSD_HOOKS__FORWARD_HEADERS": "X-Tenant,Cookie"}
    assert load_settings(None, environ, {}).hooks.forward_headers == ("X-Tenant", "Cookie")
    with pytest.raises(SettingsError, match="forward_headers: list the names"):
        load_settings(None, {"TUSD_HOOKS__FORWARD_HEADERS": "X-Tenant,*"}, {})
