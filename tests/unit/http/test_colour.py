import re
from pathlib import Path

import pytest

from tusd_py.http.colour import DARK_GROUNDS, LIGHT_GROUNDS, contrast, readable_pair

CSS = Path(__file__).parents[3] / "tusd_py" / "page" / "source" / "colours.css"


def test_the_contrast_is_that_of_wcag() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#abcdef", "#abcdef") == 1


@pytest.mark.parametrize(
    "colour", ["#ffffff", "#000000", "#f2c14e", "#1269cf", "#777777", "#FF0000"]
)
def test_every_colour_can_be_read_in_both_themes(colour: str) -> None:
    light, dark = readable_pair(colour)
    assert min(contrast(light, ground) for ground in LIGHT_GROUNDS) >= 4.5
    assert min(contrast(dark, ground) for ground in DARK_GROUNDS) >= 4.5


def test_a_colour_that_can_be_read_stays() -> None:
    assert readable_pair("#1269cf")[0] == "#1269cf"
    assert readable_pair("#f2c14e")[1] == "#f2c14e"


def test_the_grounds_are_those_of_the_pages() -> None:
    text = CSS.read_text("utf-8").replace("#fff,", "#ffffff,")
    pairs = [
        re.search(rf"--{name}: light-dark\((\S+), (\S+)\)", text) for name in ("sheet", "ground")
    ]
    found = [pair.groups() for pair in pairs if pair]
    assert found == list(zip(LIGHT_GROUNDS, DARK_GROUNDS, strict=True))
