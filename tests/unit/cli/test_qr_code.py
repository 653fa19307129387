"""A QR code is shown where a camera can read it; elsewhere the reason is."""

import sys

import pytest
import segno

from tusd_py.cli.qr_code import QUIET_ZONE, say_qr_code

LINK = "https://uploads.example.org/s/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"


def rows(drawn: str) -> list[list[bool]]:
    """Return the modules of a drawing, two of which are a character."""
    read: list[list[bool]] = []
    for line in drawn.splitlines():
        read += [[one in "▀█" for one in line], [one in "▄█" for one in line]]
    return read


def test_each_module_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    say_qr_code(LINK)
    code = segno.make(LINK, error="l", micro=False)
    expected = [[bool(one) for one in row] for row in code.matrix_iter(border=QUIET_ZONE)]
    drawn = rows(capsys.readouterr().out)
    assert drawn[: len(expected)] == expected
    assert not any(module for row in drawn[len(expected) :] for module in row)


def test_an_encoding_without_blocks_is_a_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tusd_py.cli.qr_code._can_print", lambda _: False)
    say_qr_code(LINK)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == ("tusd-py: the encoding of the terminal has no characters for a QR code\n")


def test_a_link_that_no_code_can_contain_is_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    say_qr_code("x" * 3000)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "tusd-py: the link is too long for a QR code\n"


@pytest.mark.parametrize(("columns", "is_drawn"), [(41, True), (40, False)])
def test_a_terminal_that_is_too_narrow_is_a_reason(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
    is_drawn: bool,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("NO_COLOR", raising=False)
    say_qr_code(LINK)
    shown = capsys.readouterr()
    assert bool(shown.out) is is_drawn
    assert shown.out.count("\x1b[38;5;16;48;5;231m") == len(shown.out.splitlines())
    assert is_drawn or "needs 41 columns, and the terminal has 40" in shown.err
