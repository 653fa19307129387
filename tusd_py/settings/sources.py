"""Reads settings from flags, the environment, one YAML file, and the defaults (requirement S21).

An earlier one of these has priority over a later one. Keys of the file are setting names or keys of
the original design. Names in the environment are ``TUSD_`` and a setting name with ``__`` between
levels, or ``OSS_*`` of the original design. An unknown name is refused; the error names its place.
A variable or a key without a value counts as not set; a list in a variable is empty then.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import ValidationError

from tusd_py.settings.model import Settings

PREFIX: Final = "TUSD_"
NO_SETTINGS: Final = frozenset({"TUSD_CACERT", "TUSD_FAIL", "TUSD_TOKEN", "TUSD_URL"})
"""Variables that are no settings: the worker's failpoints and commands of clients use them."""

_SERVICE_VARIABLE: Final = re.compile(
    r"TUSD(_[A-Z0-9]+)*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9]+)*|"
    r"PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_PORT: Final = re.compile(r"TUSD(_[A-Z0-9]+)*_PORT=(tcp|udp|sctp)://.*")

_ORIGINAL_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "Name": (),
    "Timeout": (),
    "Host": ("host",),
    "Port": ("port",),
    "MaxBytes": ("max_size",),
    "Auth.AccessSecret": ("auth", "access_secret"),
    "Auth.AccessExpire": ("auth", "access_expire"),
    "MySQL.DataSource": ("mysql", "data_source"),
    "Redis.Addr": ("redis", "addr"),
    "Redis.Password": ("redis", "password"),
    "Redis.DB": ("redis", "db"),
    "RabbitMQ.Host": ("rabbitmq", "host"),
    "RabbitMQ.Port": ("rabbitmq", "port"),
    "RabbitMQ.User": ("rabbitmq", "user"),
    "RabbitMQ.Password": ("rabbitmq", "password"),
    "RabbitMQ.VHost": ("rabbitmq", "vhost"),
}
"""Path of the setting for each key of the original design; () for keys that have no effect."""
_ORIGINAL_ENVIRONMENT: Final[Mapping[str, tuple[str, str]]] = {
    "OSS_ACCESS_KEY_ID": ("oss", "access_key_id"),
    "OSS_ACCESS_KEY_SECRET": ("oss", "access_key_secret"),
    "OSS_SESSION_TOKEN": ("oss", "security_token"),
    "OSS_REGION": ("oss", "region"),
    "OSS_BUCKET_NAME": ("oss", "bucket_name"),
}


_FLAGS: Final = {"worker_listen": "--listen"}
"""Flags that are not named like their setting."""


class SettingsError(Exception):
    """Is raised when a setting is unknown or wrong; the text names the place and the remedy."""


def load_settings(
    config: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> Settings:
    """Return the settings from all sources.

    Args: config: the YAML file, or None; overrides: flags by setting name, None if not given.
    Raises: SettingsError.
    """
    tree: dict[str, Any] = {}
    places: dict[str, str] = {}
    if config is not None:
        _merge_file(tree, places, config)
    _merge_environment(tree, places, environ)
    for name, value in overrides.items():
        if value is not None:
            flag = _FLAGS.get(name, f"--{name.replace('_', '-')}")
            _put(tree, places, (name,), value, flag)
    try:
        return Settings(**tree)
    except ValidationError as error:
        raise SettingsError(_sentence(error, places)) from error
    except (ValueError, ArithmeticError) as error:
        raise SettingsError(f"a setting can't be used: {error}") from error


def _put(
    tree: dict[str, Any], places: dict[str, str], path: tuple[str, ...], value: object, place: str
) -> None:
    *parents, name = path
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise SettingsError(f"{place}: has bytes or escapes that are no letters")
    for parent in parents:
        child = tree.setdefault(parent, {})
        if not isinstance(child, dict):
            raise SettingsError(f"{place}: {parent} is not a section")
        tree = child
    tree[name] = value
    places[".".join(path)] = place


def _merge_file(tree: dict[str, Any], places: dict[str, str], config: Path) -> None:
    # Most processes have no file.
    import yaml

    try:
        found = yaml.safe_load(config.read_text("utf-8"))
        leaves = _flattened(found) if isinstance(found, dict) else []
    except OSError as error:
        raise SettingsError(f"{config}: can't be read ({error.strerror})") from error
    except Exception as error:
        # Besides its own errors, the library raises what it meets in a value: a date without a day
        # is a ValueError, a map that contains itself a RecursionError.
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise SettingsError(f"{config}{line}: is not YAML") from error
    if found is None:
        return
    if not isinstance(found, dict):
        raise SettingsError(f"{config}: must hold keys and values")
    for key, value in leaves:
        place = f"{config}, {key}"
        path = _ORIGINAL_KEYS.get(key, tuple(key.split(".")))
        if path:
            _kind_of(path, place)
            if value is not None:
                _put(tree, places, path, value, place)


def _flattened(found: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the values with dotted keys; a list is one value."""
    leaves: list[tuple[str, Any]] = []
    for key, value in found.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            leaves += _flattened(value, f"{name}.")
        else:
            leaves.append((name, value))
    return leaves


def _merge_environment(
    tree: dict[str, Any], places: dict[str, str], environ: Mapping[str, str]
) -> None:
    for name, value in sorted(environ.items()):
        place = f"environment variable {name}"
        if name in _ORIGINAL_ENVIRONMENT:
            if value:
                _put(tree, places, _ORIGINAL_ENVIRONMENT[name], value, place)
        elif _is_setting(name, value):
            path = tuple(name.removeprefix(PREFIX).lower().split("__"))
            kind = _kind_of(path, place)
            if value or _is_list(kind):
                _put(tree, places, path, _read(kind, value, place), place)


def service_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that Kubernetes sets for a Service named tusd, or tusd- and more.

    They are no settings, although they begin with ``TUSD_``.
    """
    return sorted(name for name, value in environ.items() if _is_of_service(name, value))


def _is_of_service(name: str, value: str) -> bool:
    return bool(_SERVICE_VARIABLE.fullmatch(name) or _SERVICE_PORT.fullmatch(f"{name}={value}"))


def _is_setting(name: str, value: str) -> bool:
    known = name.startswith(PREFIX) and name not in NO_SETTINGS
    return known and not _is_of_service(name, value)


def _read(kind: object, value: str, place: str) -> object:
    """Return the value of an environment variable.

    Lists are separated by commas, sets of named values are JSON. Raises: SettingsError.
    """
    if _is_list(kind):
        return [part.strip() for part in value.split(",") if part.strip()]
    if get_origin(kind) is not dict:
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise SettingsError(f"{place}: is not JSON") from error


def _is_list(kind: object) -> bool:
    return tuple in {get_origin(kind)} | {get_origin(part) for part in get_args(kind)}


def _kind_of(path: tuple[str, ...], place: str) -> object:
    """Return the type of a setting. Raises: SettingsError: no setting has this name."""
    kind: Any = Settings
    for name in path:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
            continue
        fields = getattr(kind, "model_fields", {})
        if name not in fields:
            raise SettingsError(f"{place}: there is no such setting")
        kind = fields[name].annotation
    if hasattr(kind, "model_fields"):
        raise SettingsError(f"{place}: is a section, not a setting")
    return kind


def _sentence(error: ValidationError, places: Mapping[str, str]) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    parts = [str(part) for part in first["loc"]]
    name = ".".join(parts)
    reason = str(first["msg"]).removeprefix("Value error, ")
    if not name:
        # The reason contains the names of settings that exclude each other.
        return reason
    known = next((places[key] for key in (name, ".".join(parts[:-1])) if key in places), name)
    return f"{known}: {reason}"
