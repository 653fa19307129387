"""Pictures, films and sounds on the page in a real Chromium, and what is said outside of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.media import make, video
from support.page import visiting
from support.server import STILLS, Server, running_server
from support.tus import delete, upload

FAST = {**STILLS, "TUSD_MEDIA__PRESET": "ultrafast"}
LINES_OF_ACTIONS = """
new Set([...document.querySelectorAll('#tasks li:first-child .actions > :not([hidden])')].map((one) => one.offsetTop)).size
"""


def picture(path: Path, size: str) -> Path:
    make(["-f", "lavfi", "-i", f"testsrc2=s={size}:d=1", "-frames:v", "1", str(path)])
    return path


def violations(seen: list[dict[str, Any]]) -> list[str]:
    return [one for each in seen if "violations" in each for one in each["violations"]]


def test_pictures_are_a_grid_with_a_viewer(tmp_path: Path) -> None:
    (note := tmp_path / "note.txt").write_bytes(b"a note")
    files = [picture(tmp_path / "a.png", "320x240"), note, picture(tmp_path / "c.jpg", "640x480")]
    with running_server(tmp_path / "data", "--workers", "1", env=FAST) as server:
        for file in files:
            server.wait_for_status(upload(server, file), "completed")
        name, facts = ".viewer h2", ".viewer header p"
        with visiting(
            f"{server.url}/",
            ["rows", 3], ["text", "#tasks .facts", "640\u00a0×\u00a0480"],
            ["requests", "POST"], ["accessible"],
            ["named", "button", "Grid"], ["there", "#tasks[data-view=grid]"], ["accessible"],
            ["script", LINES_OF_ACTIONS],
            ["named", "button", "View c.jpg"], ["text", name, "c.jpg"], ["text", facts, "640\u00a0×\u00a0480"],
            ["loaded", ".viewer img"], ["accessible"],
            # A file that is no picture is left out; at the end nothing follows.
            ["key", "ArrowRight"], ["text", name, "a.png"], ["attribute", ".viewer .next", "aria-disabled", "true"],
            ["key", "ArrowRight"], ["text", name, "a.png"], ["loaded", ".viewer img"],
            ["named", "button", "Previous"], ["text", name, "c.jpg"], ["swiped", "left"], ["text", name, "a.png"],
            ["key", "Escape"], ["without", ".viewer"], ["focused", "View a.png"],
            ["reload"], ["there", "#tasks[data-view=grid]"],
            context={"hasTouch": True},
        ) as visit:  # fmt: skip
            seen = visit.seen()
    assert [each["returned"] for each in seen if "returned" in each] == [1]
    # All rows that are seen have their details and their links by one request.
    assert [each["requests"] for each in seen if "requests" in each] == [1]
    assert violations(seen) == []


@contextmanager
def film_and_sound(folder: Path) -> Iterator[Server]:
    """Run a server that has ``film.mp4`` and ``tone.mp3``, which lasts a minute."""
    film, sound = video(folder / "film.mp4"), folder / "tone.mp3"
    make(["-f", "lavfi", "-i", "sine=440:d=60", str(sound)])
    with running_server(folder / "data", "--workers", "1", env=FAST) as server:
        for file in (film, sound):
            server.wait_for_status(upload(server, file), "completed")
        yield server


def test_a_player_goes_on_after_the_end_of_its_link(tmp_path: Path) -> None:
    with film_and_sound(tmp_path) as server:
        shown = "0:00 of 1:00"
        with visiting(
            f"{server.url}/",
            ["rows", 2], ["text", "#tasks .facts", "1:00 · MP3"], ["named", "button", "Play tone.mp3"],
            ["there", ".waveform svg"], ["play"],
            # Only one of them plays.
            ["halted", "audio"], ["accessible"],
            ["focus", ".waveform"], ["key", "Home"], ["attribute", ".waveform", "aria-valuetext", shown],
            ["key", "ArrowRight"], ["attribute", ".waveform", "aria-valuetext", "0:05 of 1:00"],
            ["press", ".waveform"], ["attribute", ".waveform", "aria-valuetext", "0:30 of 1:00"],
            ["resumed", "audio", 40, 7200], ["halted", "video"], ["resumed", "video", 1, 7200],
            clock=True,
        ) as visit:  # fmt: skip
            assert violations(visit.seen()) == []


def test_the_player_that_was_begun_last_plays(tmp_path: Path) -> None:
    """An earlier one whose bytes come late does not begin in its place."""
    with film_and_sound(tmp_path) as server, visiting(
        f"{server.url}/",
        ["rows", 2], ["text", "#tasks .facts", "1:00 · MP3"], ["late"],
        ["named", "button", "Play tone.mp3"], ["there", "#tasks audio"],
        ["press", "#tasks [data-opens=video]"], ["there", "#tasks video"],
        ["playable", "audio"], ["playable", "video"], ["playing", "video"], ["halted", "audio"],
    ) as visit:  # fmt: skip
        assert violations(visit.seen()) == []


def test_what_happens_elsewhere_and_meanwhile(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", "--workers", "0") as server:
        first, _, other = (upload(server, os.urandom(9), f"{name}.bin") for name in "abc")
        with visiting(
            f"{server.url}/",
            ["rows", 3], ["tab"], ["rows", 3], ["named", "button", "Stop b.bin"], ["ahead", 11], ["rows", 2],
            # A deletion in another tab, and one by another client.
            ["at", 0], ["rows", 2], ["line"], ["ahead", 61], ["rows", 1],
            # It is offered while something is processed, and requested by a click.
            ["attribute", "#notify", "aria-pressed", "false"], ["named", "button", "Notify me"],
            ["attribute", "#notify", "aria-pressed", "true"], ["accessible"], ["hide"], ["line"],
            ["noticed", "a.bin: Done"], ["hidden", "#notify"], ["line"],
            # What is imported after a click says that it was not there, and is there later.
            ["named", "button", "Link a.bin"], ["text", "#tasks .message", "does not answer"],
            ["accessible"], ["line"],
            ["named", "button", "Link a.bin"], ["there", "dialog.shares"],
            clock=True, context={"permissions": ["notifications"]},
        ) as visit:  # fmt: skip
            visit.wait_for_line()
            assert delete(server.files + other).status_code == 204
            visit.go_on()
            visit.wait_for_line()
            server.stop()
            server.flags = ("--workers", "1")
            server.start()
            server.wait_for_status(first, "completed")
            visit.go_on()
            visit.wait_for_line()
            server.stop()
            visit.go_on()
            visit.wait_for_line()
            server.start()
            visit.go_on()
            assert violations(visit.seen()) == []
