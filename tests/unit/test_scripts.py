"""Scripts in JavaScript: what esbuild warns of, such as a name that an object has twice, of which the first is lost."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from support.own_files import own_files
from support.required import NODE, require_node


def warnings(scripts: Iterable[Path], out: Path) -> str:
    require_node("esbuild")
    esbuild = NODE / "node_modules/.bin/esbuild"
    command = [esbuild, "--log-level=warning", f"--outdir={out}", *scripts]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def test_no_script_has_a_warning(tmp_path: Path) -> None:
    scripts = [path for path in own_files() if path.suffix in {".js", ".mjs"}]
    assert NODE / "page-visit.mjs" in scripts
    assert warnings(scripts, tmp_path) == ""


def test_a_name_that_an_object_has_twice_is_a_warning(tmp_path: Path) -> None:
    twice = tmp_path / "twice.js"
    twice.write_text("export const steps = { rows: 1, rows: 2 }")
    assert 'Duplicate key "rows"' in warnings([twice], tmp_path / "out")
