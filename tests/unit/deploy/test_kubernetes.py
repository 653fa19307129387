"""The manifests against Kubernetes' own schemas, and what schemas cannot check."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from support.deploy_files import DEPLOY, MANIFESTS, manifests, seconds

from tusd_py.app import build_server
from tusd_py.settings.model import Settings

DEPLOYMENTS = manifests("Deployment")
IDS = [deployment["metadata"]["name"] for deployment in DEPLOYMENTS]


def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return found


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    (found,) = pod(deployment)["containers"]
    return dict(found)


def labels(component: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "tusd-py", "app.kubernetes.io/component": component}


@pytest.mark.parametrize(
    "found", manifests(), ids=lambda found: f"{found['kind']}-{found['metadata']['name']}"
)
def test_an_object_is_valid_by_its_schema(found: dict[str, Any]) -> None:
    kubernetes_validate.validate(found, "1.33", strict=True)
    assert found["metadata"].get("namespace", "tusd-py") == "tusd-py"


def test_a_misspelled_field_is_noticed() -> None:
    wrong = yaml.safe_load(yaml.safe_dump(DEPLOYMENTS[0]))
    pod(wrong)["terminationGracePeriod"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.33", strict=True)


def test_kustomize_takes_every_file_but_the_example_of_a_secret() -> None:
    kustomization = yaml.safe_load(
        (DEPLOY / "kubernetes" / "kustomization.yaml").read_text("utf-8")
    )
    assert sorted(kustomization["resources"]) == sorted(
        path.name for path in MANIFESTS if path.name != "secret.example.yaml"
    )
    images = {container(deployment)["image"] for deployment in DEPLOYMENTS}
    assert images == {image["name"] for image in kustomization["images"]}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_a_pod_is_hardened(deployment: dict[str, Any]) -> None:
    spec, about = pod(deployment), container(deployment)["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    # Variables of services would begin with TUSD_, and the product refuses unknown ones.
    assert spec["enableServiceLinks"] is False
    assert about["readOnlyRootFilesystem"] is True
    assert about["allowPrivilegeEscalation"] is False
    assert about["capabilities"] == {"drop": ["ALL"]}
    assert container(deployment)["resources"]["limits"]["memory"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_probes_use_ports_that_exist_and_mounts_have_volumes(deployment: dict[str, Any]) -> None:
    about = container(deployment)
    ports = {port["name"] for port in about["ports"]}
    names = ("startupProbe", "livenessProbe", "readinessProbe")
    probes = {name: about[name]["httpGet"] for name in names}
    assert {probe["port"] for probe in probes.values()} <= ports
    assert [probe["path"] for probe in probes.values()] == ["/healthz", "/healthz", "/readyz"]
    mounted = {mount["name"] for mount in about["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod(deployment)["volumes"]}
    assert {"/srv/uploads", "/tmp"} == {mount["mountPath"] for mount in about["volumeMounts"]}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_names_that_one_object_uses_another_has(deployment: dict[str, Any]) -> None:
    own = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == own
    (spread,) = pod(deployment)["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == own
    sources = container(deployment)["envFrom"]
    assert sources[0]["configMapRef"]["name"] == manifests("ConfigMap")[0]["metadata"]["name"]
    secrets = {found["metadata"]["name"] for found in manifests("Secret")}
    assert {source["secretRef"]["name"] for source in sources[1:]} <= secrets
    claims = {claim["metadata"]["name"] for claim in manifests("PersistentVolumeClaim")}
    used = [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pod(deployment)["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert set(used) == claims
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        selected = [
            (found["spec"].get("selector") or found["spec"]["podSelector"]).get("matchLabels")
            for found in manifests(kind)
        ]
        assert own in selected, kind


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_a_pod_may_end_its_work(deployment: dict[str, Any]) -> None:
    patience = seconds(manifests("ConfigMap")[0]["data"]["TUSD_SHUTDOWN_TIMEOUT"])
    grace = pod(deployment)["terminationGracePeriodSeconds"]
    none = {"exec": {"command": ["", "0"]}}
    before = container(deployment).get("lifecycle", {}).get("preStop", none)
    assert grace > float(before["exec"]["command"][1]) + 2 * patience


def reached(paths: list[dict[str, Any]], address: str) -> bool:
    """Return whether one of an Ingress' paths matches an address, by Kubernetes' rules."""
    return any(
        address == path["path"]
        or (
            path["pathType"] == "Prefix"
            and f"{address}/".startswith(f"{path['path'].rstrip('/')}/")
        )
        for path in paths
    )


@contextmanager
def served(folder: Path) -> Iterator[set[str]]:
    """Return the addresses that an application has routes for."""
    app = build_server(Settings(data_dir=folder / "data", workers=0))
    yield {getattr(route, "path", "") for route in app.routes}


def test_the_ingress_leads_to_the_server_and_only_where_clients_go(tmp_path: Path) -> None:
    (service,) = manifests("Service")
    assert service["spec"]["selector"] == labels("server")
    paths = [
        path
        for ingress in manifests("Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    for path in paths:
        assert path["backend"]["service"]["name"] == service["metadata"]["name"]
        assert path["backend"]["service"]["port"]["name"] == service["spec"]["ports"][0]["name"]
    machines = {"/healthz", "/readyz", "/metrics"}
    with served(tmp_path) as routes:
        assert {route for route in routes if not reached(paths, route)} == machines
    (port,) = service["spec"]["ports"]
    server = next(found for found in DEPLOYMENTS if found["metadata"]["name"].endswith("server"))
    assert port["targetPort"] in {found["name"] for found in container(server)["ports"]}


def ingress_of(address: str) -> str | None:
    """Return the Ingress that serves an address, by Kubernetes' rule: the longest path wins."""
    served = {
        path["path"]: ingress["metadata"]["name"]
        for ingress in manifests("Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
        if reached([path], address)
    }
    return served[max(served, key=len)] if served else None


TASK = "0" * 32


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/", "tusd-py"),
        ("/page/page.js", "tusd-py"),
        ("/files", "tusd-py"),
        ("/files/", "tusd-py"),
        (f"/files/{TASK}", "tusd-py"),
        ("/api/file/upload", "tusd-py"),
        ("/api/file/upload/tasks", "tusd-py"),
        (f"/api/file/upload/links/{TASK}", "tusd-py"),
        ("/api/file/upload/media/a.b.c", "tusd-py"),
        ("/api/docs", "tusd-py"),
        ("/api/file/upload/shares", "tusd-py"),
        (f"/s/{'A' * 40}/download", "tusd-py"),
        # Open for the operator from outside: without a token neither has data.
        ("/admin", "tusd-py"),
        ("/api/admin/overview", "tusd-py"),
        ("/api/file/upload/events", "tusd-py-streams"),
        (f"/api/file/upload/events/{TASK}", "tusd-py-streams"),
        (f"/api/file/upload/ws/{TASK}", "tusd-py-streams"),
        ("/metrics", None),
        ("/readyz", None),
        ("/healthz", None),
        ("/metrics/", None),
        ("/admin/metrics", None),
        ("/pages", None),
        ("/filesystem", None),
    ],
)
def test_an_address_is_served_from_outside_by_its_ingress(
    address: str, expected: str | None
) -> None:
    assert ingress_of(address) == expected


def test_the_proxy_passes_bodies_and_events_on_as_they_come() -> None:
    prefix = "nginx.ingress.kubernetes.io/"
    annotations = manifests("Ingress")[0]["metadata"]["annotations"]
    assert annotations[f"{prefix}proxy-body-size"] == "0"
    for name in ("proxy-request-buffering", "proxy-buffering", "proxy-next-upstream"):
        assert annotations[f"{prefix}{name}"] == "off", name
    assert float(annotations[f"{prefix}proxy-read-timeout"]) > Settings().idle_timeout


def test_only_streams_are_waited_for_without_end_and_each_address_has_its_limits() -> None:
    prefix = "nginx.ingress.kubernetes.io/"
    for ingress in manifests("Ingress"):
        annotations = ingress["metadata"]["annotations"]
        paths = [path["path"] for path in ingress["spec"]["rules"][0]["http"]["paths"]]
        streams = all(path.startswith("/api/file/upload/") for path in paths)
        for name in ("proxy-read-timeout", "proxy-send-timeout"):
            assert (float(annotations[f"{prefix}{name}"]) > 600) == streams
        for name in ("limit-connections", "limit-rps", "limit-burst-multiplier"):
            assert int(annotations[f"{prefix}{name}"]) > 0


def test_servers_answer_to_the_names_that_the_ingress_has() -> None:
    hosts = {rule["host"] for ingress in manifests("Ingress") for rule in ingress["spec"]["rules"]}
    hosts |= {
        name
        for ingress in manifests("Ingress")
        for tls in ingress["spec"]["tls"]
        for name in tls["hosts"]
    }
    given = manifests("ConfigMap")[0]["data"]
    assert hosts == set(given["TUSD_ALLOWED_HOSTS"].split(","))
    assert {f"https://{host}" for host in hosts} == {given["TUSD_PUBLIC_URL"]}


def test_every_pod_is_refused_what_no_policy_names() -> None:
    (rest,) = (found for found in manifests("NetworkPolicy") if found["spec"]["podSelector"] == {})
    assert sorted(rest["spec"]["policyTypes"]) == ["Egress", "Ingress"]
    assert not {"ingress", "egress"} & rest["spec"].keys()


def test_servers_and_workers_reach_what_they_need_and_no_metadata_service() -> None:
    (policy,) = (found for found in manifests("NetworkPolicy") if found["spec"].get("egress"))
    for deployment in DEPLOYMENTS:
        own = deployment["spec"]["template"]["metadata"]["labels"]
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= own.items()
    to_names, to_engines, to_internet = policy["spec"]["egress"]
    assert {(port["protocol"], port["port"]) for port in to_names["ports"]} == {
        ("UDP", 53),
        ("TCP", 53),
    }
    assert {port["port"] for port in to_engines["ports"]} == {3306, 5672, 6379}
    assert [port["port"] for port in to_internet["ports"]] == [443]
    blocks = [peer["ipBlock"] for peer in to_internet["to"]]
    for block in blocks:
        for part in block["except"]:
            assert ip_network(part).subnet_of(ip_network(block["cidr"]))  # type: ignore[arg-type]
    for metadata in (
        "169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "10.0.0.1",
        "127.0.0.1",
    ):
        address = ip_address(metadata)
        for block in blocks:
            inside = address in ip_network(block["cidr"])
            assert not inside or any(address in ip_network(part) for part in block["except"]), (
                metadata
            )
