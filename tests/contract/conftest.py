"""What services answer is awaited: the limits are for services that are away, and none is here."""

import pytest

from tusd_py import redis_client
from tusd_py.jobs.queue import rabbitmq_connection
from tusd_py.tasks import redis as redis_view


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Await every answer, however slow the machine is."""
    for module in (redis_client, redis_view, rabbitmq_connection):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 60.0)
