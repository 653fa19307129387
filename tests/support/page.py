"""A person at a page, in a real Chromium."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.required import NODE, require_node, require_program


class Visit:
    """A person at the page, who does one step after the other."""

    def __init__(self, url: str, steps: list[list[object]], **options: object) -> None:
        require_program("chromium")
        require_node("playwright-core")
        self._lines: list[str] = []
        self._process = subprocess.Popen(
            ["node", str(NODE / "page-visit.mjs"), url, json.dumps(steps), json.dumps(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def wait_for_line(self) -> None:
        """Wait until all steps before the visit's next ``line`` are done."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if json.loads(line) == {"waits": True}:
                return
        raise AssertionError(self._process.communicate()[1])

    def go_on(self) -> None:
        """Continue with the steps after the visit's next ``line``."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def seen(self) -> list[dict[str, Any]]:
        """Return the state of the page after each step, once the visit has ended.

        It checks that no rule of the page was broken.
        """
        out, err = self._process.communicate(timeout=180)
        assert self._process.returncode == 0, err
        steps = [json.loads(line) for line in (*self._lines, *out.splitlines())]
        assert steps.pop() == {"complaints": []}
        return steps

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def visiting(url: str, *steps: list[object], **options: object) -> Iterator[Visit]:
    visit = Visit(url, list(steps), **options)
    try:
        yield visit
    finally:
        visit.close()


def bundle(script: str, folder: Path) -> dict[str, str]:
    """Return an answer for ``visiting``: a module with its imports, packages of ``tests/node``."""
    require_node("esbuild")
    done = subprocess.run(
        ["node", str(NODE / "bundle.mjs")],
        input=script, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    file = folder / "bundle.js"
    file.write_text(done.stdout)
    return {"contentType": "text/javascript", "path": str(file)}
