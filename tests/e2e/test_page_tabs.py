"""Several tabs of the page in a real Chromium: one stream of events, and each file sent by one tab."""

from pathlib import Path

from support.interrupted import SIZE, SLOW, random_file, received, stand_still
from support.metrics import metrics
from support.page import Visit, visiting
from support.server import Server, running_server
from support.tus import upload
from support.waiting import wait_until

MIB = 1 << 20


def sent_once_by_two_tabs(server: Server, visit: Visit) -> None:
    """Stop the server while both tabs of a visit get the file, and look at what became of it.

    The first tab can't come to the end before the second one has looked for the file.
    """
    visit.wait_for_line()
    stand_still(server, visit)
    seen = visit.seen()
    assert len(seen[-1]["rows"]) == 1
    assert received(server) == SIZE


def in_two_tabs(file: Path) -> list[list[object]]:
    """Return the steps of a visit that has two tabs: both get the file, the second one waits."""
    return [
        ["line"], ["at", 0], ["add", str(file)], ["there", "#outgoing li"],
        ["at", 1], ["add", str(file)], ["text", "#waits", "Another tab sends this file"], ["line"],
        ["at", 1], ["text", "#sent", "1 file was sent."], ["text", "#waits", ""],
        ["at", 0], ["text", "#sent", "1 file was sent."], ["until", "completed"],
    ]  # fmt: skip


def test_two_tabs_with_one_file_send_it_once(tmp_path: Path) -> None:
    with (
        running_server(tmp_path / "data", "--workers", "1", env=SLOW) as server,
        visiting(
            f"{server.url}/", ["tab"], *in_two_tabs(random_file(tmp_path / "big.bin", SIZE))
        ) as visit,
    ):
        sent_once_by_two_tabs(server, visit)


def test_seven_tabs_share_one_stream(server: Server, tmp_path: Path) -> None:
    file = random_file(tmp_path / "a.bin", MIB)
    with visiting(
        f"{server.url}/",
        *[["tab"]] * 6, ["add", str(file)], ["until", "completed"],
        ["at", 0], ["until", "completed"], ["line"],
    ) as visit:  # fmt: skip
        visit.wait_for_line()
        assert metrics(server.url)["tusd_listeners,sse"] == 1
        visit.go_on()
        visit.seen()


NO_WORKER = "delete window.SharedWorker"


def test_without_a_shared_worker_only_tabs_that_are_seen_have_a_stream(server: Server) -> None:
    with visiting(
        f"{server.url}/", *[["tab"], ["shown", False]] * 6, ["at", 0], ["line"],
        # The list of a tab that is seen again has what came meanwhile.
        ["shown", False], ["at", 3], ["rows", 0], ["shown", True], ["rows", 1], ["line"],
        before=NO_WORKER,
    ) as visit:  # fmt: skip
        visit.wait_for_line()
        wait_until(lambda: metrics(server.url)["tusd_listeners,sse"] == 1, timeout=60)
        upload(server, b"x" * 10, filename="new.txt")
        visit.go_on()
        visit.wait_for_line()
        wait_until(lambda: metrics(server.url)["tusd_listeners,sse"] == 1, timeout=60)
        visit.go_on()
        visit.seen()


def test_tabs_over_plain_http_in_a_network_leave_each_other_their_files(
    tmp_path: Path,
) -> None:
    env = {**SLOW, "TUSD_ALLOWED_HOSTS": "tusd.test"}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server, visiting(
        f"http://tusd.test:{server.port}/",
        # Each tab has files of its own, also after a reload.
        ["kept", "tusd-place", "0"], ["tab"], ["kept", "tusd-place", "1"],
        ["reload"], ["kept", "tusd-place", "1"],
        *in_two_tabs(random_file(tmp_path / "big.bin", SIZE)),
        browser=["--host-resolver-rules=MAP tusd.test 127.0.0.1"],
        before="if (isSecureContext || navigator.locks) throw new Error('it is secure')",
    ) as visit:  # fmt: skip
        sent_once_by_two_tabs(server, visit)
