"""The documentation as a site."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FROM_ELSEWHERE = re.compile(r"<(?:script|link|img)[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>")


def test_it_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    mkdocs = str(Path(sys.executable).parent / "mkdocs")
    config = str(ROOT / "deploy" / "site" / "mkdocs.yml")
    done = subprocess.run(
        [mkdocs, "build", "-q", "--strict", "-f", config, "-d", str(tmp_path / "site")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    sources = [path for path in (ROOT / "docs").rglob("*.md") if path.name != "README.zh.md"]
    assert len(pages) == len(sources) + 1, "the pages and the one for 404"
    for page in pages:
        loaded = FROM_ELSEWHERE.findall(page.read_text("utf-8"))
        assert [tag for tag in loaded if "canonical" not in tag] == [], page
