"""Tests the values of settings that are written as texts."""

import pytest

from tusd_py.settings.sources import SettingsError, load_settings
from tusd_py.settings.values import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("10GiB", 10 << 30), ("500MB", 500_000_000), ("8 KiB", 8192), ("7", 7), ("1.5k", 1536)],
)
def test_sizes_are_written_as_people_do(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("24h", 86400), ("500ms", 0.5), ("90", 90), ("7d", 604800)]
)
def test_durations_are_written_as_people_do(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10 parsecs", "-5s", "1e9", "ten"])
def test_other_quantities_are_refused(text: str) -> None:
    for parse in (parse_size, parse_duration):
        with pytest.raises(ValueError, match="not a"):
            parse(text)


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
