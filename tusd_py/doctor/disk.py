"""Judge the facts about the data directory."""

import errno
from collections.abc import Mapping
from typing import Final

from tusd_py.doctor.disk_facts import DiskFacts, inspect_disk
from tusd_py.doctor.findings import Finding, note, ok, problem, warning
from tusd_py.settings.model import Settings
from tusd_py.settings.values import GIB

SPARE_BYTES: Final = GIB
"""Space for databases, logs and the files of ffmpeg."""
FEW_INODES: Final = 1000
SCARCE_INODES: Final = 20_000
"""An upload is one file, an object is another, and an attempt of a worker makes some more."""

_LOCAL: Final[Mapping[int, str]] = {
    0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x2FC12FC1: "zfs", 0xF2F52010: "f2fs",
    0xCA451A4E: "bcachefs",
}  # fmt: skip
_FLEETING: Final[Mapping[int, str]] = {
    0x01021994: "tmpfs", 0x858458F6: "ramfs", 0x794C7630: "overlayfs",
}  # fmt: skip
_NFS: Final = 0x6969
_SHARED: Final[Mapping[int, str]] = {
    0x00C36400: "ceph", 0x0BD00BD0: "lustre", 0x01161970: "gfs2", 0x7461636F: "ocfs2",
    0x47504653: "gpfs",
}  # fmt: skip
_LOOSE: Final[Mapping[int, str]] = {
    0x517B: "smb", 0xFF534D42: "cifs", 0xFE534D42: "smb2", 0x65735546: "fuse", 0x01021997: "9p",
    0x6A656A63: "virtiofs",
}  # fmt: skip
"""The numbers are from linux/magic.h and statfs(2)."""


def check_disk(settings: Settings) -> list[Finding]:
    """Read the facts and return the findings. Raises: OSError."""
    facts = inspect_disk(settings.data_dir.absolute())
    shared = bool(settings.redis.addr)
    sqlite = not settings.mysql.data_source.get_secret_value()
    return judge_disk(facts, max_size=settings.max_size, shared=shared, sqlite=sqlite)


def judge_disk(facts: DiskFacts, *, max_size: int, shared: bool, sqlite: bool) -> list[Finding]:
    """Return the findings.

    Args: max_size: the largest upload in bytes, 0: unlimited; shared: several servers may use the
        directory; sqlite: the catalog is in it.
    """
    if not facts.is_directory:
        return [
            problem(
                "disk.directory", "data_dir is not a directory.", "Set data_dir to another one."
            )
        ]
    if facts.refusal is not None:
        return [_refused(facts.refusal), *_space(facts, max_size)]
    state = "is there and can be written" if facts.exists else "can be made"
    return [
        ok("disk.directory", f"data_dir {state}."),
        *_space(facts, max_size),
        *_kind(facts.kind, shared=shared, sqlite=sqlite),
        *_promises(facts, shared=shared),
    ]


def _refused(number: int) -> Finding:
    if number == errno.EROFS:
        return problem(
            "disk.directory",
            "data_dir is on a file system that is mounted read-only.",
            "Mount it with rw; a disk with errors is made read-only by the kernel.",
        )
    if number in (errno.EACCES, errno.EPERM):
        return problem(
            "disk.directory",
            "data_dir can't be written by this user.",
            "chown it to the user that runs the server, mode 0700.",
        )
    return problem(
        "disk.directory",
        f"data_dir can't be written ({errno.errorcode.get(number, number)}).",
        "Free space or inodes, or set data_dir to another file system.",
    )


def _space(facts: DiskFacts, max_size: int) -> list[Finding]:
    wanted = 2 * max_size + SPARE_BYTES
    free = f"{facts.free / GIB:.1f} GiB are free"
    remedy = f"Free {wanted / GIB:.1f} GiB or more, or lower max_size."
    if facts.free < max(max_size, SPARE_BYTES):
        found = [
            problem("disk.space", f"{free}: less than one largest upload, or than 1 GiB.", remedy)
        ]
    elif facts.free < wanted:
        found = [
            warning(
                "disk.space",
                f"{free}: a largest upload fits, but not the files that a worker makes from it.",
                remedy,
            )
        ]
    else:
        found = [ok("disk.space", f"{free}.")]
    inodes = facts.free_inodes
    if inodes is not None and inodes < SCARCE_INODES:
        level = problem if inodes < FEW_INODES else warning
        found.append(
            level(
                "disk.inodes",
                f"Only {inodes} more files can be made.",
                "Remove small files, or make the file system with more inodes.",
            )
        )
    return found


def _kind(kind: int | None, *, shared: bool, sqlite: bool) -> list[Finding]:
    check = "disk.kind"
    if kind is None:
        return []
    if kind in _FLEETING:
        return [
            warning(
                check,
                f"{_FLEETING[kind]}: uploads and objects are gone with the machine's next start, "
                "or with the container.",
                "Mount a volume that stays, and set data_dir to it.",
            )
        ]
    if kind == _NFS or kind in _SHARED or kind in _LOOSE:
        return [_network(check, kind, shared=shared, sqlite=sqlite)]
    name = _LOCAL.get(kind, f"file system {kind:#x}")
    return [ok(check, f"{name}.")]


def _network(check: str, kind: int, *, shared: bool, sqlite: bool) -> Finding:
    if sqlite:
        return problem(
            check,
            "The catalog is SQLite, whose write-ahead log does not hold on a network's file "
            "system.",
            "Set mysql.data_source, or keep data_dir on a local disk.",
        )
    if kind == _NFS:
        return note(
            check,
            "NFS: version 4 keeps the promises that several servers rely on, version 3 with nolock "
            "does not.",
            "Mount it with vers=4.1 or newer, and without nolock.",
        )
    if kind in _LOOSE:
        level = warning if shared else note
        return level(
            check,
            f"{_LOOSE[kind]}: whether locks exclude other machines depends on what is behind it.",
            "Use a local disk for one server, NFSv4 for several.",
        )
    return ok(check, f"{_SHARED[kind]}, a shared file system with locks.")


def _promises(facts: DiskFacts, *, shared: bool) -> list[Finding]:
    found = []
    if facts.syncs is False:
        found.append(
            problem(
                "disk.sync",
                "fsync fails: nothing that is acknowledged can be promised.",
                "Look at the kernel's messages for errors of the disk; use another file system.",
            )
        )
    if facts.excludes is not True:
        level = problem if shared else note
        found.append(
            level(
                "disk.locks",
                "A byte that this process locked was not refused to another one: two servers could "
                "write to one upload.",
                "Use a local file system or NFSv4 for data_dir.",
            )
        )
    if facts.links is False or facts.links_to_objects is False:
        found.append(
            note(
                "disk.links",
                "A finished upload can't become an object by a second name: it is copied.",
                "Keep uploads/ and objects/ on one file system that has hard links.",
            )
        )
    return found or [ok("disk.promises", "Sync, locks between processes and hard links work.")]
