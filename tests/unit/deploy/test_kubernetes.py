"""The manifests against Kubernetes' own schemas, and what schemas can't see."""

from typing import Any

import kubernetes_validate
import pytest
import yaml
from support.deploy_files import DEPLOY, MANIFESTS, manifests, seconds

from tusd_py.settings import Settings

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


@pytest.mark.parametrize("found", manifests(), ids=lambda found: f"{found['kind']}-{found['metadata']['name']}")  # fmt: skip
def test_an_object_is_what_its_schema_says(found: dict[str, Any]) -> None:
    kubernetes_validate.validate(found, "1.33", strict=True)
    assert found["metadata"].get("namespace", "tusd-py") == "tusd-py"


def test_a_misspelled_field_is_noticed() -> None:
    wrong = yaml.safe_load(yaml.safe_dump(DEPLOYMENTS[0]))
    pod(wrong)["terminationGracePeriod"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.33", strict=True)


def test_kustomize_takes_every_file_but_the_example_of_a_secret() -> None:
    told = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text("utf-8"))
    assert sorted(told["resources"]) == sorted(
        path.name for path in MANIFESTS if path.name != "secret.example.yaml"
    )
    images = {container(deployment)["image"] for deployment in DEPLOYMENTS}
    assert images == {image["name"] for image in told["images"]}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_a_pod_is_hardened(deployment: dict[str, Any]) -> None:
    spec, about = pod(deployment), container(deployment)["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    # Variables of services would begin with TUSD_, and the product refuses what it does not know.
    assert spec["enableServiceLinks"] is False
    assert about["readOnlyRootFilesystem"] is True
    assert about["allowPrivilegeEscalation"] is False
    assert about["capabilities"] == {"drop": ["ALL"]}
    assert container(deployment)["resources"]["limits"]["memory"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_probes_ask_ports_that_exist_and_mounts_have_volumes(deployment: dict[str, Any]) -> None:
    about = container(deployment)
    ports = {port["name"] for port in about["ports"]}
    asked = {name: about[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}  # fmt: skip
    assert {probe["port"] for probe in asked.values()} <= ports
    assert [probe["path"] for probe in asked.values()] == ["/healthz", "/healthz", "/readyz"]
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
    assert sources[1]["secretRef"]["name"] == manifests("Secret")[0]["metadata"]["name"]
    claims = {claim["metadata"]["name"] for claim in manifests("PersistentVolumeClaim")}
    used = [volume["persistentVolumeClaim"]["claimName"] for volume in pod(deployment)["volumes"] if "persistentVolumeClaim" in volume]  # fmt: skip
    assert set(used) == claims
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        selected = [
            (found["spec"].get("selector") or found["spec"]["podSelector"])["matchLabels"]
            for found in manifests(kind)
        ]
        assert own in selected, kind


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_a_pod_may_end_its_work(deployment: dict[str, Any]) -> None:
    patience = seconds(manifests("ConfigMap")[0]["data"]["TUSD_SHUTDOWN_TIMEOUT"])
    grace = pod(deployment)["terminationGracePeriodSeconds"]
    before = container(deployment).get("lifecycle", {}).get("preStop", {"exec": {"command": ["", "0"]}})  # fmt: skip
    assert grace > float(before["exec"]["command"][1]) + 2 * patience


def test_the_ingress_leads_to_the_server_and_only_where_clients_go() -> None:
    (service,) = manifests("Service")
    assert service["spec"]["selector"] == labels("server")
    (ingress,) = manifests("Ingress")
    (rule,) = ingress["spec"]["rules"]
    base_path = Settings().base_path.rstrip("/")
    assert [path["path"] for path in rule["http"]["paths"]] == [base_path, "/api/file"]
    for path in rule["http"]["paths"]:
        assert path["backend"]["service"]["name"] == service["metadata"]["name"]
        assert path["backend"]["service"]["port"]["name"] == service["spec"]["ports"][0]["name"]
    (port,) = service["spec"]["ports"]
    server = next(found for found in DEPLOYMENTS if found["metadata"]["name"].endswith("server"))
    assert port["targetPort"] in {found["name"] for found in container(server)["ports"]}


def test_the_proxy_passes_bodies_and_events_on_as_they_come() -> None:
    prefix = "nginx.ingress.kubernetes.io/"
    told = manifests("Ingress")[0]["metadata"]["annotations"]
    assert told[f"{prefix}proxy-body-size"] == "0"
    for name in ("proxy-request-buffering", "proxy-buffering", "proxy-next-upstream"):
        assert told[f"{prefix}{name}"] == "off", name
    assert float(told[f"{prefix}proxy-read-timeout"]) > Settings().idle_timeout
