"""Where a server without authentication listens."""

import os
import subprocess
import sys
from pathlib import Path

NOT_OURS = "192.0.2.1"
"""An address of no machine (RFC 5737): the kernel refuses to listen there."""


def serve(folder: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            sys.executable, "-m", "tusd_py", "serve", "--host", NOT_OURS, "--port", "0",
            "--workers", "0", "--data-dir", str(folder),
        ],
        env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_an_address_that_others_reach_is_refused(tmp_path: Path) -> None:
    done = serve(tmp_path / "data")
    assert done.returncode == 2
    assert "no user has to authenticate" in done.stderr
    assert not (tmp_path / "data").exists()


def test_it_is_listened_on_where_the_deployment_states_that_strangers_are_kept_out(
    tmp_path: Path,
) -> None:
    done = serve(tmp_path / "data", TUSD_ALLOW_ANONYMOUS="true")
    assert "there is no authentication yet" not in done.stderr
    assert "cannot assign requested address" in done.stderr.lower()
