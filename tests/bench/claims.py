"""How long a claim takes while many jobs wait: ``make bench-claims``.

Each figure is the time of one call of ``claim_next`` in milliseconds, by a catalog in which jobs
wait: all of one user, or of many. *nothing*: a call that finds no job, since the only user is at
the limit. *finish*: the transaction that ends an upload and queues its job, eight threads together,
in operations each second.
"""

import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, insert
from support.catalog import content, upload
from support.services import MariaDb

from tusd_py.catalog.schema import job_lines, jobs
from tusd_py.catalog.sql_catalog import SqlCatalog, mysql_url, sqlite_url
from tusd_py.domain.ids import UserId
from tusd_py.domain.job_lane import ALL_LANES

WAITING = 100_000
CLAIMS = 300
THREADS = 8


def fill(catalog: SqlCatalog, users: int) -> None:
    """Queue ``WAITING`` jobs, in turn for each of the users."""
    now = catalog._clock.now() - WAITING
    rows = [
        {
            "task_id": f"{number:032x}", "user_id": number % users + 1, "scope": "", "filename": "",
            "filetype": "", "file_hash": f"{number:064x}", "file_size": 1, "temp_path": "",
            "is_video": True, "state": "queued", "owner": "", "fence": 0, "attempts": 0,
            "crash_count": 0, "lease_until": 0.0, "run_after": now + number,
            "checkpoint": '{"step": "inspect"}', "error_code": "", "error_msg": "",
            "created_at": now + number, "lane": "heavy", "precedence": 0,
        }
        for number in range(WAITING)
    ]  # fmt: skip

    def work(connection: Any) -> None:
        for start in range(0, WAITING, 5000):
            connection.execute(insert(jobs), rows[start : start + 5000])
        connection.execute(
            insert(job_lines),
            [
                {
                    "lane": "heavy", "user_id": user, "waiting": True, "precedence": 0,
                    "due_at": now, "served_at": 0.0,
                }
                for user in range(1, users + 1)
            ],
        )  # fmt: skip

    catalog._database.write(work)


def timed(work: Callable[[], object], count: int) -> dict[str, float]:
    """Return the milliseconds of a call: median and 99th percentile."""
    took = []
    for _ in range(count):
        begin = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - begin))
    took.sort()
    return {
        "p50": round(statistics.median(took), 2),
        "p99": round(took[int(len(took) * 0.99)], 2),
    }


def claims(url: str | URL, users: int) -> dict[str, Any]:
    """Return the figures of one database with jobs of ``users`` users."""
    catalog = SqlCatalog(url)
    fill(catalog, users)

    def claim(per_user: int = 0) -> object:
        return catalog.jobs.claim_next(ALL_LANES, owner="w", lease_seconds=600, per_user=per_user)

    def through() -> None:
        job = claim()
        assert job is not None
        catalog.jobs.fail(job.task_id, fence=job.fence, error_code="x", error_msg="x")  # type: ignore[attr-defined]

    took: dict[str, Any] = {"claim and fail": timed(through, CLAIMS)}
    held = []

    def hold() -> None:
        held.append(claim())

    took["claim"] = timed(hold, CLAIMS)
    assert None not in held
    if users == 1:
        assert claim(per_user=1) is None
        took["nothing"] = timed(lambda: claim(per_user=1), CLAIMS)
    catalog.close()
    return took


def finishes(url: str | URL, users: int) -> float:
    """Return the finishing transactions each second, by ``THREADS`` threads of ``users`` users."""
    catalog = SqlCatalog(url)
    made = [[upload(UserId(1 + thread % users)) for _ in range(200)] for thread in range(THREADS)]
    for some in made:
        for one in some:
            catalog.uploads.add(one)

    def finish(thread: int) -> None:
        for number, one in enumerate(made[thread]):
            catalog.uploads.finish(content(one, f"{thread * 1000 + number:064x}"), is_video=False)

    threads = [threading.Thread(target=finish, args=(number,)) for number in range(THREADS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    catalog.close()
    return round(THREADS * 200 / took)


@contextmanager
def databases() -> Iterator[dict[str, Callable[[], str | URL]]]:
    """Yield a function that makes a new database of a kind at each call."""
    with tempfile.TemporaryDirectory() as folder:
        server, count = MariaDb(), iter(range(1000))
        try:
            server.start()
            yield {
                "SQLite": lambda: sqlite_url(Path(folder) / f"{next(count)}.sqlite3"),
                "MariaDB": lambda: mysql_url(server.database()),
            }
        finally:
            server.close()


def main() -> None:
    """Print the figures as JSON."""
    with databases() as made:
        for name, database in made.items():
            found = {
                **{f"{users} users": claims(database(), users) for users in (1, 1000, WAITING)},
                "finish, one user": finishes(database(), 1),
                "finish, eight users": finishes(database(), THREADS),
            }
            sys.stdout.write(f"{json.dumps({name: found})}\n")


main()
