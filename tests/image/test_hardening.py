"""What a process in the image may do: only what it needs, also if an attacker controls it."""

import re

import pytest
from support.container import Container

UID = "10001"
OF_EVERY_CONTAINER = {"/dev/mqueue", "/dev/shm"}
"""Memory that engines mount in every container; it is gone with the container."""


@pytest.fixture(params=["server", "worker"])
def container(request: pytest.FixtureRequest) -> Container:
    found: Container = request.getfixturevalue(request.param)
    return found


def test_every_process_is_an_unprivileged_user(
    container: Container, figures: dict[str, str]
) -> None:
    assert container.execute("id", "--user").strip() == UID
    statuses = container.execute("sh", "-c", "cat /proc/[0-9]*/status")
    uids = set(re.findall(r"^Uid:\t(.*)$", statuses, re.MULTILINE))
    assert uids == {"\t".join([UID] * 4)}
    figures["user"] = UID


def test_no_process_has_a_capability_or_gains_one(container: Container) -> None:
    statuses = container.execute("sh", "-c", "cat /proc/[0-9]*/status")
    assert set(re.findall(r"^Cap(?:Prm|Eff|Bnd|Amb):\t(\w+)$", statuses, re.MULTILINE)) == {
        "0" * 16
    }
    assert set(re.findall(r"^NoNewPrivs:\t(\d)$", statuses, re.MULTILINE)) == {"1"}


def test_nothing_but_uploads_and_temporary_files_can_be_written(
    container: Container, figures: dict[str, str]
) -> None:
    found = container.execute(
        "find", "/", "(", "-path", "/proc", "-o", "-path", "/sys", ")", "-prune",
        "-o", "(", "-type", "d", "-o", "-type", "f", ")", "-writable", "-print", "-prune",
        "-o", "-type", "d", "!", "-readable", "-prune",
    )  # fmt: skip
    writable = set(found.split())
    figures["writable"] = " ".join(sorted(writable))
    assert writable - OF_EVERY_CONTAINER == {"/srv/uploads", "/tmp"}
