"""Run ``tusd-py gc``: remove unused data now instead of in a few minutes."""

from typing import Annotated

import typer

from tusd_py.cli.common import Config, DataDir, opened_ports, plain_errors, settings_from
from tusd_py.cli.output import say
from tusd_py.cli.refusal import refuse
from tusd_py.logs import start_logging
from tusd_py.ports import Ports


def gc(
    data_dir: DataDir = None,
    config: Config = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be removed.")
    ] = False,
    adopt_objects: Annotated[
        bool,
        typer.Option(
            "--adopt-objects",
            help="Take the object store over from another catalog: objects that this catalog does "
            "not know are removed.",
        ),
    ] = False,
) -> None:
    """Remove data that nothing refers to.

    These are sources of files that the pool holds, data without an upload, folders of ended
    attempts, orphan objects and interrupted puts. The server itself removes expired uploads.
    """
    settings = settings_from(config, data_dir=data_dir)
    start_logging(settings)
    if dry_run and adopt_objects:
        refuse("--dry-run changes nothing, so it can't go with --adopt-objects")
    with plain_errors(), opened_ports(settings) as ports:
        failed_after = settings.jobs.keep_failed or None
        _collect(ports, dry_run=dry_run, adopts=adopt_objects, failed_after=failed_after)


def _collect(ports: Ports, *, dry_run: bool, adopts: bool, failed_after: float | None) -> None:
    from tusd_py.worker.janitor import claim_objects, find_leftovers, owns_objects, remove_leftovers

    owned = owns_objects(ports) if dry_run else claim_objects(ports, adopts=adopts)
    if not owned:
        say("the object store belongs to another catalog: none of its objects are removed")
    found = find_leftovers(ports, failed_after=failed_after)
    for kind, names in (
        ("source", found.sources),
        ("data without an upload", found.orphan_data),
        ("work folder", [str(one.relative_to(ports.work_dir)) for one in found.work_dirs]),
        ("orphan object", found.orphan_objects),
        ("unfinished object", [put.key or put.upload_id for put in found.unfinished]),
    ):
        for name in names:
            say(f"{'would remove' if dry_run else 'removing'} {kind} {name}")
    if not dry_run:
        remove_leftovers(ports, found)
    say(f"{len(found)} {'to remove' if dry_run else 'removed'}")
