"""Every setting that a deployment file names exists, and no sample secret opens anything."""

import re

import pytest
from support.deploy_files import (
    DOCKERFILE,
    ENV_EXAMPLES,
    ROOT,
    UNITS,
    all_files,
    compose,
    environment,
    manifests,
    pod_environment,
    unit_environment,
)

from tusd_py.settings.sources import SettingsError, load_settings

NAMING = [*all_files(), ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
SECRETS = {
    "TUSD_AUTH__ACCESS_SECRET": "9f2c61b07ad84e53a1c06e8f47d2b935",
    "MYSQL_PASSWORD": "m1",
    "MYSQL_ROOT_PASSWORD": "m2",
    "TUSD_REDIS__PASSWORD": "r1",
    "TUSD_RABBITMQ__PASSWORD": "q1",
}
FILLED = {**environment(ENV_EXAMPLES[0]), **SECRETS}
SECRET = re.compile(r"PASSWORD|SECRET|ACCESS_KEY|DATA_SOURCE|_PASS$")


def accepted(variables: dict[str, str]) -> None:
    """Check an environment.

    Raises: SettingsError: the product would refuse this environment.
    """
    load_settings(None, variables, {})


def test_every_name_beginning_with_tusd_is_a_setting() -> None:
    named = {
        name
        for path in NAMING
        for name in re.findall(r"\bTUSD_[A-Z0-9_]*[A-Z0-9]\b", path.read_text("utf-8"))
    }
    assert "TUSD_MYSQL__DATA_SOURCE" in named
    unknown = set()
    for name in named:
        try:
            load_settings(None, {name: "1"}, {})
        except SettingsError as error:
            if "no such setting" in str(error):
                unknown.add(name)
    assert unknown == set()


def test_the_product_takes_the_environment_of_each_compose_service() -> None:
    services = compose(FILLED)["services"]
    ours = [service for service in services.values() if service["image"].startswith("tusd-py")]
    assert len(ours) == 5
    for service in ours:
        given = service["environment"]
        accepted({name: value for name, value in given.items() if value is not None})
        assert given["TUSD_MYSQL__DATA_SOURCE"].startswith("tusd:m1@tcp(mysql:3306)/tusd")


def test_the_product_takes_the_environment_of_the_units() -> None:
    for unit in UNITS:
        accepted({**unit_environment(unit, "1"), **filled_in(unit_environment(unit, "1"))})


def test_the_product_takes_the_environment_of_the_pods() -> None:
    for deployment in manifests("Deployment"):
        given = pod_environment(deployment)
        assert all(isinstance(value, str) for value in given.values())
        accepted({**given, **filled_in(given)})


def filled_in(given: dict[str, str]) -> dict[str, str]:
    """Return the signing secret as an operator fills it in, where there is one."""
    return {name: FILLED[name] for name in ("TUSD_AUTH__ACCESS_SECRET",) if name in given}


def test_compose_refuses_to_start_before_each_secret_is_filled_in() -> None:
    example = environment(ENV_EXAMPLES[0])
    for name in SECRETS:
        assert example[name] == ""
        with pytest.raises(KeyError, match=name):
            compose({**FILLED, name: ""})


def test_no_sample_secret_opens_anything() -> None:
    samples = [
        *(each for path in ENV_EXAMPLES for each in environment(path, with_examples=True).items()),
        *(each for secret in manifests("Secret") for each in secret["stringData"].items()),
    ]
    secrets = [(name, value) for name, value in samples if SECRET.search(name)]
    assert len(secrets) >= 15
    for name, value in secrets:
        assert value == "" or "CHANGE_ME" in value or "${MYSQL_PASSWORD}" in value, name


def test_the_image_holds_no_secret() -> None:
    assert not SECRET.search(DOCKERFILE.read_text("utf-8"))
    assert (ROOT / ".dockerignore").read_text("utf-8").splitlines()[1] == "*"
