"""A film goes through the image: sent, compressed, downloaded; the doctor finds no problem."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.container import Container
from support.media import probe, video
from support.podman import Podman

ENDPOINT = "http://127.0.0.1:8888/files/"
STREAMS = "stream=codec_name,width,height,nb_frames"


@pytest.fixture(scope="session")
def client(server: Container, worker: Container) -> Sequence[str]:
    """The start of a command of a user, which is run in the server's network."""
    token = server.execute("tusd-py", "user", "add", "anna").strip()
    return ("env", f"TUSD_URL={ENDPOINT}", f"TUSD_TOKEN={token}", sys.executable, "-m", "tusd_py")


def sent(server: Container, client: Sequence[str], file: Path) -> str:
    """Send a file, wait for its processing, and return the id of its task."""
    lines = server.from_inside_its_network(*client, "upload", "--json", str(file))
    last = json.loads(lines.splitlines()[-1])
    assert last["status"] == "completed", last
    return str(last["task_id"])


def downloaded(server: Container, client: Sequence[str], task: str, path: Path) -> Path:
    server.from_inside_its_network(*client, "download", task, "-o", str(path))
    return path


def test_a_film_is_sent_compressed_and_downloaded(
    podman: Podman, server: Container, client: Sequence[str], tmp_path: Path
) -> None:
    film = video(tmp_path / "film.mp4")
    made = downloaded(server, client, sent(server, client, film), tmp_path / "made.mp4")
    assert made.stat().st_size < film.stat().st_size / 2
    assert probe(made, STREAMS) == probe(film, STREAMS)
    volume = Path(podman.podman("volume", "inspect", "--format={{.Mountpoint}}", "uploads").strip())
    stored = [path for path in (volume / "objects").rglob("*") if path.is_file()]
    assert made.read_bytes() in [path.read_bytes() for path in stored]


def test_another_file_comes_back_byte_for_byte(
    server: Container, client: Sequence[str], tmp_path: Path
) -> None:
    content = os.urandom(3 << 20)
    (tmp_path / "a.bin").write_bytes(content)
    task = sent(server, client, tmp_path / "a.bin")
    assert downloaded(server, client, task, tmp_path / "b.bin").read_bytes() == content


def test_the_doctor_finds_no_problem(server: Container, client: Sequence[str]) -> None:
    said = server.from_inside_its_network(*client, "doctor", "--url", ENDPOINT, "--json")
    levels = {line["check"]: line["level"] for line in map(json.loads, said.splitlines())}
    assert {"creation", "location", "event-buffering", "open-paths"} <= levels.keys()
    assert [check for check, level in levels.items() if level == "problem"] == []


@pytest.mark.parametrize("role", ["server", "worker"])
def test_the_doctor_finds_no_problem_in_the_container(
    role: str, request: pytest.FixtureRequest
) -> None:
    container: Container = request.getfixturevalue(role)
    said = container.execute("tusd-py", "doctor", "--json")
    levels = {line["check"]: line["level"] for line in map(json.loads, said.splitlines())}
    assert levels["media.ffmpeg"] == "ok"
    assert [check for check, level in levels.items() if level == "problem"] == []
