"""An archive of 10 GiB, made while it is sent: what it costs the server, and whether other programs read it."""

import os
import subprocess
import time
from pathlib import Path

import httpx
from support.required import require_program
from support.server import running_server

from tusd_py.client import Client

GIB = 1 << 30
SIZES = {
    "in/1.bin": 2.1,
    "in/2.bin": 2.1,
    "in/deep/3.bin": 2.1,
    "in/large.bin": 4.4,
    "in/a.txt": 0.0,
}
"""GiB. Equal files are sent once: the server has their content then."""
MEMORY_BYTES = 64 << 20
PROGRAMS = (["unzip", "-tqq"], ["7z", "t", "-bso0", "-bsp0"], ["bsdtar", "-xOf"])


def make(path: Path, size: int) -> None:
    """Make a sparse file in which no two places that the formats care about have the same bytes."""
    with path.open("wb") as file:
        file.truncate(size)
        for place in range(0, size, 500_000_000):
            file.seek(place)
            file.write(b"%d of %d;" % (place, size))


def seconds_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_an_archive_of_ten_gibibytes(tmp_path: Path) -> None:
    for name, *_ in PROGRAMS:
        require_program(name)
    source, target = tmp_path / "source.bin", tmp_path / "archive.zip"
    with (
        running_server(tmp_path / "data", "--workers", "1") as server,
        Client(server.files) as client,
    ):
        for path, gibibytes in SIZES.items():
            make(source, int(gibibytes * GIB))
            metadata = {"filename": path.rpartition("/")[2], "relativePath": path}
            client.wait(client.upload(source, metadata))
        source.unlink()
        made = httpx.post(f"{server.url}/api/file/upload/archives", json={"folder": "in"}).json()
        assert made["size"] > 10 * GIB
        before, busy, begun = resident(server.pid), seconds_of(server.pid), time.monotonic()
        most, arrived = before, 0
        with target.open("wb") as file, httpx.stream("GET", f"{server.url}{made['url']}") as answer:
            for piece in answer.iter_raw(1 << 20):
                file.write(piece)
                arrived += len(piece)
                most = max(most, resident(server.pid))
        took, busy = time.monotonic() - begun, seconds_of(server.pid) - busy
    print(  # noqa: T201
        f"{arrived / GIB:.1f} GiB in {took:.0f} s, {busy:.0f} s of processor time, "
        f"resident {before >> 20} -> {most >> 20} MiB"
    )
    assert arrived == made["size"]
    assert most - before < MEMORY_BYTES
    for program in PROGRAMS:
        begun = time.monotonic()
        line = [*program, str(target)]
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL, timeout=1800)
        print(f"{program[0]}: {time.monotonic() - begun:.0f} s")  # noqa: T201
    target.unlink()
