"""The languages of the pages: each has all texts."""

import json
import subprocess
from pathlib import Path
from typing import Any

from support.required import NODE_PACKAGES, require_program

LANGUAGES = Path(__file__).parents[2] / "tusd_py" / "page" / "source" / "languages"
READ = """
const kind = (value) =>
  typeof value === 'function' ? `a function of ${value.length}`
  : typeof value === 'string' ? (value ? 'a text' : 'an empty text')
  : Array.isArray(value) ? value.map(kind)
  : Object.fromEntries(Object.entries(value).map(([key, each]) => [key, kind(each)]))
const found = {}
for (const file of process.argv.slice(1)) found[file] = kind({ ...(await import(file)) })
console.log(JSON.stringify(found))
"""


def test_each_language_has_the_same_texts_and_functions() -> None:
    require_program("node", NODE_PACKAGES)
    done = subprocess.run(
        ["node", "--input-type=module", "-e", READ, *map(str, sorted(LANGUAGES.iterdir()))],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    found: dict[str, dict[str, Any]] = {
        Path(file).stem: texts for file, texts in json.loads(done.stdout).items()
    }
    assert found.keys() >= {"en", "zh"}
    english = found.pop("en")
    # The server says a reason in English itself: only those that are said better are there.
    reasons = english["sending"].pop("refusals")
    for language, texts in found.items():
        assert texts["sending"].pop("refusals").items() >= reasons.items(), language
        assert texts == english, language
        assert "an empty text" not in json.dumps(texts), language
    listed = (LANGUAGES.parent / "languages.js").read_text("utf-8")
    for language in ("en", *found):
        assert f"./languages/{language}.js" in listed
