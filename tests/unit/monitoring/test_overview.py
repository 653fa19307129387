"""Tests what the operator's page gets of the queue."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import create_autospec

import pytest
from support.migrated import put_catalog

from tusd_py.jobs.queue.port import DeadLetter
from tusd_py.jobs.queue.rabbitmq import RabbitMqQueue
from tusd_py.monitoring.overview import Overview
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_ports


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    put_catalog(tmp_path / "data")
    opened = open_ports(Settings(data_dir=tmp_path / "data"))
    yield opened
    opened.close()


def test_without_a_broker_there_are_jobs_and_no_messages(ports: Ports) -> None:
    seen = Overview(ports).read()
    assert (seen["queue"], seen["dead_letters"], seen["away"]) == (None, [], [])
    assert seen["jobs"]["queued"] == 0


def test_with_a_broker_its_messages_are_counted(ports: Ports) -> None:
    queue = create_autospec(RabbitMqQueue, instance=True)
    queue.depth.return_value, queue.dead_depth.return_value = 3, 1
    letter = DeadLetter(payload=b"\xff", reason="no JSON")
    queue.dead_letters.return_value = [letter]
    seen = Overview(replace(ports, queue=queue, broker=queue)).read()
    assert seen["queue"] == {"messages": 3, "dead_messages": 1}
    assert seen["dead_letters"] == [{"id": letter.id, "reason": "no JSON", "preview": "\\ufffd"}]
