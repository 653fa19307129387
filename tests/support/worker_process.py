"""Run a real worker process on a server's data directory, for tests that kill it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_worker(
    data_dir: Path, env: Mapping[str, str], **more: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run ``tusd-py worker`` with one slot for the length of a block.

    It is ended with SIGTERM if it still runs. ``env`` and ``more`` are added to this process's
    environment.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tusd_py", "worker", "--data-dir", str(data_dir), "--workers", "1"],
        env={**os.environ, "TUSD_LOG_LEVEL": "warning", **env, **more},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGCONT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
