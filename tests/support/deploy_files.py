"""The files under ``deploy/`` as data, for the tests of what they say."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
COMPOSE: Final = DEPLOY / "compose.yaml"
DOCKERFILE: Final = DEPLOY / "docker" / "Dockerfile"
ENV_EXAMPLES: Final = (DEPLOY / ".env.example", DEPLOY / "systemd" / "tusd-py.env.example")
UNITS: Final = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS: Final = sorted(
    path
    for path in (DEPLOY / "kubernetes").glob("*.yaml")
    if path.name != "kustomization.yaml"
)  # fmt: skip


def environment(path: Path, *, with_examples: bool = False) -> dict[str, str]:
    """Names and values of a ``.env`` file; ``with_examples``: also those in comments."""
    pattern = r"^#?([A-Z_0-9]+)=(.*)$" if with_examples else r"^([A-Z_0-9]+)=(.*)$"
    found = re.findall(pattern, path.read_text("utf-8"), re.MULTILINE)
    return {name: value.strip('"') for name, value in found}


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """``text`` with Compose's ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?why}`` filled in.

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
    """The Compose file as its engine reads it. Raises: KeyError: see ``interpolated``."""
    found: dict[str, Any] = yaml.safe_load(interpolated(COMPOSE.read_text("utf-8"), variables))
    return found


def manifests(kind: str | None = None) -> list[dict[str, Any]]:
    """The Kubernetes objects, of one kind or all."""
    found = [
        document
        for path in MANIFESTS
        for document in yaml.safe_load_all(path.read_text("utf-8"))
    ]  # fmt: skip
    return [document for document in found if kind in (None, document["kind"])]


def seconds(text: str) -> float:
    """Of a duration such as ``60s``."""
    return float(text.removesuffix("s"))
