"""Tests the facts of a real directory."""

from pathlib import Path

from tusd_py.doctor.disk_facts import inspect_disk


def test_a_real_directory_keeps_the_promises_and_is_left_as_it_was(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    facts = inspect_disk(data_dir)
    assert not facts.exists
    assert (facts.refusal, facts.syncs, facts.links, facts.excludes) == (None, True, True, True)
    assert facts.links_to_objects is None
    assert list(tmp_path.iterdir()) == []
    for name in ("uploads", "objects"):
        (data_dir / name).mkdir(parents=True)
    facts = inspect_disk(data_dir)
    assert facts.exists
    assert facts.links_to_objects is True
    assert sorted(path.name for path in data_dir.rglob("*")) == ["objects", "uploads"]
