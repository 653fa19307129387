"""The page about the doctor names what the doctor examines."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "doctor.md").read_text("utf-8")
SOURCE = "".join(path.read_text("utf-8") for path in (ROOT / "tusd_py" / "doctor").rglob("*.py"))


def test_every_check_is_on_the_page() -> None:
    named = set(re.findall(r'"((?:disk|media|mysql|redis|rabbitmq|objects)\.[a-z_]+)"', SOURCE))
    named |= set(re.findall(r'Check\(\s*"(\w[\w-]+)"', SOURCE)) - {
        "disk",
        "mysql",
        "redis",
        "rabbitmq",
        "objects",
    }
    assert len(named) > 30
    assert {name for name in named if f"`{name}`" not in PAGE} == set()


def test_every_check_of_the_page_exists() -> None:
    rows = re.findall(r"^\| (`.+?) \|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w.-]+)`", row)}
    assert len(named) > 30
    assert {name for name in named if f'"{name}"' not in SOURCE} == set()
