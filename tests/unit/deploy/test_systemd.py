"""The units are understood by systemd, hardened, and leave bubblewrap what it needs."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.deploy_files import DEPLOY, ENV_EXAMPLES, UNITS, environment, seconds
from support.required import needs_programs

IDS = [unit.stem for unit in UNITS]


def directives(unit: Path) -> dict[str, str]:
    """Return the directives of [Service]; of repeated ones the last."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(unit, "utf-8")
    return dict(parser["Service"])


@needs_programs("systemd-analyze")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    program = tmp_path / "tusd-py"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    shutil.copy(DEPLOY / "systemd" / "tusd-py.target", tmp_path)
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/opt/tusd-py/bin/tusd-py", str(program))
        (tmp_path / unit.name).write_text(text)
        (tmp_path / unit.name.replace("@", "@1")).write_text(text)
    checked = [
        *(str(tmp_path / unit.name.replace("@", "@1")) for unit in UNITS),
        str(tmp_path / "tusd-py.target"),
    ]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *checked],
        capture_output=True, text=True, check=False,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "notice"},
    )  # fmt: skip
    # An unknown directive is only a warning.
    assert (done.returncode, done.stderr) == (0, "")


@needs_programs("systemd-analyze")
@pytest.mark.parametrize(("role", "tenths"), [("server", 20), ("worker", 30)])
def test_systemd_rates_the_exposure_of_a_unit_as_low(role: str, tenths: int) -> None:
    """docs/production.md has the figures of one version; others weigh directives differently."""
    (unit,) = (unit for unit in UNITS if role in unit.name)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={tenths}", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.parametrize("unit", UNITS, ids=IDS)
def test_a_unit_is_hardened_and_lets_a_process_end_its_work(unit: Path) -> None:
    found = directives(unit)
    for name in (
        "NoNewPrivileges",
        "ProtectHome",
        "PrivateTmp",
        "PrivateDevices",
        "MemoryDenyWriteExecute",
    ):
        assert found[name] == "yes", name
    assert found["ProtectSystem"] == "strict"
    assert found["CapabilityBoundingSet"] == ""
    assert (found["KillMode"], found["Restart"]) == ("mixed", "on-failure")
    patience = seconds(environment(ENV_EXAMPLES[1])["TUSD_SHUTDOWN_TIMEOUT"])
    assert float(found["TimeoutStopSec"]) > 2 * patience
    # A migration takes its time; without this, one that notifies systemd would have 90 s.
    assert found["Type"] == "exec" or found["TimeoutStartSec"] == "infinity"


def test_the_worker_leaves_bubblewrap_what_it_needs() -> None:
    """Measured: a /proc of which a part is covered cannot be mounted again inside a namespace."""
    found = directives(next(unit for unit in UNITS if "worker" in unit.name))
    for name in ("ProtectKernelTunables", "ProtectKernelLogs", "ProcSubset"):
        assert name not in found, name
    assert {"user", "mnt", "pid", "net", "ipc", "uts"} <= set(found["RestrictNamespaces"].split())
    assert "AF_NETLINK" in found["RestrictAddressFamilies"]
    assert "@mount" in found["SystemCallFilter"]


@needs_programs("bwrap", "systemd-analyze", "strace")
def test_the_workers_filter_lets_bubblewrap_through(tmp_path: Path) -> None:
    found = directives(next(unit for unit in UNITS if "worker" in unit.name))
    allowed = set().union(*(_calls(name) for name in found["SystemCallFilter"].split()))
    trace = tmp_path / "trace"
    from tusd_py.worker.media.sandbox import Limits, Sandbox

    true = shutil.which("true") or ""
    box = Sandbox(
        kind="bwrap", source=Path(true), output=tmp_path,
        limits=Limits(memory=1 << 30, file_size=1 << 20, cpu=10),
    )  # fmt: skip
    subprocess.run(["strace", "-f", "-qq", "-o", str(trace), *box.wrap([true])], check=True)
    used = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", trace.read_text(), re.MULTILINE))
    assert {"clone", "pivot_root", "mount"} <= used
    assert used - allowed == set()


def _calls(name: str) -> set[str]:
    """Return the system calls of one of systemd's sets."""
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True
    ).stdout.splitlines()[1:]
    words = {line.strip() for line in listed if line.strip() and not line.strip().startswith("#")}
    nested = {word for word in words if word.startswith("@")}
    return (words - nested).union(*(_calls(word) for word in nested))
