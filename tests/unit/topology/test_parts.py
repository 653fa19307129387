"""The parts of a topology, as plain values."""

from pathlib import Path

import pytest
from topology.local import down, parsed_setting
from topology.parts import (
    entries,
    fill_in,
    settings,
    settings_texts,
    stages,
    urls_of,
    worker_settings,
)
from topology.process import Process
from topology.program import LOWEST_PORT, port_range
from topology.state import Options, State, is_free, remove_entries


def test_engines_start_first_and_nginx_last() -> None:
    roles = [{part.role for part in stage} for stage in stages(Options(servers=2, workers=3))]
    assert roles[1] == {"rabbitmq", "redis", "mysql"}
    assert roles[-1] == {"nginx"}
    names = [part.name for stage in stages(Options(servers=2, workers=3)) for part in stage]
    assert names[4:] == ["worker-1", "worker-2", "worker-3", "server-1", "server-2", "nginx"]


def test_ports_and_passwords_are_chosen_once() -> None:
    state = State(options=Options(servers=2))
    fill_in(state)
    ports, passwords = dict(state.ports), dict(state.passwords)
    assert len(set(ports.values())) == len(ports)
    fill_in(state)
    assert (state.ports, state.passwords) == (ports, passwords)


def test_a_port_is_none_that_outgoing_connections_get() -> None:
    assert port_range(32768) == range(LOWEST_PORT, 32768)
    # This machine gives them nearly all its memory.
    assert port_range(1024) == range(LOWEST_PORT, 65536)


def test_given_settings_win() -> None:
    state = State(options=Options(settings={"jobs.lease": "5s", "redis.db": 3}))
    fill_in(state)
    tree = settings(state, Path("/there"))
    assert tree["jobs"] == {"lease": "5s"}
    assert (tree["redis"]["db"], tree["redis"]["password"]) == (3, state.passwords["redis"])
    assert tree["data_dir"] == "/there/data"


def test_users_need_a_token_unless_none_is_wanted_and_workers_have_no_key_of_them() -> None:
    state = State()
    fill_in(state)
    auth = settings(state, Path("/there"))["auth"]
    assert auth == {"required": True, "access_secret": state.passwords["sessions"]}
    assert "auth" not in worker_settings(state, Path("/there"))
    assert (
        state.passwords["sessions"]
        not in settings_texts(state, Path("/there"))[Path("/there/worker.yaml")]
    )
    state.options = Options(anonymous=True)
    assert "auth" not in settings(state, Path("/there"))


def test_a_setting_is_a_name_and_a_yaml_value() -> None:
    assert parsed_setting("jobs.lease=5s") == ("jobs.lease", "5s")
    assert parsed_setting("jobs.backoff=[1s, 2s]") == ("jobs.backoff", ["1s", "2s"])
    assert parsed_setting("media.compress=false") == ("media.compress", False)
    for wrong in ("jobs.lease", "=5s", "a=[1"):
        with pytest.raises(ValueError, match=wrong.replace("[", r"\[")):
            parsed_setting(wrong)


def test_a_state_is_read_back_as_it_was_and_is_its_owners_alone(tmp_path: Path) -> None:
    state = State(options=Options(servers=1, settings={"jobs.lease": "5s"}))
    fill_in(state)
    state.processes["redis"] = Process(pid=12, started=34, log_at=56)
    state.save(tmp_path)
    assert State.load(tmp_path) == state
    assert (tmp_path / "topology.json").stat().st_mode & 0o777 == 0o600


def test_nginx_is_reached_with_and_without_tls() -> None:
    state = State(options=Options(port=8080))
    fill_in(state)
    assert urls_of(state, "nginx") == [
        "http://127.0.0.1:8080",
        f"https://127.0.0.1:{state.ports['nginx-tls']}",
    ]


def test_servers_and_workers_report_their_health_on_ports_of_their_own() -> None:
    state = State(options=Options(servers=2, workers=3))
    fill_in(state)
    ours = ["server-1", "server-2", "worker-1", "worker-2", "worker-3"]
    urls = [url for name in ours for url in urls_of(state, name)]
    assert urls == [f"http://127.0.0.1:{state.ports[name]}" for name in ours]
    assert len(set(urls)) == 5


def test_down_with_remove_leaves_no_directory_where_there_was_only_ours(tmp_path: Path) -> None:
    root = tmp_path / "local"
    (root / "data").mkdir(parents=True)
    State().save(root)
    down(root, remove=False)
    assert (root / "data").exists()
    down(root, remove=True)
    assert not root.exists()


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
