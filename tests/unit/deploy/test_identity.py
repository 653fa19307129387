"""A deployment by these files demands identity, passes on every setting, keeps secrets apart."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from support.deploy_files import (
    ENV_EXAMPLES,
    UNITS,
    all_files,
    compose,
    environment,
    manifests,
    pod_environment,
    unit_environment,
)

from tusd_py.settings.model import Settings
from tusd_py.settings.sources import _ORIGINAL_ENVIRONMENT, PREFIX

NEEDED = (
    "TUSD_AUTH__ACCESS_SECRET", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD", "TUSD_REDIS__PASSWORD",
    "TUSD_RABBITMQ__PASSWORD",
)  # fmt: skip
FILLED = {**environment(ENV_EXAMPLES[0]), **{name: f"the-{name}" for name in NEEDED}}
SET_BY_THE_FILES = {
    "TUSD_HOST", "TUSD_PORT", "TUSD_BEHIND_PROXY", "TUSD_DATA_DIR", "TUSD_WORKER_LISTEN",
    "TUSD_MONITORING_LISTEN", "TUSD_AUTH__REQUIRED",
}  # fmt: skip
"""Settings on which the rest of a file depends: ports of probes, paths of volumes.
"""
SECRETS_OF_SERVERS = {
    "TUSD_AUTH__ACCESS_SECRET", "TUSD_AUTH__UPLOAD_TOKEN_SECRET", "TUSD_HOOKS__SECRET",
}  # fmt: skip
NOT_FOR_WORKERS = SECRETS_OF_SERVERS | {"TUSD_AUTH__JWKS_URL"}
"""An issuer's keys are no secret, but are refused where there is no secret to go with them."""


def every_setting(
    model: type[BaseModel] = Settings, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from every_setting(field.annotation, (*path, name))
        else:
            yield (*path, name)


def variables() -> list[str]:
    """Return the environment's name of every setting, and the original design's names."""
    ours = [PREFIX + "__".join(path).upper() for path in every_setting()]
    assert len(ours) > 100
    return [*ours, *_ORIGINAL_ENVIRONMENT, "OTEL_EXPORTER_OTLP_ENDPOINT"]


def test_compose_passes_every_setting_on() -> None:
    services = compose({**FILLED, **{name: f"mine-{name}" for name in variables()}})["services"]
    for service, kept in (("server", {"TUSD_WORKERS"}), ("worker", NOT_FOR_WORKERS)):
        given = services[f"{service}-1"]["environment"]
        lost = {name for name in variables() if given.get(name) != f"mine-{name}"}
        assert lost <= SET_BY_THE_FILES | kept, service
        assert {name: given[name] for name in lost & NOT_FOR_WORKERS} == dict.fromkeys(
            lost & NOT_FOR_WORKERS, ""
        )


def test_a_name_that_is_no_setting_reaches_the_server_which_refuses_it() -> None:
    services = compose({**FILLED, "TUSD_AUHT__ISSUER": "x"})["services"]
    assert services["server-1"]["environment"]["TUSD_AUHT__ISSUER"] == "x"


@pytest.mark.parametrize(
    "deployment", manifests("Deployment"), ids=lambda found: found["metadata"]["name"]
)
def test_kubernetes_passes_every_setting_on(deployment: dict[str, Any]) -> None:
    """The pod itself sets only these, whatever is in the ConfigMap and the Secret."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert {entry["name"] for entry in container["env"]} <= SET_BY_THE_FILES
    assert [next(iter(source)) for source in container["envFrom"]][:2] == [
        "configMapRef",
        "secretRef",
    ]


@pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])
def test_systemd_passes_every_setting_on_and_insists_on_each_file(unit: Any) -> None:
    files = re.findall(r"^EnvironmentFile=(.*)$", unit.read_text("utf-8"), re.MULTILINE)
    server = ["/etc/tusd-py/server.env"] if "server" in unit.name else []
    # A minus before a path would start the unit without the file.
    assert files == ["/etc/tusd-py/tusd-py.env", *server]


def commands() -> dict[str, list[str]]:
    """Return the command of each server and worker, by the name of its place."""
    services = compose(FILLED)["services"]
    found = {f"compose {name}": services[f"{name}-1"]["command"] for name in ("server", "worker")}
    for unit in UNITS:
        started = re.search(r"^ExecStart=\S+ (.*)$", unit.read_text("utf-8"), re.MULTILINE)
        assert started
        found[f"systemd {unit.name}"] = started[1].split()
    for deployment in manifests("Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        found[f"kubernetes {deployment['metadata']['name']}"] = container["args"]
    return found


@pytest.mark.parametrize(("place", "command"), commands().items())
def test_no_flag_hides_what_the_operator_sets(place: str, command: list[str]) -> None:
    """A flag precedes the environment: only what belongs to the file may be a flag."""
    flags = {
        f"{PREFIX}{word[2:].replace('-', '_').upper()}" for word in command if word.startswith("--")
    }
    assert flags <= SET_BY_THE_FILES | ({"TUSD_WORKERS"} if command[0] == "serve" else set()), place


def environments() -> dict[str, dict[str, str]]:
    """Return the environment of each server and worker, by the name of its place."""
    services = compose(FILLED)["services"]
    return {
        **{
            f"compose {name}": services[f"{name}-1"]["environment"]
            for name in ("server", "worker")
        },
        **{
            f"systemd {role}": unit_environment(unit, "1")
            for unit in UNITS
            for role in ("server", "worker")
            if role in unit.name
        },
        **{
            f"kubernetes {found['metadata']['name'].rpartition('-')[2]}": pod_environment(found)
            for found in manifests("Deployment")
        },
    }  # fmt: skip


ENVIRONMENTS = environments()


@pytest.mark.parametrize("place", sorted(ENVIRONMENTS))
def test_servers_demand_identity_and_workers_have_none_of_its_secrets(place: str) -> None:
    given = ENVIRONMENTS[place]
    if place.endswith("server"):
        assert given["TUSD_AUTH__REQUIRED"] == "true"
        assert given["TUSD_AUTH__ACCESS_SECRET"]
    else:
        assert not any(given.get(name) for name in SECRETS_OF_SERVERS)
    for name in ("MYSQL_ROOT_PASSWORD", "MYSQL_PASSWORD"):
        assert not given.get(name)


@pytest.mark.parametrize("place", sorted(place for place in ENVIRONMENTS if "worker" in place))
def test_workers_demand_a_sandbox_by_name(place: str) -> None:
    wanted = "bwrap" if place.startswith("systemd") else "landlock"
    assert ENVIRONMENTS[place]["TUSD_MEDIA__SANDBOX"] == wanted


def test_nothing_of_a_deployment_lets_strangers_in() -> None:
    for path in all_files():
        assert b"ALLOW_ANONYMOUS" not in path.read_bytes(), path
