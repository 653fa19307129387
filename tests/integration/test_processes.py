"""Several server processes on one port: what a client sees when one of them, or their parent, ends."""

import itertools
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from support.process_set import children, lives, stop, wait_until_replaced
from support.raw_http import silent_patch
from support.server import Server, running_server
from support.tokens import SECRET
from support.tus import append, create, offset, post
from support.waiting import wait_until

MIB = 1 << 20
ALONE = ("--workers", "0")
TWO = ("--processes", "2", *ALONE)


class Visitors:
    """Opens connections one after another in some threads, and counts what comes of them."""

    def __init__(self, server: Server, *, threads: int = 4) -> None:
        self.refused = 0
        self.broken = 0
        self.stored: list[str] = []
        self.visits = itertools.count()
        self.done = 0
        self.threads = threads
        self._server = server
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(threads)]

    def __enter__(self) -> "Visitors":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _visit(self) -> None:
        while not self._ends.is_set():
            try:
                if next(self.visits) % 10:
                    httpx.get(f"{self._server.url}/healthz").raise_for_status()
                else:
                    self._store()
                self.done += 1
            except httpx.ConnectError:
                self.refused += 1
            except httpx.TransportError:
                # The process ended while it had the request.
                self.broken += 1

    def _store(self) -> None:
        answer = post(self._server, 5, b"bytes")
        while answer.status_code == 503:
            # The process had begun to stop: the next connection is another one's.
            assert (answer.json()["code"], answer.headers["Connection"]) == (
                "shutting_down",
                "close",
            )
            answer = post(self._server, 5, b"bytes")
        assert answer.status_code == 201, answer.text
        self.stored.append(answer.headers["Location"])


def test_no_connection_is_refused_while_processes_are_killed_in_turn(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", *TWO) as server, Visitors(server) as visitors:
        killed = children(server)
        for pid in killed:
            before = visitors.done
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda before=before: visitors.done > before + 100)
            wait_until_replaced(server, pid, 2)
        assert visitors.refused == 0
        assert visitors.broken <= len(killed) * visitors.threads
        for url in visitors.stored:
            assert httpx.get(url).content == b"bytes"


def test_an_upload_goes_on_at_another_process_when_its_own_is_killed(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(8 * MIB)
    with running_server(tmp_path / "data", *TWO) as server:
        url = create(server, len(content))
        reached = 0
        for _ in range(2):
            half = content[reached : reached + MIB]
            before = reached
            with ExitStack() as stack:
                with suppress(OSError):
                    patching = stack.enter_context(
                        silent_patch(url, reached, len(content) - reached, half)
                    )
                wait_until(lambda before=before: server.file_of(url).stat().st_size > before)
                for pid in children(server):
                    os.kill(pid, signal.SIGKILL)
                    # Another process answers at once, if this one had the connection or not.
                    reached = offset(url)
                    wait_until_replaced(server, pid, 2)
                with suppress(OSError):
                    patching.answer()
            assert reached >= before
        append(url, reached, content[reached:])
        assert httpx.get(url).content == content


def test_without_their_parent_the_processes_end_and_nothing_is_lost(tmp_path: Path) -> None:
    content = random.Random(2).randbytes(4 * MIB)
    server = Server(tmp_path / "data", "--processes", "2", "--workers", "1").start()
    try:
        before = children(server)
        assert len(before) == 3
        url = create(server, len(content))
        with silent_patch(url, 0, len(content), content[:MIB]):
            wait_until(lambda: server.file_of(url).stat().st_size > 0)
            server.kill_parent()
            wait_until(lambda: not any(lives(pid) for pid in before))
        server.start()
        reached = offset(url)
        assert 0 < reached <= MIB
        append(url, reached, content[reached:])
        server.wait_for_status(url.rpartition("/")[2], "completed")
        assert httpx.get(url).content == content
    finally:
        server.stop()


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A server of two processes, and its file of settings."""
    settings = tmp_path / "tusd.yaml"
    settings.write_text("max_size: 1MiB\n")
    with running_server(tmp_path / "data", *TWO, "--config", str(settings)) as server:
        yield server, settings


def test_sighup_replaces_all_processes_with_the_new_settings(
    configured: tuple[Server, Path],
) -> None:
    server, settings = configured
    before = children(server)
    settings.write_text("max_size: 2MiB\nhost: 127.0.0.2\n")
    with Visitors(server) as visitors:
        os.kill(server.pid, signal.SIGHUP)
        wait_until(lambda: not set(before) & set(children(server)) and len(children(server)) == 2)
        wait_until(lambda: visitors.done > 50)
    assert (visitors.refused, visitors.broken) == (0, 0)
    for _ in range(8):
        options = httpx.options(server.files)
        assert options.headers["Tus-Max-Size"] == str(2 * MIB)
    server.wait_for_line("settings.need_restart", "host")


def test_sighup_during_the_start_replaces_all_after_it(tmp_path: Path) -> None:
    """They may have read the settings before these were changed."""
    command = [sys.executable, "-m", "tusd_py", "serve", *TWO, "--port", "0"]
    with subprocess.Popen([*command, "--data-dir", str(tmp_path / "data")]) as server:
        try:
            wait_until(lambda: len(children(server)) == 2)
            before = children(server)
            server.send_signal(signal.SIGHUP)
            wait_until(lambda: len(set(children(server)) - set(before)) == 2)
            wait_until(lambda: not set(before) & set(children(server)))
        finally:
            server.terminate()
        assert server.wait(30) == 0


def test_sighup_replaces_the_only_process_of_a_machine_with_one_core(tmp_path: Path) -> None:
    """A machine is chosen by its price; the unit for systemd sends SIGHUP on each of them."""
    core = str(min(os.sched_getaffinity(0)))
    program = ("taskset", "-c", core, sys.executable, "-m", "tusd_py")
    server = Server(tmp_path / "data", "--processes", "0", *ALONE, program=program).start()
    before = children(server)
    os.kill(server.pid, signal.SIGHUP)
    wait_until(lambda: not set(before) & set(children(server)) and len(children(server)) == 1)
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("wrong", "reason"), [("max_size: much\n", "max_size"), ("host: 2024-13-45\n", "is not YAML")]
)
def test_sighup_with_wrong_settings_changes_nothing(
    configured: tuple[Server, Path], wrong: str, reason: str
) -> None:
    server, settings = configured
    before = children(server)
    settings.write_text(wrong)
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for_line("settings.not_reloaded", reason)
    assert children(server) == before
    assert httpx.options(server.files).headers["Tus-Max-Size"] == str(MIB)


def test_settings_without_users_are_used_by_no_process(tmp_path: Path) -> None:
    """Neither SIGHUP nor a process that is started again opens the server to everyone."""
    settings = tmp_path / "tusd.yaml"
    settings.write_text(f"host: 0.0.0.0\nauth:\n  access_secret: {SECRET}\n")
    flags = (*TWO, "--config", str(settings), "--host", "0.0.0.0")
    with running_server(tmp_path / "data", *flags) as server:
        before = children(server)
        settings.write_text("host: 127.0.0.1\n")
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for_line("settings.not_reloaded")
        assert children(server) == before
        os.kill(before[0], signal.SIGKILL)
        server.wait_for_line("process.ended", "no user has to authenticate")
        for _ in range(8):
            creation = httpx.post(
                server.files, headers={"Tus-Resumable": "1.0.0", "Upload-Length": "1"}
            )
            assert creation.status_code == 401


def test_a_process_that_cannot_be_started_is_started_later(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", *TWO) as server:
        killed = children(server)[0]
        limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        # The parent gets no descriptor, as it gets no process where there are too many.
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (4, limits[1]))
        os.kill(killed, signal.SIGKILL)
        server.wait_for_line("process.not_started")
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for_line("process.not_replaced")
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
        wait_until_replaced(server, killed, 2)


def test_a_process_that_is_stopping_loses_its_listener_to_another_one(tmp_path: Path) -> None:
    env = {"TUSD_SHUTDOWN_TIMEOUT": "300"}
    with running_server(tmp_path / "data", *TWO, env=env) as server, ExitStack() as stack:
        url = create(server, 32 * MIB, bytes(32 * MIB))
        for _ in range(16):
            stack.enter_context(slow_download(server, url))
        stopping = children(server)[0]
        os.kill(stopping, signal.SIGTERM)
        for _ in range(12):
            assert httpx.get(f"{server.url}/healthz", timeout=60).status_code == 200
        assert lives(stopping)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_server_that_is_stopping_refuses_connections(tmp_path: Path, processes: str) -> None:
    """A proxy goes to another server then, and does not wait for an answer."""
    flags = ("--processes", processes, *ALONE)
    env = {"TUSD_SHUTDOWN_TIMEOUT": "300"}
    with running_server(tmp_path / "data", *flags, env=env) as server, ExitStack() as stack:
        url = create(server, 32 * MIB, bytes(32 * MIB))
        for _ in range(16):
            stack.enter_context(slow_download(server, url))
        serving_ones = children(server) or [server.pid]
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: is_refused(server))
        assert all(lives(pid) for pid in serving_ones)


def is_refused(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port)).close()
    except ConnectionRefusedError:
        return True
    return False


@contextmanager
def slow_download(server: Server, url: str) -> Iterator[None]:
    """Request a file that is larger than all buffers, and read nothing but the first byte."""
    with socket.create_connection(("127.0.0.1", server.port)) as download:
        path = httpx.URL(url).path
        download.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
        assert download.recv(1)
        yield


def test_a_stopped_process_loses_its_listener_to_another_one(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", *TWO) as server:
        stopped = children(server)[0]
        stop(stopped)
        try:
            # Each of these would wait for the stopped process with a probability of one half.
            for _ in range(12):
                assert httpx.get(f"{server.url}/healthz", timeout=60).status_code == 200
            assert lives(stopped)
        finally:
            os.kill(stopped, signal.SIGCONT)


def test_sigterm_ends_all_and_the_exit_code_is_0(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--processes", "2", "--workers", "1").start()
    before = children(server)
    url = create(server, 8)
    with silent_patch(url, 0, 8, b"half") as patching:
        wait_until(lambda: offset_on_disk(server, url) == 4)
        assert server.stop() == 0
        assert patching.answer().status == 503
    assert not any(lives(pid) for pid in before)


def offset_on_disk(server: Server, url: str) -> int:
    return server.file_of(url).stat().st_size


def test_a_port_and_a_directory_in_use_are_refused(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", *TWO) as server:
        for place, port, said in (
            ("other", server.port, "Address already in use"),
            ("data", 0, "another server uses"),
        ):
            command = [sys.executable, "-m", "tusd_py", "serve", *TWO]
            done = subprocess.run(
                [*command, "--data-dir", str(tmp_path / place), "--port", str(port)],
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            assert done.returncode == 1
            assert said in done.stderr
            assert "Traceback" not in done.stderr


def test_a_service_that_is_away_prevents_the_start_with_a_sentence(tmp_path: Path) -> None:
    address = "user:password@tcp(127.0.0.1:1)/tusd"
    done = subprocess.run(
        [sys.executable, "-m", "tusd_py", "serve", *TWO, "--data-dir", str(tmp_path / "data"),
         "--port", "0"],
        env={**os.environ, "TUSD_MYSQL__DATA_SOURCE": address},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "tusd-py: " in done.stderr
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("processes", ["1", "2"])
def test_systemd_is_notified(tmp_path: Path, processes: str) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.settimeout(60)
        env = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "1500000"}
        flags = ("--processes", processes, *ALONE)
        with running_server(tmp_path / "data", *flags, env=env) as server:
            assert states_until(manager, "READY=1") == ["READY=1"]
            assert states_until(manager, "WATCHDOG=1") == ["WATCHDOG=1"]
            if processes == "2":
                os.kill(server.pid, signal.SIGHUP)
                assert any(
                    state.startswith("RELOADING=1\nMONOTONIC_USEC=")
                    for state in states_until(manager, "READY=1")
                )
        assert "STOPPING=1" in states_until(manager, "STOPPING=1")


def states_until(manager: socket.socket, last: str) -> list[str]:
    """Return the states that systemd is notified of, up to one of them."""
    found = [manager.recv(4096).decode()]
    while found[-1] != last:
        found.append(manager.recv(4096).decode())
    return found
