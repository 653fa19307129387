"""What deploy/compose.yaml and the Dockerfile promise, read as data: no engine runs here."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.deploy_files import (
    DEPLOY,
    DOCKERFILE,
    ENV_EXAMPLES,
    ROOT,
    compose,
    environment,
    seconds,
)

from tusd_py.doctor.redis import RIGHT_POLICY

PASSWORDS = (
    "TUSD_AUTH__ACCESS_SECRET",
    "MYSQL_PASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "TUSD_REDIS__PASSWORD",
    "TUSD_RABBITMQ__PASSWORD",
)
FILE = compose({**environment(ENV_EXAMPLES[0]), **dict.fromkeys(PASSWORDS, "x")})
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = sorted(name for name in SERVICES if name.startswith(("server-", "worker-")))


def test_it_is_two_servers_three_workers_and_their_engines() -> None:
    assert sorted(SERVICES) == sorted(
        ["nginx", "server-1", "server-2", "worker-1", "worker-2", "worker-3", "mysql", "redis",
         "rabbitmq"]
    )  # fmt: skip


@pytest.mark.parametrize("name", OURS)
def test_none_of_ours_can_use_up_the_machine(name: str) -> None:
    assert SERVICES[name]["mem_limit"] == ("1g" if name.startswith("server-") else "3g")
    assert SERVICES[name]["pids_limit"] == 1024


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_hardened_watched_and_restarted(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert ("cap_add" in service) == (name == "nginx")
    assert not service["image"].endswith(":latest") or name in OURS


def test_only_nginx_publishes_ports() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    assert SERVICES["nginx"]["networks"] == ["front"]


@pytest.mark.parametrize("name", OURS)
def test_each_of_ours_waits_for_the_engines_and_may_end_its_work(name: str) -> None:
    service = SERVICES[name]
    conditions = {engine: how["condition"] for engine, how in service["depends_on"].items()}
    assert conditions == dict.fromkeys(("mysql", "redis", "rabbitmq"), "service_healthy")
    patience = seconds(service["environment"]["TUSD_SHUTDOWN_TIMEOUT"])
    assert seconds(service["stop_grace_period"]) > 2 * patience
    assert service["volumes"] == ["uploads:/srv/uploads"]


@pytest.mark.parametrize(
    "template", sorted(DEPLOY.glob("nginx/*.conf")), ids=lambda path: path.name
)
def test_nginx_gets_its_template_with_our_servers_and_certificate(template: Path) -> None:
    nginx = SERVICES["nginx"]
    mounts = dict(mount.removesuffix(":ro").rsplit(":", 1)[::-1] for mount in nginx["volumes"])
    assert mounts["/etc/nginx/tusd-py.conf"] == f"./nginx/{template.name}"
    script = (
        nginx["command"][2].partition(" > ")[0].replace("/etc/nginx/tusd-py.conf", str(template))
    )
    made = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^ *server (\S+:[0-9]+)", made, re.MULTILINE) == [
        f"{name}:8888" for name in OURS if name.startswith("server-")
    ]
    for path in re.findall(r"^ *ssl_certificate(?:_key)? +(\S+);", made, re.MULTILINE):
        assert path in mounts
    ports = {int(port) for port in re.findall(r"^ *listen (\d+)", made, re.MULTILINE)}
    assert ports == {int(published.rpartition(":")[2]) for published in nginx["ports"]}


def test_volumes_and_networks_that_are_used_are_declared() -> None:
    for service in SERVICES.values():
        assert set(service["networks"]) <= set(FILE["networks"])
        named = {mount.partition(":")[0] for mount in service.get("volumes", ())}
        assert {name for name in named if not name.startswith((".", "/"))} <= set(FILE["volumes"])


def test_only_workers_work() -> None:
    for name in OURS:
        given = SERVICES[name]["environment"]
        assert (given["TUSD_WORKERS"] == "0") == name.startswith("server-")


def test_engines_have_a_network_of_their_own_that_leads_nowhere() -> None:
    for name in ("mysql", "redis", "rabbitmq"):
        assert SERVICES[name]["networks"] == ["back"]
    assert FILE["networks"]["back"] == {"internal": True}


def test_redis_drops_what_the_doctor_wants_it_to_drop() -> None:
    assert f"--maxmemory-policy {RIGHT_POLICY}" in SERVICES["redis"]["command"][-1]


@pytest.mark.parametrize("name", OURS)
def test_the_health_check_uses_the_address_where_the_process_listens(name: str) -> None:
    command = " ".join(SERVICES[name]["healthcheck"]["test"])
    own = "TUSD_MONITORING_LISTEN" if name.startswith("server-") else "TUSD_WORKER_LISTEN"
    port = SERVICES[name]["environment"][own].partition(":")[2]
    assert f"http://127.0.0.1:{port}/readyz" in command


def test_the_image_is_built_by_the_lock_and_runs_as_an_unprivileged_user() -> None:
    text = DOCKERFILE.read_text("utf-8")
    build, _, runtime = text.partition("\nFROM ${BASE}\n")
    assert "--require-hashes" in build
    assert "gcc" in build
    assert "gcc" not in runtime
    assert re.search(r"^USER 10001:10001$", runtime, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", runtime, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", runtime, re.MULTILINE)
    assert re.search(r"^VOLUME /srv/uploads$", runtime, re.MULTILINE)


def test_what_the_image_copies_is_not_ignored() -> None:
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }  # fmt: skip
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
    sources = [source for line in copies for source in line.split()]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == entry or source.startswith(f"{entry}/") for entry in kept), source
