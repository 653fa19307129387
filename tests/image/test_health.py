"""The health checks of Compose and of the image succeed for the process that runs, and no other."""

import json

from support.container import Container
from support.image import IMAGE
from support.podman import Podman


def test_each_health_check_is_of_the_process_that_runs(
    server: Container, worker: Container
) -> None:
    checks = [container.service["healthcheck"]["test"][1:] for container in (server, worker)]
    for container, own, other in ((server, *checks), (worker, *reversed(checks))):
        assert container.succeeds(*own)
        assert not container.succeeds(*other)


def test_the_check_of_the_image_is_of_a_server(
    podman: Podman, server: Container, worker: Container
) -> None:
    command = json.loads(
        podman.podman("image", "inspect", "--format={{json .HealthCheck.Test}}", IMAGE)
    )
    assert command[0] == "CMD"
    assert server.succeeds(*command[1:])
    assert not worker.succeeds(*command[1:])
