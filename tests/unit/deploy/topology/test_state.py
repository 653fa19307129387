"""Tests the state of a topology in its directory."""

from pathlib import Path

from topology.parts import (
    entries,
    fill_in,
)
from topology.process import Process
from topology.state import Options, State, is_free, remove_entries


def test_a_state_is_read_back_as_it_was_and_is_its_owners_alone(tmp_path: Path) -> None:
    state = State(options=Options(servers=1, settings={"jobs.lease": "5s"}))
    fill_in(state)
    state.processes["redis"] = Process(pid=12, started=34, log_at=56)
    state.save(tmp_path)
    assert State.load(tmp_path) == state
    assert (tmp_path / "topology.json").stat().st_mode & 0o777 == 0o600


def test_only_what_a_topology_made_is_removed_with_it(tmp_path: Path) -> None:
    options = Options(servers=1, workers=1)
    assert {"data", "log", "tusd.yaml", "rabbitmq", "server-1", "nginx"} <= entries(options)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").touch()
    (tmp_path / "tusd.yaml").touch()
    (tmp_path / "thesis.txt").touch()
    State(options=options).save(tmp_path)
    assert is_free(tmp_path)
    remove_entries(tmp_path, entries(options))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert not is_free(tmp_path)
