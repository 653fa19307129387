"""``make pictures``: the screenshots in docs/images, taken of a real server by a real Chromium.

Fonts with Chinese characters should be there (Debian: fonts-wqy-microhei).
"""

import os
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text
from support.media import make
from support.page import visiting
from support.server import Server, running_server
from support.terminal import on_a_terminal
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
SETTINGS = {
    "TUSD_LIMITS__BYTES_PER_SECOND": "6MiB",
    "TUSD_MEDIA__PRESET": "slow",
    "TUSD_WHITELIST__EXTENSIONS": "mp4,png",
    "TUSD_JOBS__RENEW_EVERY": "0.5",
}


def film(path: Path, seconds: int, seed: int) -> Path:
    noise = f"testsrc2=size=1280x720:rate=30:duration={seconds},noise=alls={20 + seed}:allf=t"
    make(["-f", "lavfi", "-i", noise, "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "14M",
          "-pix_fmt", "yuv420p", str(path)])  # fmt: skip
    return path


def take(server: Server, folder: Path) -> None:
    holiday, birthday = film(folder / "holiday.mp4", 12, 1), film(folder / "birthday.mp4", 4, 2)
    cut = folder / "torn.mp4"
    cut.write_bytes(birthday.read_bytes()[: 1 << 20])
    one = {"context": {"viewport": {"width": 900, "height": 860}}}
    picture = [
        ["picture", str(IMAGES / f"page-{name}.png")]
        for name in ("sending", "working", "done", "instant")
    ]
    with visiting(
        f"{server.url}/",
        ["add", str(holiday), str(birthday), str(cut)], ["sent", 40], ["rows", 3], picture[0],
        ["until", "compressing"], picture[1], ["line"],
        ["until", "completed", 2], ["until", "failed"], picture[2],
        ["tab"], ["until", "completed", 2], ["add", str(holiday)], ["until", "completed", 3],
        ["text", "#sent", "1 file was sent."],
        picture[3],
        **one,
    ) as visit:  # fmt: skip
        wait_until(lambda: _state(server)["jobs"]["failed"] > 0, timeout=120)
        wait_until(lambda: _state(server)["ended"]["hour"]["completed"] > 0, timeout=120)
        wait_until(lambda: _state(server)["jobs"]["running"] > 0, timeout=120)
        with visiting(
            server.operator_link,
            ["text", "#workers", "compressing"], ["text", "#failures", "torn.mp4"],
            ["picture", str(IMAGES / "admin.png")],
            context={"viewport": {"width": 1100, "height": 1000}},
        ) as operator:  # fmt: skip
            operator.seen()
        visit.go_on()
        visit.seen()
    for name, context in (
        ("phone", {"viewport": {"width": 390, "height": 1500}, "deviceScaleFactor": 2, "isMobile": True, "hasTouch": True}),
        ("dark-chinese", {"viewport": {"width": 900, "height": 860}, "locale": "zh-CN", "colorScheme": "dark"}),
    ):  # fmt: skip
        with visiting(
            f"{server.url}/",
            ["until", "completed", 3], ["picture", str(IMAGES / f"page-{name}.png")],
            context=context,
        ) as visit:  # fmt: skip
            visit.seen()
    _terminal(server, birthday, folder)


def _state(server: Server) -> dict[str, dict[str, int]]:
    with server.operator() as operator:
        return operator.get("/api/admin/overview").json()


def _terminal(server: Server, film_: Path, folder: Path) -> None:
    """What the commands print on a terminal, as a picture of text."""
    other = film(folder / "garden.mp4", 3, 3)
    env = {"TUSD_URL": server.files, "XDG_STATE_HOME": str(folder)}
    console = Console(record=True, width=100, file=open(os.devnull, "w"))  # noqa: SIM115
    for shown, *arguments in (
        ("upload birthday.mp4 garden.mp4", "upload", str(film_), str(other)),
        ("ls", "ls"),
    ):
        console.print(Text(f"$ tusd-py {shown}", style="bold"))
        raw = on_a_terminal(*arguments, env=env).raw
        # A bar is drawn again and again in its place: one of its states is shown.
        text = re.sub(r"(\x1b\[1A|\x1b\[2K|\r|\x1b\[\?25[lh])+", "\n", raw)
        lines = [line for line in text.splitlines() if line.strip()]
        bars = [line for line in lines if "━" in line]
        kept = bars[len(bars) // 2 : len(bars) // 2 + 1]
        for line in [*kept, *(line for line in lines if "━" not in line)]:
            console.print(Text.from_ansi(line))
    page = folder / "terminal.html"
    page.write_text(console.export_html(inline_styles=True))
    with visiting(
        page.as_uri(), ["picture", str(IMAGES / "terminal.png")],
        context={"viewport": {"width": 900, "height": 290}},
    ) as visit:  # fmt: skip
        visit.seen()


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_server(Path(scratch) / "data", "--workers", "1", env=SETTINGS) as server,
    ):
        take(server, Path(scratch))
    sys.stdout.write("".join(f"{path.name}\n" for path in sorted(IMAGES.iterdir())))
