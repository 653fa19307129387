"""The image, built once, and a server and a worker of Compose that run in it, without engines.

It needs root, and the packages of deploy/packages/image.txt.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.container import Container
from support.deploy_files import compose, filled_in
from support.image import IMAGE, base_image, build
from support.podman import Podman
from support.tokens import SECRET

FIGURES = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = {}


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    terminalreporter.section("figures of the image")
    for name, figure in config.stash[FIGURES].items():
        terminalreporter.write_line(f"{name:<24} {figure}")


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> dict[str, str]:
    """What was measured, by its name; printed at the end."""
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def podman(figures: dict[str, str]) -> Iterator[Podman]:
    """A store of containers that has the image."""
    with ExitStack() as stack:
        podman = Podman(Path(tempfile.mkdtemp(prefix="tusd-image-")))
        stack.callback(podman.close)
        began = time.monotonic()
        base = base_image(podman)
        based = time.monotonic()
        build(podman, base)
        figures["base"] = f"{based - began:.0f} s, {base}"
        figures["build"] = f"{time.monotonic() - based:.0f} s"
        size = int(podman.podman("image", "inspect", "--format={{.Size}}", IMAGE))
        figures["size"] = f"{size / 1e6:.0f} MB"
        yield podman


@pytest.fixture(scope="session")
def server(podman: Podman, figures: dict[str, str]) -> Iterator[Container]:
    """A server, as Compose runs it."""
    yield from _running(podman, "server", figures)


@pytest.fixture(scope="session")
def worker(podman: Podman, server: Container, figures: dict[str, str]) -> Iterator[Container]:
    """A worker, as Compose runs it, on the server's volume."""
    yield from _running(podman, "worker", figures)


def _running(podman: Podman, role: str, figures: dict[str, str]) -> Iterator[Container]:
    services = compose(filled_in(SECRET))["services"]
    container = Container(podman, role, services[f"{role}-1"])
    try:
        began = time.monotonic()
        container.start()
        figures[f"start of a {role}"] = f"{time.monotonic() - began:.1f} s until it is healthy"
        yield container
    finally:
        container.remove()
