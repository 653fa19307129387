"""The hardest files of ``make media``: uploaded, downloaded, and judged by decoding them."""

from typing import Any

import pytest
from media import inputs, table

WORST = (
    "07_hdr10.mp4", "21_prores4444.mov", "42_576i.mp4", "59_gpmd.mp4", "64_thumbnail_first.mp4",
    "66_multi_audio.mkv", "84_ass_font.mkv", "98_garbled.mp4", "106_piped_vp8.webm",
    "120_180_to_360.webm", "127_cr3.cr3", "140_jitter.webm",
)  # fmt: skip


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the row of each of them."""
    folder = tmp_path_factory.mktemp("media")
    found = table.run(inputs.chosen(names=WORST), folder / "cache", folder)
    return {row["file"]: row for row in found}


@pytest.mark.parametrize("name", WORST)
def test_nothing_is_lost_and_picture_and_sound_are_right(
    name: str, rows: dict[str, dict[str, Any]]
) -> None:
    assert rows[name]["faults"] == [], rows[name]["observed"]
