from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tusd_py.cli.config import shown
from tusd_py.settings.model import Settings
from tusd_py.settings.objects import S3Settings
from tusd_py.settings.sources import SettingsError, load_settings
from tusd_py.settings.values import parse_duration, parse_size

SEED = """
Name: core-api
Host: 127.0.0.2
Port: 8889
MaxBytes: 10737418240
Timeout: 300000
Auth:
  AccessSecret: not-a-real-secret-of-32-characters
  AccessExpire: 36000
MySQL:
  DataSource: root:12345678@tcp(127.0.0.1:3306)/cloud_disk?charset=utf8mb4&parseTime=True&loc=Local
Redis:
  Addr: 127.0.0.1:6379
  Password:
  DB: 0
RabbitMQ:
  Host: 127.0.0.1
  Port: 5672
  User: admin
  Password: admin123
  VHost: /
"""


def from_yaml(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "settings.yaml"
    path.write_text(text, "utf-8")
    return load_settings(path, environ, {})


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


def test_the_file_of_the_original_api_is_accepted_unchanged(tmp_path: Path) -> None:
    settings = from_yaml(tmp_path, SEED)
    assert (settings.host, settings.port, settings.max_size) == ("127.0.0.2", 8889, 10737418240)
    assert settings.rabbitmq.user == "admin"
    assert settings.redis.addr == "127.0.0.1:6379"
    assert settings.auth.enabled


def test_addresses_survive_any_password(tmp_path: Path) -> None:
    text = (
        "Redis: {Addr: 'r:6379', Password: 'a/b@c', DB: 2}\n"
        "RabbitMQ: {Host: mq, User: admin, Password: 'x:/%', VHost: /}\n"
    )
    settings = from_yaml(tmp_path, text)
    assert settings.redis.url() == "redis://:a%2Fb%40c@r:6379/2"
    assert settings.rabbitmq.url() == "amqp://admin:x%3A%2F%25@mq:5672/%2F"


def test_the_environment_of_the_original_api_is_accepted_unchanged() -> None:
    settings = load_settings(
        None, {"OSS_REGION": "oss-cn-beijing", "OSS_ACCESS_KEY_SECRET": "s3cret"}, {}
    )
    assert settings.oss.region == "oss-cn-beijing"
    assert settings.oss.access_key_secret == SecretStr("s3cret")


@pytest.mark.parametrize(
    ("environ", "store"),
    [
        ({}, "local"),
        ({"OSS_BUCKET_NAME": "b", "OSS_REGION": "oss-cn-beijing"}, "oss"),
        ({"TUSD_S3__BUCKET": "b"}, "s3"),
        ({"TUSD_S3__BUCKET": "b", "TUSD_OBJECTS__STORE": "local"}, "local"),
        (
            {
                "TUSD_S3__BUCKET": "b",
                "OSS_BUCKET_NAME": "b",
                "OSS_REGION": "oss-cn-beijing",
                "TUSD_OBJECTS__STORE": "oss",
            },
            "oss",
        ),
    ],
)
def test_the_store_whose_bucket_is_named_is_taken(environ: dict[str, str], store: str) -> None:
    assert load_settings(None, environ, {}).object_store == store


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"TUSD_S3__BUCKET": "b", "OSS_BUCKET_NAME": "b", "OSS_REGION": "r"}, "say which one"),
        ({"TUSD_OBJECTS__STORE": "s3"}, r"s3\.bucket"),
        ({"TUSD_OBJECTS__STORE": "oss"}, r"oss\.bucket_name"),
        ({"OSS_BUCKET_NAME": "b"}, r"oss\.region"),
        ({"TUSD_OBJECTS__PART_SIZE": "1MiB"}, "TUSD_OBJECTS__PART_SIZE"),
    ],
)
def test_an_incomplete_store_is_refused(environ: dict[str, str], place: str) -> None:
    with pytest.raises(SettingsError, match=place):
        load_settings(None, environ, {})


@pytest.mark.parametrize(
    ("values", "style"),
    [
        ({}, "virtual"),
        ({"endpoint": "https://s3.cn-east-1.qiniucs.com"}, "path"),
        ({"endpoint": "https://s3.example", "addressing": "virtual"}, "virtual"),
        ({"addressing": "path"}, "path"),
    ],
)
def test_the_bucket_is_where_the_endpoint_wants_it(values: dict[str, Any], style: str) -> None:
    assert S3Settings(**values).style() == style


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("port: 1\nhost: 127.0.0.3\nmax_size: 1GiB\nmedia:\n  crf: 30\n")
    environ = {"TUSD_PORT": "2", "TUSD_HOST": "127.0.0.4", "TUSD_MEDIA__CRF": "31"}
    settings = load_settings(path, environ, {"port": 3, "host": None})
    assert (settings.port, settings.host, settings.max_size, settings.media.crf) == (
        3,
        "127.0.0.4",
        1 << 30,
        31,
    )


def test_lists_in_the_environment_are_separated_by_commas() -> None:
    settings = load_settings(None, {"TUSD_WHITELIST__EXTENSIONS": "mp4, png,"}, {})
    assert settings.whitelist.extensions == ("mp4", "png")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("prot: 1\n", "settings.yaml, prot: there is no such setting"),
        ("media:\n  crff: 1\n", "settings.yaml, media.crff: there is no such setting"),
        ("Auth:\n  Secret: x\n", "Auth.Secret: there is no such setting"),
        ("port: many\n", "settings.yaml, port: "),
        ("media:\n  crf: 99\n", "settings.yaml, media.crf: "),
        ("max_size: big\n", "settings.yaml, max_size: "),
        ("media: 5\n", "media: is a section"),
        ("a: [1\n", "line 2: is not YAML"),
        ("- a\n", "must hold keys and values"),
    ],
)
def test_errors_in_the_file_are_refused_with_their_place(
    tmp_path: Path, text: str, place: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        from_yaml(tmp_path, text)
    assert place in str(refused.value)


@pytest.mark.parametrize("name", ["TUSD_PROT", "TUSD_MEDIA", "TUSD_MEDIA__CRFF", "TUSD_PORT__X"])
def test_unknown_environment_names_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings(None, {name: "1"}, {})


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        load_settings(tmp_path / "nothing.yaml", {}, {})


def test_secrets_are_masked(tmp_path: Path) -> None:
    settings = from_yaml(tmp_path, SEED)
    for text in (str(shown(settings)), repr(settings)):
        assert "admin123" not in text
        assert "not-a-real-secret" not in text
        assert "12345678" not in text
    assert "**********" in str(shown(settings))


GOOD_ORIGINS = [
    "https://page.example", "http://localhost:3000", "http://[::1]:8080", "https://page.example:8443",
    "capacitor://localhost", "chrome-extension://abcdef", "http://127.0.0.1:1",
]  # fmt: skip


def test_origins_as_browsers_send_them_are_taken() -> None:
    chosen = load_settings(None, {"TUSD_CORS__ALLOW_ORIGINS": ",".join(GOOD_ORIGINS)}, {})
    assert chosen.cors.allow_origins == tuple(GOOD_ORIGINS)
    assert load_settings(None, {"TUSD_CORS__ALLOW_ORIGINS": ""}, {}).cors.allow_origins == ()
    assert load_settings(None, {}, {}).cors.allow_origins is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://page.example/", "https://page.example/app", "page.example", "null", "//page.example",
        "https://*.example", "*.example", "https://page.example:443", "http://page.example:80",
        "HTTPS://page.example", "https://Page.example", "https://user@page.example", "file:///x",
        "file://x", "https://page.example?x", "https://", "https://page.example:port", "**",
    ],
)  # fmt: skip
def test_a_value_that_no_browser_sends_as_an_origin_is_refused(origin: str) -> None:
    with pytest.raises(SettingsError, match=r"^environment variable TUSD_CORS__ALLOW_ORIGINS: "):
        load_settings(None, {"TUSD_CORS__ALLOW_ORIGINS": origin}, {})


@pytest.mark.parametrize("origins", [None, "", "*", "https://page.example,*"])
def test_credentials_need_listed_origins(origins: str | None) -> None:
    """Credentials for every origin would let any page act as its visitor."""
    environ = {"TUSD_CORS__ALLOW_CREDENTIALS": "true"}
    if origins is not None:
        environ["TUSD_CORS__ALLOW_ORIGINS"] = origins
    with pytest.raises(SettingsError, match="allow_credentials needs origins that are listed"):
        load_settings(None, environ, {})
    listed = load_settings(None, environ | {"TUSD_CORS__ALLOW_ORIGINS": "https://a.example"}, {})
    assert listed.cors.allow_credentials


@pytest.mark.parametrize(
    "host", ["uploads.example", "UPLOADS.example.", "10.0.0.7", "[2001:db8::1]", "tusd_server"]
)
def test_host_names_are_taken(host: str) -> None:
    assert load_settings(None, {"TUSD_ALLOWED_HOSTS": host}, {}).allowed_hosts == (host,)


@pytest.mark.parametrize(
    "host",
    [
        "uploads.example:8888", "https://uploads.example", "uploads.example/", "*", "*.example",
        ".", "a b", "[2001:db8::1]:80", "2001:db8::1", "user@host",
    ],
)  # fmt: skip
def test_a_value_that_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=r"^environment variable TUSD_ALLOWED_HOSTS: "):
        load_settings(None, {"TUSD_ALLOWED_HOSTS": host}, {})


@pytest.mark.parametrize("extension", ["mp 4", "*.mp4", "tar.gz", "*", '["mp4"]', "abcdefghijk"])
def test_an_extension_that_fits_no_file_is_refused(extension: str) -> None:
    with pytest.raises(SettingsError, match=r"TUSD_WHITELIST__EXTENSIONS: .* fits no file"):
        load_settings(None, {"TUSD_WHITELIST__EXTENSIONS": extension}, {})


def test_no_more_is_scanned_than_clamd_accepts() -> None:
    assert load_settings(None, {"TUSD_SCAN__MAX_BYTES": "4GiB"}, {}).scan.max_bytes == 4 << 30
    with pytest.raises(SettingsError, match="TUSD_SCAN__MAX_BYTES"):
        load_settings(None, {"TUSD_SCAN__MAX_BYTES": "5GiB"}, {})


def test_a_secret_number_of_owners_needs_a_secret() -> None:
    with pytest.raises(ValueError, match=r"instant\.scope global"):
        Settings.model_validate({"instant": {"scope": "global"}})
    Settings.model_validate({"instant": {"scope": "global", "most_owners": 0}})
    Settings.model_validate(
        {"instant": {"scope": "global"}, "auth": {"upload_token_secret": "f3" * 8 + "0c9a7b" * 6}}
    )
