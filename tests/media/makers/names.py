"""File names that break programs.

Each film has bytes of its own, or it would be an instant upload.
"""

from pathlib import Path

from media import checks, film_checks
from media.cases import Group
from media.scene import film

GROUP = Group("names")
NAMES = (
    "%d_%s%n.mp4", "-rf.mp4", ".hidden.mp4", "new\nline.mp4", "tab\there.mp4", "a:b.mp4",
    "concat:a|b.mp4",
    "quo'te\"$(id)`id`.mp4", "😀🎬.mp4", "x" * 236 + ".mp4", "trailing .mp4 ", "rtl\u202egpj.mp4",
    "CON.mp4",
    "--help.mp4", "电影 ..%2f..%2fetc.mp4",
)  # fmt: skip


def _maker(number: int) -> "object":
    def make(path: Path) -> None:
        plain = path.with_name("plain.mp4")
        film(plain, seconds=1.5, size=(160, 90), noise=20 + number)
        plain.rename(path)

    return make


for _number, _name in enumerate(NAMES):
    GROUP.case(
        _name,
        "compressed, its name intact",
        film_checks.film(),
        checks.smaller(),
        checks.named(_name),
    )(
        _maker(_number)  # type: ignore[arg-type]
    )
