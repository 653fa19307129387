"""The page's sending in a real Chromium: what interrupts it, what refuses it, small and large files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.interrupted import (
    SIZE,
    SLOW,
    SLOW_UP_TO_RESTART,
    arrived,
    random_file,
    received,
    restarted_in_the_middle,
    stand_still,
    wait_for_some,
)
from support.metrics import metrics
from support.nginx import PROXY, Nginx
from support.page import visiting
from support.server import Server, running_server
from support.tokens import OTHER_SECRET, SECRET, bearer, token
from support.tus import creation
from support.waiting import wait_until

MIB = 1 << 20


@pytest.fixture
def big(tmp_path: Path) -> Path:
    return random_file(tmp_path / "big.bin", SIZE)


@contextmanager
def limiting_proxy(server: Server, limit: str) -> Iterator[str]:
    """Run nginx with a limit of bodies in front of a server; yield its address."""
    block = PROXY.replace("client_max_body_size 0", f"client_max_body_size {limit}")
    nginx = Nginx(server.port, block)
    try:
        nginx.start()
        yield nginx.plain_url
    finally:
        nginx.close()


@pytest.mark.parametrize("what", ["reload", "dropped", "offline", "restart"])
def test_what_is_interrupted_goes_on_where_it_stopped(tmp_path: Path, big: Path, what: str) -> None:
    after: dict[str, list[list[object]]] = {
        "reload": [
            ["line"], ["press", "h1"], ["reload"], ["text", "#waits", "Choose the file again"],
            ["without", ".is-uploading"], ["again", str(big)],
        ],
        # The browser reads a file again that was dropped.
        "dropped": [["line"], ["reload"]],
        "offline": [["line"], ["offline", True], ["offline", False]],
        "restart": [
            ["there", "#tasks li"], ["line"], ["text", "#waits", "No connection"],
            # Its row has no rate and no time left of bytes that do not leave.
            ["text", "#tasks .message", "No connection"], ["line"],
        ],
    }  # fmt: skip
    env = SLOW_UP_TO_RESTART if what == "restart" else SLOW
    with (
        running_server(tmp_path / "data", "--workers", "1", env=env) as server,
        visiting(
            f"{server.url}/",
            ["drop" if what == "dropped" else "add", str(big)], *after[what], ["until", "completed"],
        ) as visit,
    ):  # fmt: skip
        before = 0
        if what == "restart":
            before = restarted_in_the_middle(server, visit)
        else:
            wait_for_some(server)
            visit.go_on()
        seen = visit.seen()
        assert [row["status"] for row in seen[-1]["rows"]] == ["completed"]
        # The file was sent once: the bytes that had arrived were not sent again.
        assert received(server) + before == SIZE
        # A person who leaves while bytes are on their way is warned.
        assert [each["dialog"] for each in seen if "dialog" in each] == (
            ["beforeunload"] if what in ("reload", "dropped") else []
        )


def test_small_files_go_on_after_a_reload_by_themselves(tmp_path: Path) -> None:
    small = random_file(tmp_path / "small.bin", 9 * MIB)
    slow = {**SLOW, "TUSD_LIMITS__BYTES_PER_SECOND": "2MiB"}
    with (
        running_server(tmp_path / "data", "--workers", "1", env=slow) as server,
        visiting(
            f"{server.url}/", ["add", str(small)], ["line"], ["reload"], ["until", "completed"]
        ) as visit,
    ):
        wait_until(lambda: arrived(server) > 2 * MIB, timeout=60)
        visit.go_on()
        visit.seen()
        assert received(server) == 9 * MIB


def test_what_is_on_its_way_is_not_sent_with_the_token_of_another_user(tmp_path: Path) -> None:
    theirs = random_file(tmp_path / "theirs.bin", 9 * MIB)
    own = random_file(tmp_path / "own.bin", 1000)
    refused = token(1, secret=OTHER_SECRET)
    slow = {**SLOW, "TUSD_LIMITS__BYTES_PER_SECOND": "2MiB", "TUSD_AUTH__ACCESS_SECRET": SECRET}
    with (
        running_server(tmp_path / "data", "--workers", "1", env=slow) as server,
        visiting(
            f"{server.url}/", ["token", token(1)], ["add", str(theirs)], ["line"],
            # The tab is that of the first user until another one logs in.
            ["script", f"sessionStorage.setItem('tusd-token', '{refused}')"], ["reload"],
            ["text", "#gate output", "not accepted"], ["token", token(2)],
            ["there", "#none:not([hidden])"], ["add", str(own)], ["until", "completed"],
            ["script", f"sessionStorage.setItem('tusd-token', '{token(1)}')"], ["reload"],
            ["until", "completed"],
        ) as visit,
    ):  # fmt: skip
        wait_until(lambda: arrived(server) > MIB, timeout=60)
        visit.go_on()
        visit.seen()
        found = []
        for user in (1, 2):
            listed = httpx.get(f"{server.url}/api/file/upload/tasks", headers=bearer(token(user)))
            found.append([task["filename"] for task in listed.json()["tasks"]])
        assert found == [["theirs.bin"], ["own.bin"]]


def test_a_break_of_an_hour_ends_nothing(tmp_path: Path, big: Path) -> None:
    with (
        running_server(tmp_path / "data", "--workers", "1", env=SLOW_UP_TO_RESTART) as server,
        visiting(
            f"{server.url}/",
            ["add", str(big)], ["line"], ["away", 3600], ["line"], ["until", "completed"],
            clock=True,
        ) as visit,
    ):  # fmt: skip
        before = restarted_in_the_middle(server, visit)
        visit.seen()
        assert received(server) + before == SIZE


def test_a_line_that_is_silent_is_given_up(tmp_path: Path, big: Path) -> None:
    small = random_file(tmp_path / "small.bin", 1000)
    with (
        running_server(tmp_path / "data", "--workers", "1", env=SLOW) as server,
        visiting(
            f"{server.url}/",
            ["add", str(big)], ["line"], ["later", "#waits", "No connection"],
            # So is the one that creates small files.
            ["more", str(small)], ["later", "#waits", "small.bin"],
            ["there", "[aria-label='Pause upload big.bin']"], ["there", "[aria-label='Remove big.bin']"],
            ["accessible"], ["line"],
            ["until", "completed", 2],
            clock=True,
        ) as visit,
    ):  # fmt: skip
        visit.wait_for_line()
        wait_for_some(server)
        # It answers nothing, and closes nothing.
        stand_still(server, visit)
        seen = visit.seen()
        assert [each["violations"] for each in seen if "violations" in each] == [[]]
        assert received(server) == SIZE + 1000


def test_what_waits_for_its_turn_can_be_taken_away_and_added_again(tmp_path: Path) -> None:
    files = [str(random_file(tmp_path / f"{at}.bin", 5 * MIB + at)) for at in range(4)]
    last = "#outgoing li:has-text('3.bin')"
    with (
        running_server(tmp_path / "data", "--workers", "1") as server,
        visiting(
            f"{server.url}/",
            ["there", "#drop"], ["line"], ["add", *files], ["there", last],
            ["press", "[aria-label='Remove 3.bin']"], ["hidden", last],
            ["more", files[3]], ["there", last], ["line"],
            ["until", "completed", 4],
        ) as visit,
    ):  # fmt: skip
        visit.wait_for_line()
        # The first three keep their turns for as long as the server stands still.
        stand_still(server, visit)
        seen = visit.seen()
        assert len(seen[-1]["rows"]) == 4
        assert received(server) == 4 * 5 * MIB + 6


def test_a_token_that_runs_out_is_replaced_and_everything_goes_on(
    tmp_path: Path, big: Path
) -> None:
    env = {**SLOW, "TUSD_AUTH__ACCESS_SECRET": SECRET}
    renewed = token(7, secret=OTHER_SECRET)
    with (
        running_server(tmp_path / "data", "--workers", "1", env=env) as server,
        visiting(
            f"{server.url}/",
            ["text", "#gate", "Access token"], ["hidden", "#drop"],
            ["token", "wrong"], ["text", "#gate output", "not accepted"], ["value", "#token", ""],
            ["token", token(7)], ["add", str(big)], ["line"],
            ["text", "#gate output", "has run out"], ["value", "#token", ""],
            # The server is back: all waits for the token.
            ["text", "#waits", "a new token"], ["without", "#waits p + p"],
            ["hidden", "#offline"], ["accessible"], ["line"],
            ["token", renewed], ["until", "completed"], ["requests", "PATCH", "upload-token"],
        ) as visit,
    ):  # fmt: skip
        visit.wait_for_line()
        wait_for_some(server)
        # No token of before is good: neither the session's nor that of the upload.
        server.kill()
        server.env["TUSD_AUTH__ACCESS_SECRET"] = OTHER_SECRET
        server.start()
        visit.go_on()
        visit.wait_for_line()
        before = arrived(server)
        visit.go_on()
        seen = visit.seen()
        assert [each["violations"] for each in seen if "violations" in each] == [[]]
        assert received(server) + before == SIZE
        # Bytes are sent by the token of their upload, which lasts as long as the upload does.
        assert [each["requests"] for each in seen if "requests" in each] == [2]


def test_a_token_that_expires_by_the_clock_ends_nothing(tmp_path: Path, big: Path) -> None:
    second = random_file(tmp_path / "second.bin", MIB)
    env = {**SLOW, "TUSD_AUTH__ACCESS_SECRET": SECRET}
    kept = tmp_path / "token"
    with (
        running_server(tmp_path / "data", "--workers", "1", env=env) as server,
        visiting(
            f"{server.url}/",
            ["text", "#gate", "Access token"], ["line"],
            ["token", str(kept)], ["add", str(big)], ["line"],
            ["drop", str(second)], ["text", "#gate output", "has run out"],
            ["text", "#waits", "a new token"], ["line"],
            ["token", token(7)], ["until", "completed", 2],
        ) as visit,
    ):  # fmt: skip
        visit.wait_for_line()
        # It is good for as long as clocks may differ after it has expired.
        short = token(7, seconds=0)
        kept.write_text(short)
        visit.go_on()
        visit.wait_for_line()
        tasks = f"{server.url}/api/file/upload/tasks"
        wait_until(lambda: httpx.get(tasks, headers=bearer(short)).status_code == 401, timeout=90)
        visit.go_on()
        visit.wait_for_line()
        # What was being sent needs no other token than its own.
        wait_until(lambda: received(server) == SIZE, timeout=90)
        visit.go_on()
        visit.seen()
        assert received(server) == SIZE + MIB


def test_behind_two_proxies_the_page_sends_where_it_came_from(tmp_path: Path) -> None:
    file = random_file(tmp_path / "a.bin", 5 * MIB)
    # The inner proxy takes the connection for what was outside: the server's Location is http.
    block = PROXY.replace("X-Forwarded-Proto $scheme", "X-Forwarded-Proto http")
    env = {"TUSD_BEHIND_PROXY": "true", "TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        nginx = Nginx(server.port, block)
        nginx.start()
        try:
            headers = {**creation(5), **bearer(token(1))}
            made = httpx.post(f"{nginx.url}/files/", headers=headers, verify=False)
            assert made.headers["Location"].startswith("http://")
            with visiting(
                f"{nginx.url}/", ["token", token(7)], ["add", str(file)], ["until", "completed"],
                context={"ignoreHTTPSErrors": True},
            ) as visit:  # fmt: skip
                visit.seen()
        finally:
            nginx.close()


def test_a_proxy_with_a_limit_of_bodies_gets_smaller_ones(tmp_path: Path, big: Path) -> None:
    env = {"TUSD_BEHIND_PROXY": "true"}
    with (
        running_server(tmp_path / "data", "--workers", "1", env=env) as server,
        limiting_proxy(server, "8m") as address,
        visiting(
            f"{address}/",
            ["add", str(big)], ["text", ".uppy-Informer", "pieces of up to 6"],
            ["until", "completed"],
        ) as visit,
    ):  # fmt: skip
        visit.seen()
        assert received(server) == SIZE


def test_what_is_refused_is_not_sent_again_with_the_next(tmp_path: Path) -> None:
    (large := tmp_path / "large.mp4").write_bytes(bytes(3 * MIB))
    (other := tmp_path / "other.exe").write_bytes(b"MZ")
    (false := tmp_path / "false.mp4").write_bytes(b"%PDF-1.7\n" + bytes(100))
    (good := tmp_path / "good.txt").write_bytes(b"good")
    env = {"TUSD_WHITELIST__EXTENSIONS": "mp4,txt", "TUSD_MAX_SIZE": "2MiB"}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server, visiting(
        f"{server.url}/",
        ["add", str(large)], ["text", ".uppy-Informer", "at most 2"],
        ["add", str(other)],
        ["text", ".uppy-Informer", "other.exe: The file type is not allowed. These are taken: mp4"],
        ["requests", "POST", ":path", "/creations"],
        ["add", str(false)], ["text", ".uppy-Informer", "false.mp4: The file's content does not match"],
        ["more", str(good)], ["until", "completed"], ["requests", "PATCH"],
    ) as visit:  # fmt: skip
        seen = visit.seen()
    # Nothing is sent of what is known to be refused; what the server refuses is sent once.
    assert [each["requests"] for each in seen if "requests" in each] == [0, 2]


def test_many_small_files_are_created_together_and_sent_once(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(300):
        random_file(folder / f"{number}.bin", 1000 + number)
    with running_server(tmp_path / "data", "--workers", "1") as server, visiting(
        f"{server.url}/",
        # The list has its newest hundred at first, and the others come when a person is near to them.
        ["all", str(folder)], ["scrolled", 300], ["until", "completed", 300],
        ["requests", "POST", ":path", "/creations"],
        ["requests", "POST", ":path", "/files/"], ["requests", "PATCH"],
        # Another tab sends no byte of them.
        ["tab"], ["all", str(folder)], ["text", "#count", "of 600 files"], ["requests", "PATCH"],
        patience=180,
    ) as visit:  # fmt: skip
        seen = visit.seen()
        groups, single, *bodies = [each["requests"] for each in seen if "requests" in each]
        assert (1 <= groups <= 6, single) == (True, 0)
        assert bodies == [300, 300]
        assert received(server) == sum(1000 + number for number in range(300))
        assert metrics(server.url)["tusd_uploads_instant_total"] == 300


def test_a_file_is_shown_once(server: Server, tmp_path: Path) -> None:
    """The row of the list takes the place of that of a file on its way, for a held file too."""
    file = random_file(tmp_path / "once.bin", MIB)
    (same := tmp_path / "once more.bin").write_bytes(file.read_bytes())
    outgoing = ["script", "document.querySelectorAll('#outgoing li').length"]
    with visiting(
        f"{server.url}/",
        ["add", str(file)], ["text", "#tasks", "once.bin"], ["text", "#sent", "1 file was sent."],
        outgoing, ["until", "completed"],
        ["add", str(same)], ["text", "#tasks", "once more.bin"], ["text", "#sent", "1 file was sent."],
        outgoing,
    ) as visit:  # fmt: skip
        shown = [each["returned"] for each in visit.seen() if "returned" in each]
    assert shown == [0, 0]


LOST_ANSWER = """
const ask = window.fetch
window.fetch = async (...given) => {
  const answer = await ask(...given)
  if (window.isLost || !String(given[0]).endsWith('/creations')) return answer
  window.isLost = true
  throw new TypeError('The answer did not arrive.')
}
"""


def test_small_files_whose_creation_is_not_answered_are_created_once(tmp_path: Path) -> None:
    files = [str(random_file(tmp_path / f"{at}.bin", 1000 + at)) for at in range(20)]
    with running_server(tmp_path / "data", "--workers", "1") as server, visiting(
        f"{server.url}/",
        ["add", *files], ["until", "completed", 20], ["text", "#waits", ""],
        ["requests", "POST", ":path", "/creations"],
        before=LOST_ANSWER,
    ) as visit:  # fmt: skip
        seen = visit.seen()
        assert metrics(server.url)["tusd_uploads_created_total"] == 20
        assert len(seen[-1]["rows"]) == 20
        assert [each["requests"] for each in seen if "requests" in each] == [2]
        assert received(server) == sum(1000 + at for at in range(20))


def test_a_large_file_leaves_at_once_and_is_found_by_its_late_hash(tmp_path: Path) -> None:
    large = random_file(tmp_path / "large.bin", 72 * MIB)
    slow = {**SLOW, "TUSD_LIMITS__BYTES_PER_SECOND": "24MiB"}
    with running_server(tmp_path / "data", "--workers", "1", env=slow) as server, visiting(
        f"{server.url}/",
        ["add", str(large)], ["until", "completed"], ["tab"], ["until", "completed"],
        ["add", str(large)], ["until", "completed", 2],
        ["requests", "POST", "upload-metadata", "filehash"], ["requests", "PATCH", "upload-hash"],
    ) as visit:  # fmt: skip
        seen = visit.seen()
        # No hash came with a creation: the second was completed while its bytes were sent.
        assert [each["requests"] for each in seen if "requests" in each] == [0, 2]
        assert metrics(server.url)["tusd_uploads_instant_total"] == 1
        assert received(server) < 2 * 72 * MIB


def test_a_person_pauses_and_cancels(tmp_path: Path, big: Path) -> None:
    second, third = (random_file(tmp_path / f"{at}.bin", SIZE - at) for at in (2, 3))
    with (
        running_server(tmp_path / "data", "--workers", "1", env=SLOW) as server,
        visiting(
            f"{server.url}/",
            ["add", str(big)], ["line"], ["press", ".uppy-StatusBar [title=Pause]"],
            ["press", ".uppy-StatusBar [title=Resume]"], ["until", "completed"], ["line"],
            ["add", str(second)], ["line"], ["press", ".uppy-StatusBar [title=Cancel]"], ["line"],
            ["add", str(third)], ["line"], ["without", ".uppy-Dashboard-Item"],
        ) as visit,
    ):  # fmt: skip
        visit.wait_for_line()
        wait_for_some(server)
        visit.go_on()
        visit.wait_for_line()
        assert received(server) == SIZE
        wait_until(lambda: arrived(server) == 0, timeout=60)
        visit.go_on()
        visit.wait_for_line()
        wait_for_some(server)
        visit.go_on()
        visit.wait_for_line()
        # Cancelled by the person: the server keeps nothing.
        wait_until(lambda: arrived(server) == 0, timeout=60)
        visit.go_on()
        visit.wait_for_line()
        wait_for_some(server)
        newest = httpx.get(f"{server.url}/api/file/upload/tasks").json()["tasks"][0]
        # Deleted elsewhere, as in the list: the page does not begin it again.
        httpx.delete(f"{server.files}{newest['task_id']}", headers={"Tus-Resumable": "1.0.0"})
        visit.go_on()
        visit.seen()
        assert arrived(server) == 0
