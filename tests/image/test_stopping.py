"""SIGTERM ends a process within the time that Compose gives it, and it starts again on its files."""

import time

import pytest
from support.container import Container


@pytest.mark.parametrize("role", ["server", "worker"])
def test_a_process_ends_in_time_and_starts_again(
    role: str, request: pytest.FixtureRequest, figures: dict[str, str]
) -> None:
    container: Container = request.getfixturevalue(role)
    began = time.monotonic()
    # After that time it would be killed, and the code would be another one.
    assert container.stop() == 0
    figures[f"stop of a {role}"] = f"{time.monotonic() - began:.1f} s"
    container.remove()
    container.start()
