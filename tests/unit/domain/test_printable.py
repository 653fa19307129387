"""Tests that a text becomes one printable line."""

import json

from tusd_py.domain.printable import printable

EVIL = "\x1b]0;owned\x07\x9b31m\u202e\r\n2026-11-28 INFO forged\x7f\u2028\ud800"


def test_texts_become_one_printable_line_and_json_stays_json() -> None:
    shown = printable(EVIL)
    assert shown.isprintable()
    assert "forged" in shown
    assert json.loads(printable(json.dumps({"a": EVIL}, ensure_ascii=False))) == {"a": EVIL}
    for plain in ("视频 a.bin", "👩‍👩‍👧", "می‌خواهم", "é ß"):
        assert printable(plain) == plain
