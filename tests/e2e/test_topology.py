"""The topology of ``deploy/local``: nginx, two servers, three workers and the real engines."""

import base64
import hashlib
import itertools
import json
import os
import random
import re
import shlex
import signal
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import blake3
import httpx
import pytest
from support.campaign import Campaign, make_sources, status, table
from support.conformance import SETTINGS, by_outcome, run_suite
from support.deployed import Deployed
from support.files import files_in, size_of
from support.media import video
from support.raw_http import silent_patch
from support.snippets import matches, snippet
from support.task_states import may_follow
from support.tokens import bearer
from support.tus import append, chunk, create, creation, delete, head, offset, patch, task_id
from support.waiting import wait_until
from topology.program import listens
from websockets.sync.client import connect

FAST = {
    "media.preset": "ultrafast", "jobs.relay_every": "0.1s", "jobs.reap_every": "0.5s",
    "jobs.lease": "5s", "jobs.renew_every": "1s", "jobs.janitor_every": "1s",
    "jobs.backoff": "[0.5s]", "log_level": "warning",
}  # fmt: skip
LETS_THE_SUITE_IN = {
    "allowed_hosts": f"[{SETTINGS['TUSD_ALLOWED_HOSTS']}]",
    "cors.allow_origins": f"[{SETTINGS['TUSD_CORS__ALLOW_ORIGINS']}]",
}
ROLES = {"server", "worker", "rabbitmq", "redis", "mysql", "nginx"}
NGINX_BUFFER = 16 * 1024
ANSWERED_BY_NGINX = {"C70", "C119"}
"""The answer to Expect: 100-continue comes before a server has seen the request."""
MAY_LOSE_A_BUFFER = {"C55"}
"""The test needs every byte that was sent before the connection was cut."""


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    found = Deployed(tmp_path_factory.mktemp("topology"))
    try:
        found.start(**FAST, **LETS_THE_SUITE_IN)
        yield found
    finally:
        found.down()


def wait_for(deployed: Deployed, task: str) -> None:
    with httpx.Client(timeout=10) as http:
        wait_until(lambda: status(http, deployed, task) == "completed", timeout=60)


@pytest.mark.timeout(600)
def test_everything_arrives_once_whatever_is_killed(deployed: Deployed, tmp_path: Path) -> None:
    rng = random.Random(int(os.environ.get("CAMPAIGN_SEED", "1")))
    clips = [video(tmp_path / f"clip{n}.mp4", seconds=1.0 + n).read_bytes() for n in range(2)]
    campaign = Campaign(deployed, tmp_path, make_sources(tmp_path, clips, count=200, rng=rng))
    strikes = []
    campaign.start()
    try:
        campaign.release(20)
        for role in ("server", "worker", "rabbitmq", "redis", "mysql", "nginx"):
            before = len(campaign.sent)
            campaign.release(30)
            # At this moment some files have arrived, most are being sent.
            wait_until(lambda seen=before: len(campaign.sent) >= seen + 5 or campaign.errors)
            name = deployed.busy_worker() if role == "worker" else deployed.names(role)[-1]
            strikes.append(campaign.strike(name))
    finally:
        campaign.finish()
    print(f"\n{table(strikes)}")  # noqa: T201
    if report := os.environ.get("CAMPAIGN_REPORT"):
        Path(report).write_text(table(strikes))
    assert len(campaign.sent) == 200
    assert all(entry["alive"] for entry in deployed.status_by_command())
    check_tasks(deployed, campaign)
    check_pool(deployed, campaign)
    check_nothing_is_left(deployed, campaign)


def check_tasks(deployed: Deployed, campaign: Campaign) -> None:
    """Check that each task completed, and that its followers saw it go forward only."""
    with httpx.Client(timeout=10) as http:
        for task in campaign.sent:
            wait_until(lambda task=task: status(http, deployed, task) == "completed", timeout=60)
    assert len(campaign.states_seen) == 40
    for states in campaign.states_seen.values():
        assert states[-1]["status"] == "completed"
        for before, after in itertools.pairwise(states):
            if before["epoch"] == after["epoch"]:
                numbers = [(one["seq"], one.get("queue_position")) for one in (before, after)]
                assert may_follow(*numbers), (before, after)
            assert after["progress"] >= before["progress"], states
    assert deployed.sql("SELECT task_id, state FROM jobs WHERE state != 'done'") == []


def check_pool(deployed: Deployed, campaign: Campaign) -> None:
    """Check that each content has one entry, and that its bytes can be downloaded."""
    rows = deployed.sql("SELECT hash, object_key, stored_hash FROM repository_pool")
    pool = {digest: (key, stored) for digest, key, stored in rows}
    assert len(pool) == len(rows)
    wanted = {source.digest for source in campaign.sent.values()}
    assert wanted <= set(pool)
    with httpx.Client(timeout=60) as http:
        for task, source in campaign.sent.items():
            key, stored = pool[source.digest]
            got = blake3.blake3(http.get(f"{deployed.files}{task}").content).hexdigest()
            assert got == stored
            assert got in key
            if not source.is_video:
                assert got == source.digest


def check_nothing_is_left(deployed: Deployed, campaign: Campaign) -> None:
    """Check that there is no temporary file and no pending message or event."""

    def left() -> list[Path]:
        folders = (deployed.data_dir / "uploads", deployed.data_dir / "work")
        return [path for path in files_in(*folders) if not is_lost_creation(path)]

    def is_lost_creation(path: Path) -> bool:
        """Return whether the client never got the creation's answer; such an upload expires."""
        return path.name not in campaign.sent and size_of(path) == 0

    wait_until(lambda: not left(), timeout=60)
    wait_until(lambda: not deployed.sql("SELECT id FROM outbox WHERE sent_at IS NULL"), timeout=60)


def checksum(chunk: bytes) -> str:
    return "sha1 " + base64.b64encode(hashlib.sha1(chunk).digest()).decode()


def test_an_upload_may_alternate_between_the_servers(deployed: Deployed) -> None:
    servers = [deployed.entry(name)["urls"][0] for name in deployed.names("server")]
    content = os.urandom(3_000_000)
    url = create(deployed, len(content), filename="there-and-back.bin")
    for number, start in enumerate(range(0, len(content), 300_000)):
        chunk = content[start : start + 300_000]
        here, there = servers[number % 2], servers[(number + 1) % 2]
        at_this = f"{here}{urlsplit(url).path}"
        broken = patch(at_this, start, chunk, Upload_Checksum=checksum(b"something else"))
        assert broken.status_code == 460
        done = patch(at_this, start, chunk, Upload_Checksum=checksum(chunk))
        assert done.status_code == 204, done.text
        assert offset(f"{there}{urlsplit(url).path}") == start + len(chunk)
    wait_for(deployed, task_id(url))
    assert httpx.get(url).content == content


def arrived(deployed: Deployed, url: str) -> int:
    return deployed.source(task_id(url)).stat().st_size


def test_a_client_whose_server_dies_during_a_patch_goes_on_at_the_other(
    deployed: Deployed,
) -> None:
    content = os.urandom(6 << 20)
    url = create(deployed, len(content))
    try:
        with silent_patch(url, 0, len(content)) as sending:
            sending.send(content[: 4 << 20])
            wait_until(lambda: arrived(deployed, url) == 4 << 20)
            name = deployed.holder(task_id(url))
            assert name is not None
            pid = deployed.entry(name)["pid"]
            os.killpg(pid, signal.SIGKILL)
            assert sending.answer().status == 503
        reached = offset(url)
        last = patch(url, reached, content[reached:])
        assert (reached, last.status_code) == (4 << 20, 204)
        assert deployed.holder(task_id(url)) != name
    finally:
        deployed.up()
    wait_for(deployed, task_id(url))
    assert httpx.get(url).content == content


def test_an_upload_stays_with_one_server_and_uploads_are_spread_over_all(
    deployed: Deployed,
) -> None:
    both = set(deployed.names("server"))
    holders: set[str | None] = set()
    for _ in range(30):
        url = create(deployed, 1000)
        seen = {holder_of_patch(deployed, url, start) for start in (0, 10, 20)}
        assert len(seen) == 1
        holders |= seen
        if holders == both:
            break
    assert holders == both


def holder_of_patch(deployed: Deployed, url: str, start: int) -> str | None:
    with silent_patch(url, start, 1000 - start) as sending:
        sending.send(bytes(10))
        wait_until(lambda: arrived(deployed, url) == start + 10)
        return deployed.holder(task_id(url))


def test_what_had_arrived_before_a_cut_is_there(deployed: Deployed) -> None:
    url = create(deployed, 2_000_000)
    with silent_patch(url, 0, 2_000_000) as sending:
        sending.send(bytes(1_000_000))
    wait_until(lambda: arrived(deployed, url) >= 1_000_000 - NGINX_BUFFER)
    assert offset(url) <= 1_000_000


def test_bytes_reach_the_server_while_the_request_is_still_coming(deployed: Deployed) -> None:
    url = create(deployed, 3000)
    with silent_patch(url, 0, 3000) as sending:
        for part in (1, 2):
            sending.send(bytes(1000))
            wait_until(lambda end=part * 1000: arrived(deployed, url) == end)
        sending.send(bytes(1000))
        assert sending.answer().status == 204
    wait_for(deployed, task_id(url))


def test_every_check_of_the_protocol_passes_through_nginx(
    deployed: Deployed, tmp_path: Path
) -> None:
    # nginx announces keep-alive and closes all the same when it has not read the refused body.
    outcomes = run_suite(deployed.files, tmp_path / "report.json", TUS_FRESH_CONNECTIONS="1")
    assert by_outcome(outcomes, "failed") - MAY_LOSE_A_BUFFER == ANSWERED_BY_NGINX


def test_a_body_of_100_mib_passes(deployed: Deployed) -> None:
    size = 100 << 20
    url = create(deployed, size + 1)
    append(url, 0, bytes(size))
    assert offset(url) == size
    assert delete(url).status_code == 204


def test_uploads_and_events_go_over_http_2_and_tls(deployed: Deployed) -> None:
    trust = ssl.create_default_context(cafile=deployed.directory / "nginx" / "certificate.pem")
    content = os.urandom(2_000_000)
    with httpx.Client(http2=True, verify=trust, timeout=30) as http:
        created = http.post(f"{deployed.tls_url}/files/", headers=creation(len(content)))
        assert created.http_version == "HTTP/2"
        url = created.headers["Location"]
        assert url.startswith(f"{deployed.tls_url}/files/")
        states: list[dict[str, object]] = []

        def listen() -> None:
            events = f"{deployed.tls_url}/api/file/upload/events/{task_id(url)}"
            with httpx.Client(http2=True, verify=trust, timeout=60) as listener:
                for line in lines_of(listener, events):
                    if line.startswith("data: {"):
                        states.append(json.loads(line.removeprefix("data: ")))  # noqa: PERF401

        listening = threading.Thread(target=listen)
        listening.start()
        wait_until(lambda: states)
        known, sent = len(states), 0

        def first_part() -> Iterator[bytes]:
            """Send piece by piece until an event shows the upload's own progress."""
            nonlocal sent
            while len(states) == known and sent < len(content):
                piece = content[sent : sent + 5_000]
                sent += len(piece)
                yield piece
                threading.Event().wait(0.02)

        done = http.patch(url, headers=chunk(0), content=first_part())
        assert (done.http_version, done.status_code) == ("HTTP/2", 204)
        assert sent < len(content)
        assert states[-1]["progress"] in range(1, 10)
        for start in range(sent, len(content), 100_000):
            piece = content[start : start + 100_000]
            done = http.patch(url, headers=chunk(start), content=piece)
            assert (done.http_version, done.status_code) == ("HTTP/2", 204)
        listening.join(60)
        assert states[-1]["status"] == "completed"
        assert http.get(url).content == content


def lines_of(http: httpx.Client, url: str) -> Iterator[str]:
    with http.stream("GET", url) as response:
        yield from response.iter_lines()


def test_a_websocket_is_passed_on(deployed: Deployed) -> None:
    url = create(deployed, 5, body=b"hello")
    address = f"ws://127.0.0.1:{deployed.port}/api/file/upload/ws/{task_id(url)}"
    with connect(address, proxy=None) as websocket:
        frames = [json.loads(frame) for frame in websocket]
    assert frames[-1]["status"] == "completed"


def test_a_clients_claim_about_its_own_address_is_ignored(deployed: Deployed) -> None:
    forged = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "proto=https;host=evil.example",
    }
    assert create(deployed, 1, headers=forged).startswith(deployed.files)


def test_what_is_for_machines_behind_nginx_is_not_there_for_others(deployed: Deployed) -> None:
    for path in ("healthz", "readyz", "metrics"):
        refused = httpx.get(f"{deployed.url}/{path}")
        assert (refused.status_code, "nginx" in refused.text) == (404, True)
    for name in deployed.names("server"):
        assert httpx.get(f"{deployed.entry(name)['urls'][0]}/healthz").status_code == 200


def test_with_every_server_away_a_client_waits_and_does_not_begin_again(
    deployed: Deployed,
) -> None:
    url = create(deployed, 10, body=b"half.")
    try:
        for name in deployed.names("server"):
            deployed.kill(name)
        waiting = head(url)
        assert (waiting.status_code, waiting.headers["Retry-After"]) == (423, "1")
        refused = patch(url, 5, b"other")
        assert refused.status_code == 503
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["code"] == "backend_unavailable"
    finally:
        deployed.up()
    wait_until(lambda: head(url).status_code == 200)
    append(url, offset(url), b"other")
    wait_for(deployed, task_id(url))
    assert httpx.get(url).content == b"half.other"


def test_up_again_starts_nothing_twice(deployed: Deployed) -> None:
    before = deployed.status_by_command()
    assert {entry["role"] for entry in before} == ROLES
    assert deployed.up() == deployed.url
    assert deployed.status_by_command() == before


def test_status_is_printed_as_the_page_shows_it(deployed: Deployed) -> None:
    block = snippet("docs/deploying.md", "$ deploy/local up").printed
    shown = block.partition("$ deploy/local status\n")[2].partition("$ ")[0]

    def without_numbers(text: str) -> str:
        return re.sub(r"[0-9]{2,}", "0", re.sub(" +", " ", text))

    printed = without_numbers(deployed.printed_status())
    assert matches(without_numbers(shown), printed), printed


def test_two_ups_at_once_start_one_of_each(deployed: Deployed) -> None:
    deployed.kill("redis")
    with ThreadPoolExecutor(2) as pool:
        printed = list(pool.map(lambda _: deployed.up(), range(2)))
    assert printed == [deployed.url] * 2
    assert len(running_in(deployed.directory / "redis")) == 1


def test_a_master_killed_alone_is_replaced_with_its_workers(deployed: Deployed) -> None:
    os.kill(deployed.entry("nginx")["pid"], signal.SIGKILL)
    wait_until(lambda: not deployed.entry("nginx")["alive"])
    assert deployed.up() == deployed.url
    wait_for(deployed, task_id(create(deployed, 1, body=b"x")))


def test_other_options_are_refused_while_it_runs(deployed: Deployed) -> None:
    assert "first take it down" in deployed.refusal("up", "--servers=3")
    assert "no such setting" in deployed.refusal(
        "up", "--dir", f"{deployed.directory}-2", "--set=a=1"
    )


def test_down_leaves_nothing_running_and_up_finds_the_data_again(deployed: Deployed) -> None:
    url = create(deployed, 5, body=b"keeps")
    wait_for(deployed, task_id(url))
    ran = deployed.status()
    deployed.down()
    assert not any(entry["alive"] for entry in deployed.status())
    assert not [entry["name"] for entry in ran if entry["port"] and listens(entry["port"])]
    assert running_in(deployed.directory) == []
    deployed.up()
    assert httpx.get(url).content == b"keeps"


def test_by_itself_it_lets_in_whom_its_operator_made_a_user_and_no_one_else(
    deployed: Deployed,
) -> None:
    url = create(deployed, 5, body=b"keeps")
    wait_for(deployed, task_id(url))
    deployed.down()
    deployed.up("--no-anonymous")
    tasks = "/api/file/upload/tasks"
    doors = [deployed.url, *(deployed.entry(name)["urls"][0] for name in deployed.names("server"))]
    anna, ben = (added(deployed, name) for name in ("anna", "ben"))
    hers = urlsplit(create(deployed, 5, b"annas", headers=anna)).path
    for door in doors:
        for path in (tasks, hers, urlsplit(url).path, "/api/admin/overview"):
            assert httpx.get(f"{door}{path}").status_code == 401, (door, path)
        assert httpx.get(f"{door}{hers}", headers=ben).status_code == 404
        assert httpx.get(f"{door}{hers}", headers=anna).content == b"annas"
        assert httpx.get(f"{door}{tasks}", headers=ben).json()["tasks"] == []
    for path in deployed.directory.rglob("*.yaml"):
        assert path.stat().st_mode & 0o777 == 0o600


def added(deployed: Deployed, name: str) -> dict[str, str]:
    """Add a user by the command that ``up`` prints and return the head of its requests."""
    line = re.search(r"^a user: (.+)$", deployed.printed, re.MULTILINE)
    assert line
    command = shlex.split(line[1].replace("NAME", name))
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return bearer(made.strip())


def running_in(directory: Path) -> list[str]:
    """Return the command lines of living processes that run or were started there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = (process / "cwd").readlink()
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if place.is_relative_to(directory) or str(directory).encode() in command:
            found.append(command.replace(b"\0", b" ").decode())
    return found
