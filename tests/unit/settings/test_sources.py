"""Tests from where settings are taken, in which order, and what is refused there."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from tusd_py.cli.config import shown
from tusd_py.settings.model import Settings
from tusd_py.settings.sources import SettingsError, load_settings, service_variables

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


@pytest.mark.parametrize(
    ("name", "flag"), [("worker_listen", "--listen"), ("upload_expires", "--upload-expires")]
)
def test_a_wrong_flag_is_named_as_it_is_written(name: str, flag: str) -> None:
    with pytest.raises(SettingsError, match=f"^{flag}: "):
        load_settings(None, {}, {name: "x"})


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
        ("max_size: 2024-13-45\n", "settings.yaml: is not YAML"),
        ("port: !!int x\n", "settings.yaml: is not YAML"),
        ("port: !!bool x\n", "settings.yaml: is not YAML"),
        ("port: " + "[" * 5000, "settings.yaml: is not YAML"),
        ("media: &a\n  crf: *a\n", "settings.yaml: is not YAML"),
        (f"max_size: '{'9' * 400}'\n", "settings.yaml, max_size: "),
        ("shutdown_timeout: .inf\n", "settings.yaml, shutdown_timeout: "),
        ("shutdown_timeout: .nan\n", "settings.yaml, shutdown_timeout: "),
        ('public_url: "\\ud800"\n', "public_url"),
        ('allowed_hosts: ["\\ud800"]\n', "a setting can't be used"),
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


@pytest.mark.parametrize(
    "name",
    [
        "TUSD_PORT", "TUSD_HOST", "TUSD_MAX_SIZE", "TUSD_BEHIND_PROXY", "TUSD_DURABILITY",
        "TUSD_UPLOAD_EXPIRES", "TUSD_DATA_DIR", "TUSD_MEDIA__PROFILES", "TUSD_AUTH__ACCESS_SECRET",
        "TUSD_REDIS__ADDR", "OSS_REGION", "OSS_BUCKET_NAME",
    ],
)  # fmt: skip
def test_a_variable_without_a_value_counts_as_not_set(tmp_path: Path, name: str) -> None:
    assert load_settings(None, {name: ""}, {}) == load_settings(None, {}, {})
    text = "redis: {addr: 'r:6379'}\noss: {bucket_name: b, region: r}\nport: 1\n"
    assert from_yaml(tmp_path, text, **{name: ""}) == from_yaml(tmp_path, text)


def test_a_list_without_a_value_is_empty() -> None:
    settings = load_settings(None, {"TUSD_HOOKS__EVENTS": "", "TUSD_ALLOWED_HOSTS": ""}, {})
    assert (settings.hooks.events, settings.allowed_hosts) == ((), ())


def test_a_misspelt_name_without_a_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TUSD_PROT"):
        load_settings(None, {"TUSD_PROT": ""}, {})
    with pytest.raises(SettingsError, match="prot"):
        from_yaml(tmp_path, "prot:\n")


def test_a_key_of_the_file_without_a_value_counts_as_not_set(tmp_path: Path) -> None:
    text = "port:\nmax_size:\nRedis:\n  Addr:\ncors:\n  allow_origins:\n"
    assert from_yaml(tmp_path, text) == load_settings(None, {}, {})


SERVICE = {
    "TUSD_SERVICE_HOST": "10.96.0.7",
    "TUSD_SERVICE_PORT": "8888",
    "TUSD_SERVICE_PORT_HTTP": "8888",
    "TUSD_PORT": "tcp://10.96.0.7:8888",
    "TUSD_PORT_8888_TCP": "tcp://10.96.0.7:8888",
    "TUSD_PORT_8888_TCP_PROTO": "tcp",
    "TUSD_PORT_8888_TCP_PORT": "8888",
    "TUSD_PORT_8888_TCP_ADDR": "10.96.0.7",
    "TUSD_MEDIA_WORKER_SERVICE_HOST": "10.96.0.8",
    "TUSD_MEDIA_WORKER_PORT": "udp://10.96.0.8:53",
    "TUSD_MEDIA_WORKER_PORT_53_UDP_ADDR": "10.96.0.8",
}


def test_variables_of_a_kubernetes_service_are_passed_over() -> None:
    mixed = {**SERVICE, "TUSD_HOST": "127.0.0.4", "HOME": "/root"}
    assert load_settings(None, mixed, {}) == load_settings(None, {"TUSD_HOST": "127.0.0.4"}, {})
    assert service_variables(mixed) == sorted(SERVICE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TUSD_PORT", "tcp"),
        ("TUSD_PORT", "http://10.96.0.7:8888"),
        ("TUSD_RABBITMQ__PORT", "tcp://10.96.0.7:5672"),
        ("TUSD_SERVICE", "1"),
        ("TUSD_SERVICE_HOSTS", "1"),
        ("TUSD_PORT_8888", "1"),
        ("TUSDSERVICE_HOST", "1"),
    ],
)
def test_what_only_looks_like_them_is_an_error(name: str, value: str) -> None:
    if name.startswith("TUSD_"):
        with pytest.raises(SettingsError, match=name):
            load_settings(None, {name: value}, {})
    assert service_variables({name: value}) == []


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


CHOICE = {"TUSD_MEDIA__PROFILE_CHOICE": "small, asis"}
ENVIRONMENT = {
    "TUSD_MEDIA__PROFILES": '{"small": {"video": {"web": true}}, "asis": {"video": {"web": false}}}',
    **CHOICE,
}


def test_profiles_replace_the_values_that_they_name(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(
        "media: {profiles: {small: {video: {web: true}}, asis: {video: {web: false}}}}"
    )
    for settings in (load_settings(config, CHOICE, {}), load_settings(None, ENVIRONMENT, {})):
        media = settings.media
        assert media.profile("asis").video == media.video.model_copy(update={"web": False})
        assert media.profile("asis").image == media.image
        assert media.profile("small") == media.profile() == media.profile("none")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"TUSD_MEDIA__PROFILES": "small"}, "TUSD_MEDIA__PROFILES: is not JSON"),
        ({"TUSD_MEDIA__PROFILES": '{"Up": {}}'}, "String should match pattern"),
        ({"TUSD_MEDIA__PROFILES": '{"a": {"video": {"none": 1}}}'}, "not permitted"),
        (CHOICE, "profile_choice names small, which is not in profiles"),
    ],
)
def test_invalid_profiles_are_refused(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load_settings(None, environment, {})


def test_an_unknown_name_in_a_profile_names_its_place(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("media: {profiles: {small: {video: {none: 1}}}}")
    with pytest.raises(
        SettingsError, match=r"media\.profiles\.small\.video\.none: there is no such"
    ):
        load_settings(config, {}, {})
