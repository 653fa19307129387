"""Read the files under ``deploy/`` as data, for the tests of their contents."""

import re
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
COMPOSE: Final = DEPLOY / "compose.yaml"
DOCKERFILE: Final = DEPLOY / "docker" / "Dockerfile"
ENV_EXAMPLES: Final = (
    DEPLOY / ".env.example",
    DEPLOY / "systemd" / "tusd-py.env.example",
    DEPLOY / "systemd" / "server.env.example",
)
UNITS: Final = sorted((DEPLOY / "systemd").glob("*.service"))
PASSWORDS: Final = (
    "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD", "TUSD_REDIS__PASSWORD", "TUSD_RABBITMQ__PASSWORD",
)  # fmt: skip
_ENGINES: Final = re.compile(r"TUSD_(MYSQL|REDIS|RABBITMQ)__|OSS_|MYSQL_")
MANIFESTS: Final = sorted(
    path
    for path in (DEPLOY / "kubernetes").glob("*.yaml")
    if path.name != "kustomization.yaml"
)  # fmt: skip


def all_files() -> list[Path]:
    """Return the files that are deployed, without those that an interpreter writes meanwhile."""
    found = DEPLOY.rglob("*")
    return [path for path in found if "__pycache__" not in path.parts and path.is_file()]


def environment(path: Path, *, with_examples: bool = False) -> dict[str, str]:
    """Return names and values of a ``.env`` file; ``with_examples``: also those in comments."""
    pattern = r"^#?([A-Z_0-9]+)=(.*)$" if with_examples else r"^([A-Z_0-9]+)=(.*)$"
    found = re.findall(pattern, path.read_text("utf-8"), re.MULTILINE)
    return {name: value.strip('"') for name, value in found}


def filled_in(secret: str) -> dict[str, str]:
    """Return ``.env`` as an operator fills it in; ``secret`` signs the tokens."""
    passwords = dict.fromkeys(PASSWORDS, "x")
    return {**environment(ENV_EXAMPLES[0]), **passwords, "TUSD_AUTH__ACCESS_SECRET": secret}


def without_engines(given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without databases, broker and bucket: a process is then embedded."""
    return {name: value for name, value in given.items() if not _ENGINES.match(name)}


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Fill in Compose's ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?why}`` and return the text.

    Raises: KeyError: a variable that must be there is empty or missing.
    """

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if variables.get(name):
            return interpolated(variables[name], variables)
        if kind == ":-":
            return rest
        raise KeyError(name)

    return re.sub(r"\$\{([A-Z_0-9]+)(?:(:[-?])([^}]*))?\}", value, text)


def compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the Compose file as its engine reads it, with ``variables`` as its ``.env``.

    Where a service names ``.env`` as its ``env_file``, ``environment`` is what its container gets.
    Raises: KeyError: see ``interpolated``.
    """
    found: dict[str, Any] = yaml.safe_load(interpolated(COMPOSE.read_text("utf-8"), variables))
    from_file = {name: interpolated(value, variables) for name, value in variables.items()}
    for service in found["services"].values():
        if "env_file" in service:
            assert service["env_file"] == [".env"]
            service["environment"] = from_file | service["environment"]
    return found


def unit_environment(unit: Path, instance: str) -> dict[str, str]:
    """Return the environment that systemd gives a unit's process.

    The unit's own lines come first, then its files, here the examples.
    """
    text = unit.read_text("utf-8").replace("%i", instance).replace("%S", "/var/lib")
    own = re.findall(
        r"(\w+)=(\S+)", " ".join(re.findall(r"^Environment=(.*)$", text, re.MULTILINE))
    )
    found = dict(own)
    for name in re.findall(r"^EnvironmentFile=/etc/tusd-py/(.*)$", text, re.MULTILINE):
        found |= environment(DEPLOY / "systemd" / f"{name}.example")
    return found


def pod_environment(deployment: Mapping[str, Any]) -> dict[str, str]:
    """Return what a pod's container gets: its sources in their order, then its own variables."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    found: dict[str, str] = {}
    for source in container["envFrom"]:
        ((kind, named),) = source.items()
        wanted = "ConfigMap" if kind == "configMapRef" else "Secret"
        (held,) = (each for each in manifests(wanted) if each["metadata"]["name"] == named["name"])
        found |= held.get("data") or held["stringData"]
    return found | {entry["name"]: entry["value"] for entry in container["env"]}


def manifests(kind: str | None = None) -> list[dict[str, Any]]:
    """Return the Kubernetes objects, of one kind or all."""
    return [deepcopy(found) for found in _documents() if kind in (None, found["kind"])]


@cache
def _documents() -> list[dict[str, Any]]:
    texts = (path.read_text("utf-8") for path in MANIFESTS)
    return [document for text in texts for document in yaml.safe_load_all(text)]


def seconds(text: str) -> float:
    """Return the seconds of a duration such as ``60s``."""
    return float(text.removesuffix("s"))
