"""Tests the parts of a topology: order, ports, passwords, settings, addresses."""

from pathlib import Path

from topology.parts import (
    fill_in,
    settings,
    settings_texts,
    stages,
    urls_of,
    worker_settings,
)
from topology.state import Options, State


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
