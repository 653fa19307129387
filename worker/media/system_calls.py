"""Denies the system calls that a decoder does not need, by a seccomp filter (seccomp(2)).

libseccomp, called by ctypes, knows the numbers of each architecture and refuses calls by the table
of another one. ``DENIED`` has the calls that Flatpak and Docker deny, and those that make other
files than plain ones, change another process or start one. A denied call fails with EPERM, so a
program can go on without it.
"""

import atexit
import ctypes
import errno
import logging
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

LIBRARY: Final = "libseccomp.so.2"
DENIED: Final = (
    # Other processes and their memory.
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",
    "kcmp", "pidfd_getfd", "pidfd_open", "pidfd_send_signal", "setsid", "setpgid",
    "setns", "unshare", "personality", "kill", "tkill", "tgkill", "rt_sigqueueinfo",
    "rt_tgsigqueueinfo", "setpriority", "ioprio_set", "sched_setscheduler", "sched_setparam",
    "sched_setattr", "sched_setaffinity",
    # New processes: limits of memory and processor time hold for each of them, and they do not end
    # with the worker.
    "fork", "vfork",
    # The kernel's keys, programs, watches and queues.
    "add_key", "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd", "fanotify_init",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "seccomp", "lookup_dcookie",
    "vmsplice", "memfd_create", "memfd_secret", "mq_open", "msgget", "semget", "shmget",
    # The system itself.
    "mount", "umount2", "umount", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
    "fsconfig", "fsmount", "fspick", "mount_setattr", "init_module", "finit_module",
    "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot", "swapon",
    "swapoff", "acct", "quotactl", "quotactl_fd", "nfsservctl", "syslog", "sethostname",
    "setdomainname", "settimeofday", "stime", "clock_settime", "clock_settime64", "clock_adjtime",
    "adjtimex", "iopl", "ioperm", "vhangup", "modify_ldt", "uselib", "_sysctl", "vm86", "vm86old",
    "name_to_handle_at", "open_by_handle_at", "move_pages", "migrate_pages", "mbind",
    # Any network.
    "socket", "socketpair", "socketcall", "connect", "bind", "listen", "accept", "accept4",
    # Files that are not plain, links and changes of names, and other users' rights.
    "symlink", "symlinkat", "link", "linkat", "mknod", "mknodat", "mkdir", "mkdirat", "setxattr",
    "lsetxattr", "fsetxattr", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2",
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
    "setgroups", "setfsuid", "setfsgid", "capset",
    # Landlock does not check these.
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "utime",
    "utimes", "utimensat", "utimensat_time64", "futimesat", "setxattrat", "removexattr",
    "lremovexattr", "fremovexattr", "removexattrat", "file_setattr",
)  # fmt: skip
NAMESPACES: Final = 0x7E020080
"""CLONE_NEW* of clone(2): the flags of all kinds of namespaces."""
THREAD: Final = 0x10000
"""CLONE_THREAD of clone(2): the flag for a thread instead of a process."""
PDEATHSIG: Final = 1
"""Option of prctl(2) with which a process could outlive the worker."""
SIGNALS_OF_FILES: Final = (8, 10, 15)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX of fcntl(2): with them a pipe can send signals to processes."""
TIOCSTI: Final = 0x5412
TMPFILE: Final = 0x400000
"""Bit that only O_TMPFILE has: a file without a name takes space that ``run`` can't count."""
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_NOT_EQUAL: Final = 1
_MASKED_EQUAL: Final = 7
_LOWER_HALF: Final = 0xFFFFFFFF
"""Bits that the kernel uses of an argument that is an ``int``."""
_UNKNOWN_CALL: Final = -1


class _Condition(ctypes.Structure):
    """Mirrors ``struct scmp_arg_cmp``.

    An argument, masked with the first value, equals the second; or it does not equal the first
    value.
    """

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


class _FilterFile:
    """Writes the filter to a file at its first use, and again if ``/tmp`` was cleaned."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._path: Path | None = None

    def path(self) -> Path | None:
        program = bytecode()
        if program is None:
            return None
        with self._mutex:
            if self._path is None or not self._path.exists():
                try:
                    self._path = _written(program)
                except OSError:
                    log.warning("media.filter.missing", exc_info=True)
                    return None
            return self._path


_file: Final = _FilterFile()


def filter_file() -> Path | None:
    """Return a file with the filter, for programs that load it; None if there is no filter.

    It is removed when this process ends.
    """
    return _file.path()


def _written(program: bytes) -> Path:
    with tempfile.NamedTemporaryFile(prefix="tusd-py-", suffix=".bpf", delete=False) as file:
        path = Path(file.name)
        atexit.register(_remove, path)
        file.write(program)
    return path


@cache
def bytecode() -> bytes | None:
    """Return the filter as a BPF program; None if libseccomp is missing or too old."""
    try:
        with tempfile.TemporaryFile(buffering=0) as file:
            _write(_library(), file.fileno())
            file.seek(0)
            return file.read()
    except (OSError, AttributeError):
        log.warning("media.filter.missing", exc_info=True)
        return None


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_release.restype = None
    library.seccomp_release.argtypes = (ctypes.c_void_p,)
    library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
    library.seccomp_rule_add_array.argtypes = (
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
        ctypes.POINTER(_Condition),
    )  # fmt: skip
    library.seccomp_export_bpf.argtypes = (ctypes.c_void_p, ctypes.c_int)
    return library


def _write(library: ctypes.CDLL, descriptor: int) -> None:
    """Write the filter to a file descriptor. Raises: OSError."""
    rules = library.seccomp_init(_ALLOW)
    if not rules:
        raise OSError(errno.ENOMEM, "seccomp_init")
    try:
        for name in DENIED:
            _deny(library, rules, name)
        # Threads need clone. A filter can't read the flags of clone3, which a pointer refers to.
        # glibc and musl use clone if clone3 fails with ENOSYS.
        _deny(library, rules, "clone3", code=errno.ENOSYS)
        _deny(library, rules, "openat2", code=errno.ENOSYS)
        for bit in (1 << n for n in range(32) if NAMESPACES >> n & 1):
            _deny(library, rules, "clone", [_Condition(0, _MASKED_EQUAL, bit, bit)])
        _deny(library, rules, "clone", [_Condition(0, _MASKED_EQUAL, THREAD, 0)])
        _deny(library, rules, "prctl", [_int_equals(0, PDEATHSIG)])
        # Limits of other processes are refused; 0 is the caller.
        _deny(library, rules, "prlimit64", [_Condition(0, _NOT_EQUAL, 0, 0)])
        for name in ("fcntl", "fcntl64"):
            for command in SIGNALS_OF_FILES:
                _deny(library, rules, name, [_int_equals(1, command)])
        for name, flags in (("open", 1), ("openat", 2)):
            _deny(library, rules, name, [_Condition(flags, _MASKED_EQUAL, TMPFILE, TMPFILE)])
        # Writing input into a terminal is refused.
        _deny(library, rules, "ioctl", [_int_equals(1, TIOCSTI)])
        _checked(library.seccomp_export_bpf(rules, descriptor), "export")
    finally:
        library.seccomp_release(rules)


def _int_equals(argument: int, value: int) -> _Condition:
    return _Condition(argument, _MASKED_EQUAL, _LOWER_HALF, value)


def _deny(
    library: ctypes.CDLL,
    rules: int,
    name: str,
    conditions: Iterable[_Condition] = (),
    *,
    code: int = errno.EPERM,
) -> None:
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number == _UNKNOWN_CALL:  # newer than the library
        return
    given = list(conditions)
    array = (_Condition * len(given))(*given)
    added = library.seccomp_rule_add_array(rules, _ERRNO | code, number, len(given), array)
    _checked(added, name)


def _checked(result: int, what: str) -> None:
    if result < 0:
        raise OSError(-result, what)
