"""Tests the settings of a topology on this machine, and its end."""

from pathlib import Path

import pytest
from topology.local import down, parsed_setting
from topology.state import State


def test_a_setting_is_a_name_and_a_yaml_value() -> None:
    assert parsed_setting("jobs.lease=5s") == ("jobs.lease", "5s")
    assert parsed_setting("jobs.backoff=[1s, 2s]") == ("jobs.backoff", ["1s", "2s"])
    assert parsed_setting("media.compress=false") == ("media.compress", False)
    for wrong in ("jobs.lease", "=5s", "a=[1"):
        with pytest.raises(ValueError, match=wrong.replace("[", r"\[")):
            parsed_setting(wrong)


def test_down_with_remove_leaves_no_directory_where_there_was_only_ours(tmp_path: Path) -> None:
    root = tmp_path / "local"
    (root / "data").mkdir(parents=True)
    State().save(root)
    down(root, remove=False)
    assert (root / "data").exists()
    down(root, remove=True)
    assert not root.exists()
