"""Gives up rights that a decoder does not need, then executes it. It runs without the project.

    python -I -S confine.py [--filter FILE] [--read PATH]... [--write FOLDER]... [--device NODE]...
    -- PROGRAM ARGUMENT...

``--read`` and ``--write`` set up Landlock (landlock(7)): it refuses all other files, with
``/proc``, TCP, and signals to processes outside. The program does not start if the kernel has no
Landlock. ``--filter`` names a file with a seccomp program. No namespace and no privilege is needed,
so it works in containers that refuse both. A process of root loses every capability.
"""

import argparse
import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, NoReturn

FAILED: Final = 126
SYSTEM: Final = (
    "/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/ld.so.conf",
    "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/ld-musl-x86_64.path",
    "/etc/ld-musl-aarch64.path",
)  # fmt: skip
"""Paths of programs and their libraries."""
DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_REG, _TRUNCATE = 1 << 5, 1 << 8, 1 << 14
_IOCTL_DEV: Final = 1 << 15
_FILE_RIGHTS: Final = _IOCTL_DEV | _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_WRITE: Final = _READ_FILE | _READ_DIR | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE
_FS_RIGHTS_BY_ABI: Final = {1: 13, 2: 14, 3: 15, 4: 15}
"""Number of rights on files that the kernel has, from the lowest bit; 16 since version 5."""

_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_PR_CAP_AMBIENT: Final = 47
_CLEAR_ALL: Final = 4
_SECCOMP_MODE_FILTER: Final = 2
_LAST_CAPABILITY: Final = 63

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """Mirrors ``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def main(arguments: Sequence[str]) -> NoReturn:
    """Confine this process and run the program in it."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--filter")
    parser.add_argument("--read", action="append", default=[])
    parser.add_argument("--write", action="append", default=[])
    parser.add_argument("--device", action="append", default=[])
    parser.add_argument("argv", nargs="+")
    wanted = parser.parse_args(arguments)
    try:
        give_up_capabilities()
        _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        bytecode = b""
        if wanted.filter:
            with open(wanted.filter, "rb") as file:  # noqa: PTH123  (a quick start: no pathlib)
                bytecode = file.read()
        if wanted.read or wanted.write:
            restrict_files(wanted.read, wanted.write, wanted.device)
        if bytecode:
            load_filter(bytecode)
        os.execvp(wanted.argv[0], wanted.argv)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"confine: {error}\n")
    sys.exit(FAILED)


def give_up_capabilities() -> None:
    """Drop every capability of root, with those of the next program. Other users have none."""
    _libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    for number in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)


def restrict_files(
    readable: Iterable[str], writable: Iterable[str], devices: Iterable[str] = ()
) -> None:
    """Allow only the system's programs, these paths and a few devices; refuse TCP.

    Raises: OSError: the kernel has no Landlock, or a path does not exist.
    """
    version = _checked(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))
    known = (1 << _FS_RIGHTS_BY_ABI.get(version, 16)) - 1
    # Rights on files, on TCP (bind, connect), on abstract sockets and signals.
    attributes = struct.pack("=QQQ", known, 0b11, 0b11)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = _checked(_libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0))
    for path in SYSTEM:
        with suppress(FileNotFoundError):
            _allow(rules, path, _READ & known)
    for path in DEVICES:
        with suppress(FileNotFoundError):
            _allow(rules, path, (_READ_FILE | _WRITE_FILE) & known)
    for path in readable:
        _allow(rules, path, _READ & known)
    for path in writable:
        _allow(rules, path, _WRITE & known)
    for path in devices:
        _allow(rules, path, (_READ_FILE | _WRITE_FILE | _IOCTL_DEV) & known)
    _checked(_libc.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):  # noqa: PTH112
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, target)
        _checked(_libc.syscall(_ADD_RULE, rules, 1, rule, 0))
    finally:
        os.close(target)


def load_filter(bytecode: bytes) -> None:
    """Load a seccomp program, which decides about each later system call. Raises: OSError."""
    program = _Program(len(bytecode) // 8, bytecode)
    _checked(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
