"""Run a service of ``deploy/compose.yaml`` by podman, as Compose hardens it, without a network."""

import resource
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from support.deploy_files import seconds, without_engines
from support.image import IMAGE
from support.podman import Podman, run
from support.waiting import wait_until

_OF_THE_TOPOLOGY: Final = {
    "build", "depends_on", "env_file", "healthcheck", "image", "logging", "networks", "restart",
}  # fmt: skip
"""Parts of a service that do not change what its process may do; ``environment`` has ``env_file``."""


class Container:
    """One container, with a loopback of its own that ``from_inside_its_network`` reaches.

    The engines are left out of its environment, so that it is embedded.
    """

    def __init__(self, podman: Podman, name: str, service: Mapping[str, Any]) -> None:
        self.service = service
        self.grace_seconds = seconds(service["stop_grace_period"])
        self._podman = podman
        self._name = name

    def start(self) -> None:
        """Start it and wait until the health check of Compose succeeds."""
        given = without_engines(self.service["environment"])
        variables = [f"--env={name}={value}" for name, value in given.items()]
        self._podman.podman(
            "run", "--detach", f"--name={self._name}", "--network=none", "--no-healthcheck",
            *_options(self.service), *variables, IMAGE, *self.service["command"],
        )  # fmt: skip
        try:
            wait_until(lambda: self.is_healthy() or not self._is_running(), 120)
            assert self._is_running()
        except AssertionError as error:
            error.add_note(self._podman.logs(self._name))
            raise

    def is_healthy(self) -> bool:
        """Return whether the health check of Compose succeeds."""
        return self.succeeds(*self.service["healthcheck"]["test"][1:])

    def succeeds(self, *command: str) -> bool:
        """Return whether a command in the container ends with 0."""
        with suppress(subprocess.CalledProcessError):
            self.execute(*command)
            return True
        return False

    def execute(self, *command: str) -> str:
        """Run a command in the container, as its user, and return what it wrote."""
        return self._podman.podman("exec", self._name, *command)

    def from_inside_its_network(self, *command: str) -> str:
        """Run a program of this machine that reaches the container's ports at 127.0.0.1."""
        return run(["nsenter", f"--net=/proc/{self._state('Pid')}/ns/net", *command])

    def stop(self) -> int:
        """Send SIGTERM, after Compose's time SIGKILL, and return the exit code."""
        self._podman.podman("stop", f"--time={self.grace_seconds:.0f}", self._name)
        return int(self._state("ExitCode"))

    def remove(self) -> None:
        """Remove it, whether it runs or not."""
        self._podman.podman("rm", "--force", "--time=0", self._name)

    def _is_running(self) -> bool:
        return self._state("Running") == "true"

    def _state(self, member: str) -> str:
        return self._podman.podman(
            "inspect", "--format", f"{{{{.State.{member}}}}}", self._name
        ).strip()


def _options(service: Mapping[str, Any]) -> list[str]:
    """Return what a Compose service says about its container in the words of podman.

    Raises: AssertionError: the service has a part that this function does not know.
    """
    rest = {name: value for name, value in service.items() if name not in _OF_THE_TOPOLOGY}
    for name in ("command", "environment", "stop_grace_period"):
        del rest[name]
    options = [
        *(["--read-only", "--read-only-tmpfs=false"] if rest.pop("read_only") else []),
        *(["--init"] if rest.pop("init") else []),
        *(f"--cap-drop={name}" for name in rest.pop("cap_drop")),
        *(f"--security-opt={option}" for option in rest.pop("security_opt")),
        *(f"--tmpfs={mount}" for mount in rest.pop("tmpfs")),
        *(f"--volume={mount}" for mount in rest.pop("volumes")),
        f"--memory={rest.pop('mem_limit')}",
        f"--pids-limit={rest.pop('pids_limit')}",
        *_descriptors(rest.pop("ulimits")["nofile"]),
    ]
    assert rest == {}
    return options


def _descriptors(wanted: int) -> list[str]:
    """Return the limits that podman sets, which may not exceed those of this process.

    Podman's own limit of processes exceeds them on a machine that takes CAP_SYS_RESOURCE from root.
    """
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
    return [f"--ulimit=nofile={limit}", f"--ulimit=nproc={limit}"]
