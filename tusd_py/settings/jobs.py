"""Sets how jobs run, and how files are scanned."""

from typing import Literal

from pydantic import Field

from tusd_py.settings.section import Section
from tusd_py.settings.values import (
    GIB,
    Duration,
    Size,
)


class ScanSettings(Section):
    """Sets the virus scanner, clamd."""

    address: str = Field(
        "",
        pattern=r"^(/.+|[^/\s]+:[0-9]{1,5})?$",
        description="host:port of clamd, or the path of its socket; empty: files are not scanned",
    )
    timeout: Duration = Field(
        120.0, gt=0, description="Time without progress after which a scan is given up"
    )
    on_failure: Literal["closed", "open"] = Field(
        "closed",
        description=(
            "If the scanner gives no verdict, files wait for one (closed), or are stored without "
            "it (open)"
        ),
    )
    max_bytes: Size = Field(
        25 << 20,
        le=4 * GIB,
        description=(
            "Size of the largest file that is sent to clamd; it must not exceed clamd's "
            "StreamMaxLength, which is 25 MiB in Debian's configuration and 4 GiB at most"
        ),
    )
    above_limit: Literal["refuse", "accept"] = Field(
        "refuse",
        description="A file that is too large to be scanned is refused (refuse) or stored (accept)",
    )


class JobSettings(Section):
    """Sets how jobs are leased and retried (decision 2)."""

    per_user: int = Field(
        0,
        ge=0,
        description=(
            "Number of jobs of one user that may run at the same time in each of the two lanes "
            "(with ffmpeg, without), on all workers together; 0: no limit. Users take turns in "
            "any case"
        ),
    )
    lease: Duration = Field(
        60.0,
        gt=0,
        description="Time after which a worker that does not renew its lease loses its job",
    )
    renew_every: Duration = Field(
        15.0, gt=0, description="Interval at which a worker renews its lease"
    )
    max_attempts: int = Field(
        5, ge=1, description="Number of attempts after which a transient error is final"
    )
    max_crashes: int = Field(
        3,
        ge=1,
        description=(
            "Number of crashes of workers after which a file counts as poison; after one crash "
            "less, nothing is made of the file and it is stored as it was sent"
        ),
    )
    keep_failed: Duration = Field(
        0.0,
        description=(
            "Time for which the file of a job is kept for another attempt if the file did not "
            "cause the failure; 0: until its owner deletes it or an operator drops it"
        ),
    )
    backoff: tuple[Duration, ...] = Field(
        (10.0, 30.0, 120.0, 600.0, 1800.0), description="Pauses between attempts"
    )
    resource_backoff: Duration = Field(
        120.0,
        description=(
            "Pause after a full disk or a missing service, which does not count as an attempt"
        ),
    )
    reap_every: Duration = Field(
        15.0, gt=0, description="Interval at which expired leases are searched"
    )
    relay_every: Duration = Field(
        1.0, gt=0, description="Interval at which the outbox is read without a wake-up"
    )
    janitor_every: Duration = Field(
        300.0, gt=0, description="Interval at which the janitor removes unused files"
    )
    orphans_every: Duration = Field(
        6 * 3600.0,
        gt=0,
        description=(
            "Average interval at which a worker searches the whole object store for objects "
            "without a reference"
        ),
    )
    verify_source: bool = Field(
        True,
        description=(
            "Read a file again before it is published, to find bits that changed on the disk"
        ),
    )
