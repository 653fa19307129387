"""Publishing messages of jobs from the outbox to a broker."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support.catalog import finished
from support.clock import FakeClock
from support.migrated import put_catalog
from typing_extensions import override

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.sql_catalog import SqlCatalog, sqlite_url
from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import JobMessage
from tusd_py.jobs.outbox import relay_outbox
from tusd_py.jobs.queue.port import MessageBroker


class Broker(MessageBroker):
    """Accepts ``room`` messages and refuses the others."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.has: list[UploadId] = []

    @override
    def publish_all(self, messages: Sequence[JobMessage]) -> int:
        accepted = [message.task_id for message in messages][: self.room]
        if not accepted:
            raise BackendError
        self.has += accepted
        self.room -= len(accepted)
        return len(accepted)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    put_catalog(tmp_path)
    url = sqlite_url(tmp_path / "catalog.sqlite3")
    made = SqlCatalog(url, clock=FakeClock(), messages=True)
    yield made
    made.close()


def test_a_message_is_published_once(catalog: Catalog) -> None:
    broker, task_id = Broker(), finished(catalog)
    assert relay_outbox(catalog.jobs, broker) == 1
    assert relay_outbox(catalog.jobs, broker) == 0
    assert broker.has == [task_id]


def test_messages_that_the_broker_refused_are_published_again_in_their_order(
    catalog: Catalog,
) -> None:
    tasks = [finished(catalog, digit * 64) for digit in "abc"]
    broker = Broker(room=2)
    assert relay_outbox(catalog.jobs, broker) == 2
    with pytest.raises(BackendError):
        relay_outbox(catalog.jobs, broker)
    broker.room = 5
    assert relay_outbox(catalog.jobs, broker) == 1
    assert broker.has == tasks
