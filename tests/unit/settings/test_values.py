"""Tests the values of settings that are written as texts."""

import pytest

from tusd_py.settings.sources import SettingsError, load_settings


@pytest.mark.parametrize(
    "text", ["", "127.0.0.1:9100", "[::1]:0", "worker-1:65535", "/run/tusd.sock"]
)
def test_a_worker_listens_at_host_and_port(text: str) -> None:
    assert load_settings(None, {"TUSD_WORKER_LISTEN": text}, {}).worker_listen == text


@pytest.mark.parametrize(
    "text", ["9100", ":9100", "host:", "host:http", "host:65536", "run/tusd.sock", "/" + "x" * 107]
)
def test_an_address_without_host_or_port_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="not an address such as"):
        load_settings(None, {"TUSD_WORKER_LISTEN": text}, {})
