"""``tusd-py config show`` on every setting."""

import secrets
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, SecretStr
from typer.testing import CliRunner

from tusd_py.cli.config import shown
from tusd_py.cli.main import application
from tusd_py.settings.model import Settings

SIGNING_SECRET = secrets.token_hex(32)
CANARY = "canary-7f3a"
URL = f"https://user:{CANARY}@example.org/keys?token={CANARY}#{CANARY}"
NEEDED: dict[str, Any] = {"oss": {"region": "oss-cn-beijing"}, "objects": {"store": "local"}}


def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tree: dict[str, Any]) -> str:
    for name in ("TUSD_AUTH__ACCESS_SECRET", "OSS_REGION"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "tusd.yaml"
    file.write_text(yaml.safe_dump(tree))
    done = CliRunner().invoke(application(), ["config", "show", "--config", str(file)])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_defaults_are_printed_and_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = yaml.safe_load(show(tmp_path, monkeypatch, {}))
    assert printed == Settings().model_dump(mode="json")
    assert Settings(**printed) == Settings()


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= leaves(kind, (*path, name))
        else:
            found[*path, name] = kind
    return found


def texts() -> dict[tuple[str, ...], Any]:
    return {
        path: kind
        for path, kind in leaves(Settings).items()
        if kind in (str, SecretStr, Path) or str in get_args(kind)
    }


def with_value(path: tuple[str, ...], value: object) -> Settings | None:
    """Return the settings with this value; None where the setting takes no such text."""
    tree: dict[str, Any] = {name: dict(members) for name, members in NEEDED.items()}
    if path == ("auth", "jwks_url"):
        tree["auth"] = {"upload_token_secret": SIGNING_SECRET}
    place = tree
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
    try:
        return Settings(**tree)
    except ValueError:
        return None


def test_a_secret_within_a_url_is_masked_in_every_setting_that_takes_one() -> None:
    taken = []
    for path, kind in texts().items():
        value = (URL,) if str in get_args(kind) else URL
        settings = with_value(path, value)
        if settings is None:
            continue
        taken.append(".".join(path))
        assert CANARY not in str(shown(settings)), path
        assert kind is SecretStr or "example.org" in str(shown(settings)), path
    assert {
        "auth.jwks_url", "hooks.url", "oss.credentials_uri", "oss.endpoint", "oss.public_endpoint",
        "s3.endpoint", "s3.public_endpoint", "mysql.data_source", "redis.addr", "rabbitmq.host",
    } <= set(taken)  # fmt: skip


def test_a_full_configuration_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = {
        "auth": {"jwks_url": URL, "upload_token_secret": SIGNING_SECRET},
        "hooks": {"url": URL, "events": ["pre-create"], "secret": "s"},
        "jobs": {"backoff": ["1s", "2m"]},
        "whitelist": {"extensions": ["mp4"]},
        "data_dir": "/somewhere",
        "s3": {"endpoint": URL, "bucket": "b", "access_key_id": CANARY},
        "mysql": {"data_source": f"root:{CANARY}@tcp(127.0.0.1:3306)/tusd"},
    }
    text = show(tmp_path, monkeypatch, tree)
    printed = yaml.safe_load(text)
    assert CANARY not in text
    assert printed["auth"]["jwks_url"] == "https://********@example.org/keys?********"
    assert printed["hooks"]["events"] == ["pre-create"]
    assert printed["jobs"]["backoff"] == [1.0, 120.0]
    assert printed["data_dir"] == "/somewhere"
