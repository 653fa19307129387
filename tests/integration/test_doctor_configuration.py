"""The doctor before real services: a sound configuration has no finding, each fault has its own."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pika
import pytest
import redis
from support.services import MariaDb, RabbitMq, Redis, free_port
from support.small_disk import small_disk

from tusd_py.catalog.sql_catalog import SqlCatalog, mysql_url
from tusd_py.clock import SystemClock
from tusd_py.doctor.configuration import configuration_checks
from tusd_py.doctor.findings import Finding, Level
from tusd_py.doctor.run import run_checks
from tusd_py.jobs.queue.rabbitmq_topology import QUEUE, declare
from tusd_py.settings.model import Settings

SECRET = MariaDb.user_password


class Room:
    """A sound configuration on real services; a test changes one part of it."""

    def __init__(
        self, tmp_path: Path, mariadb: MariaDb, redis: Redis, rabbitmq: RabbitMq, vhost: str
    ) -> None:
        self.data_source = mariadb.database()
        self.database = mysql_url(self.data_source).database
        environment = [f"{name}={value}" for name, value in rabbitmq.environment().items()]
        self.rabbitmqctl = shlex.join(["env", "-i", *environment, *rabbitmq.control_command()])
        self.tree: dict[str, Any] = {
            "data_dir": tmp_path / "data",
            "max_size": 1 << 20,
            "mysql": {"data_source": self.data_source},
            "redis": {"addr": f"127.0.0.1:{redis.port}", "password": redis.password},
            "rabbitmq": {
                "host": "127.0.0.1", "port": rabbitmq.port, "user": rabbitmq.user,
                "password": rabbitmq.password, "vhost": vhost,
            },
        }  # fmt: skip

    def settings(self, **changed: Any) -> Settings:
        """Return the settings with some of them changed, sections member by member."""
        tree = {**self.tree}
        for name, value in changed.items():
            tree[name] = {**tree.get(name, {}), **value} if isinstance(value, dict) else value
        return Settings(**tree)

    def findings(self, *, rabbitmqctl: bool = True, **changed: Any) -> list[Finding]:
        checks = configuration_checks(
            self.settings(**changed),
            clock=SystemClock(),
            rabbitmqctl=self.rabbitmqctl if rabbitmqctl else None,
        )
        return list(run_checks(checks))

    def bad(self, **changed: Any) -> dict[str, Level]:
        """Return the checks with a warning or a problem; each has a remedy and shows no secret."""
        return bad(self.findings(rabbitmqctl=False, **changed))


def bad(findings: list[Finding]) -> dict[str, Level]:
    assert SECRET not in repr(findings)
    seen = {
        one.check: one
        for one in findings
        # The temporary folder of the machine may be in memory, or in a container.
        if one.level in (Level.WARNING, Level.PROBLEM) and one.check != "disk.kind"
    }
    assert all(one.remedy for one in seen.values())
    return {check: one.level for check, one in seen.items()}


@pytest.fixture(scope="module")
def vhost(rabbitmq: RabbitMq) -> str:
    """Return the address of an empty virtual host."""
    return rabbitmq.virtual_host()


@pytest.fixture
def own_vhost(room: Room, rabbitmq: RabbitMq) -> str:
    """Make a virtual host for the test alone, and put it into the room's settings."""
    name = rabbitmq.virtual_host()
    room.tree["rabbitmq"]["vhost"] = name
    return name


@pytest.fixture
def room(
    tmp_path: Path, mariadb: MariaDb, redis_server: Redis, rabbitmq: RabbitMq, vhost: str
) -> Room:
    return Room(tmp_path, mariadb, redis_server, rabbitmq, vhost)


@contextmanager
def own_redis(*commands: str) -> Iterator[dict[str, str]]:
    """Start another Redis, run some commands, and return its section of settings."""
    server = Redis()
    try:
        server.start()
        with redis.Redis.from_url(server.url) as client:
            for command in commands:
                client.execute_command(command)
        yield {"addr": f"127.0.0.1:{server.port}", "password": server.password}
    finally:
        server.close()


def test_a_sound_configuration_has_no_problem_and_nothing_is_left(
    room: Room, vhost: str, tmp_path: Path, mariadb: MariaDb, rabbitmq: RabbitMq
) -> None:
    config = tmp_path / "tusd.yaml"
    tree = {**room.tree, "data_dir": str(tmp_path / "data")}
    config.write_text(json.dumps(tree))
    done = subprocess.run(
        [sys.executable, "-m", "tusd_py", "doctor", "--config", str(config), "--json",
         "--rabbitmqctl", room.rabbitmqctl],
        env={**os.environ, "TUSD_LOG_LEVEL": "error"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    findings = [Finding(**json.loads(line)) for line in done.stdout.splitlines()]
    assert bad(findings) == {}
    looked_at = {one.check.partition(".")[0] for one in findings}
    assert looked_at == {"settings", "disk", "media", "mysql", "redis", "rabbitmq"}
    assert "rabbitmq.consumer_timeout" in {one.check for one in findings if one.level == Level.OK}
    assert mariadb.execute(f"SHOW TABLES IN {room.database}") == ""
    assert rabbitmq.control("list_queues", "-p", vhost, "name") == ""
    assert not (tmp_path / "data").exists()


def test_a_database_and_a_queue_in_use_are_sound(room: Room, own_vhost: str) -> None:
    SqlCatalog(mysql_url(room.data_source), clock=SystemClock()).close()
    with _channel(room) as channel:
        declare(channel)
    findings = room.findings(rabbitmqctl=False)
    fine = {one.check for one in findings if one.level is Level.OK}
    assert bad(findings) == {}
    assert {"mysql.schema", "rabbitmq.queues"} <= fine


@contextmanager
def _channel(room: Room) -> Iterator[Any]:
    parameters = pika.URLParameters(room.settings().rabbitmq.url())
    with pika.BlockingConnection(parameters) as connection:
        yield connection.channel()


def test_a_redis_that_throws_keys_away_is_found(room: Room) -> None:
    with own_redis(
        "CONFIG SET maxmemory 50mb", "CONFIG SET maxmemory-policy allkeys-lru"
    ) as section:
        assert room.bad(redis=section) == {"redis.eviction": Level.WARNING}


def test_a_redis_that_wants_another_password_is_found(room: Room) -> None:
    with own_redis("CONFIG SET requirepass right") as section:
        assert room.bad(redis=section) == {"redis.reachable": Level.PROBLEM}
        wrong = {**section, "password": "wrong"}
        assert room.bad(redis=wrong) == {"redis.reachable": Level.PROBLEM}
        assert room.bad(redis={**section, "password": "right"}) == {}


def test_a_redis_that_refuses_scripts_is_found(room: Room) -> None:
    with own_redis("ACL SETUSER default -@scripting") as section:
        findings = room.findings(rabbitmqctl=False, redis=section)
    assert bad(findings) == {"redis.rights": Level.PROBLEM}
    assert "EVAL" in next(one.sentence for one in findings if one.check == "redis.rights")


def test_a_redis_that_is_a_replica_is_found(room: Room) -> None:
    with own_redis(f"REPLICAOF 127.0.0.1 {free_port()}") as section:
        assert room.bad(redis=section) == {"redis.writes": Level.PROBLEM}


def test_a_mysql_user_without_create_is_found(room: Room, mariadb: MariaDb) -> None:
    name = room.database
    mariadb.execute(
        f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{SECRET}';"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO {name}@'127.0.0.1'"
    )
    source = room.data_source.replace("tusd:", f"{name}:", 1)
    findings = room.findings(rabbitmqctl=False, mysql={"data_source": source})
    assert bad(findings) == {"mysql.rights": Level.PROBLEM}
    assert "CREATE" in next(one.sentence for one in findings if one.check == "mysql.rights")


def test_a_mysql_user_without_delete_is_found_and_our_table_goes(
    room: Room, mariadb: MariaDb
) -> None:
    name = room.database
    mariadb.execute(
        f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{SECRET}';"
        f"GRANT ALL ON {name}.* TO {name}@'127.0.0.1';"
        f"REVOKE DELETE ON {name}.* FROM {name}@'127.0.0.1'"
    )
    source = room.data_source.replace("tusd:", f"{name}:", 1)
    findings = room.findings(rabbitmqctl=False, mysql={"data_source": source})
    assert bad(findings) == {"mysql.rights": Level.PROBLEM}
    assert "DELETE" in next(one.sentence for one in findings if one.check == "mysql.rights")
    assert mariadb.execute(f"SHOW TABLES IN {name}") == ""


def test_wrong_addresses_of_mysql_are_found(room: Room) -> None:
    for wrong in (
        room.data_source.replace(SECRET, "wrong"),
        re.sub(r":\d+\)", f":{free_port()})", room.data_source),
        "no address",
    ):
        found = room.bad(mysql={"data_source": wrong})
        assert found in (
            {"mysql.reachable": Level.PROBLEM},
            {"mysql.address": Level.PROBLEM},
        )


@pytest.mark.parametrize(
    ("variable", "spoilt", "sound", "expected"),
    [
        ("innodb_flush_log_at_trx_commit", "2", "1", {"mysql.durability": Level.WARNING}),
        ("read_only", "1", "0", {"mysql.writes": Level.PROBLEM}),
    ],
)
def test_a_mysql_that_does_not_keep_its_word_is_found(
    room: Room,
    mariadb: MariaDb,
    variable: str,
    spoilt: str,
    sound: str,
    expected: dict[str, Level],
) -> None:
    mariadb.execute(f"SET GLOBAL {variable} = {spoilt}")
    try:
        assert room.bad() == expected
    finally:
        mariadb.execute(f"SET GLOBAL {variable} = {sound}")


def test_a_schema_from_the_future_is_found(room: Room, mariadb: MariaDb) -> None:
    SqlCatalog(mysql_url(room.data_source), clock=SystemClock()).close()
    mariadb.execute(f"UPDATE {room.database}.alembic_version SET version_num = '9999'")
    assert room.bad() == {"mysql.schema": Level.PROBLEM}


def test_a_queue_that_another_program_declared_is_found(room: Room, own_vhost: str) -> None:
    with _channel(room) as channel:
        declare(channel)
        channel.queue_delete(QUEUE)
        channel.queue_declare(QUEUE, durable=True)
    assert room.bad() == {"rabbitmq.queues": Level.PROBLEM}


def test_a_short_consumer_time_out_is_found(room: Room, rabbitmq: RabbitMq) -> None:
    set_to = "application:set_env(rabbit, consumer_timeout, {})."
    rabbitmq.control("eval", set_to.format(10_000))
    try:
        findings = room.findings()
    finally:
        rabbitmq.control("eval", set_to.format(1_800_000))
    assert bad(findings) == {"rabbitmq.consumer_timeout": Level.PROBLEM}


def test_a_rabbitmqctl_of_another_broker_is_not_believed(room: Room) -> None:
    room.rabbitmqctl = shlex.join(["echo", '{<<"rabbit@elsewhere">>,{ok,10000}}'])
    findings = room.findings()
    assert bad(findings) == {}
    levels = {one.check: one.level for one in findings}
    assert levels["rabbitmq.consumer_timeout"] is Level.NOTE


@pytest.mark.parametrize(
    "wrong", [{"password": "wrong"}, {"vhost": "nowhere"}, {"port": 1}], ids=str
)
def test_wrong_addresses_of_rabbitmq_are_found(room: Room, wrong: dict[str, Any]) -> None:
    assert room.bad(rabbitmq=wrong) == {"rabbitmq.reachable": Level.PROBLEM}


def test_a_rabbitmq_user_that_may_not_publish_is_found(
    room: Room, own_vhost: str, rabbitmq: RabbitMq
) -> None:
    with _channel(room) as channel:
        declare(channel)
    rabbitmq.control("set_permissions", "-p", own_vhost, rabbitmq.user, ".*", "^file_", ".*")
    findings = room.findings(rabbitmqctl=False)
    assert bad(findings) == {"rabbitmq.rights": Level.PROBLEM}
    assert "write" in next(one.sentence for one in findings if one.check == "rabbitmq.rights")


def test_a_broker_short_of_memory_is_found(room: Room, rabbitmq: RabbitMq) -> None:
    rabbitmq.control("set_vm_memory_high_watermark", "0.00001")
    try:
        assert room.bad() == {"rabbitmq.alarm": Level.PROBLEM}
    finally:
        rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1GiB")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 16 MiB."""
    with small_disk(tmp_path, 16) as mount:
        yield mount


def test_a_small_disk_in_memory_is_found(room: Room, disk: Path) -> None:
    findings = room.findings(rabbitmqctl=False, data_dir=disk / "data")
    assert bad(findings) == {"disk.space": Level.PROBLEM}
    levels = {one.check: one.level for one in findings}
    assert levels["disk.kind"] is Level.WARNING


def test_a_disk_that_can_not_be_written_is_found(room: Room, disk: Path) -> None:
    remount = ["mount", "-o", "remount,ro", str(disk)]
    subprocess.run(remount, check=True)
    found = room.bad(data_dir=disk)
    assert found["disk.directory"] is Level.PROBLEM


def test_a_file_in_place_of_the_directory_is_found(room: Room, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert room.bad(data_dir=tmp_path / "file") == {"disk.directory": Level.PROBLEM}


def test_a_missing_ffmpeg_and_one_without_encoders_are_found(room: Room, tmp_path: Path) -> None:
    poor = tmp_path / "ffmpeg"
    poor.write_text("#!/bin/sh\necho ' A....D aac    AAC'\n")
    poor.chmod(0o755)
    media = {"sandbox": "rlimit", "ffmpeg": str(poor)}
    assert room.bad(media=media) == {"media.ffmpeg": Level.PROBLEM}
    cramped = {"sandbox": "rlimit", "memory_limit": 1 << 20}
    assert room.bad(media=cramped) == {"media.ffmpeg": Level.PROBLEM}


def test_an_extra_that_is_not_installed_is_found(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pika", None)
    for name in ("tusd_py.doctor.rabbitmq", "tusd_py.jobs.queue.rabbitmq"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    findings = room.findings(rabbitmqctl=False)
    assert bad(findings) == {"rabbitmq": Level.PROBLEM}
    assert "tusd-py[distributed]" in next(one.remedy for one in findings if one.check == "rabbitmq")


def test_contradicting_settings_give_code_1_and_unknown_ones_2(tmp_path: Path) -> None:
    def run(**environ: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "tusd_py", "doctor", "--data-dir", str(tmp_path / "data")],
            env={**os.environ, "TUSD_MAX_SIZE": "1MiB", **environ},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    contradicting = run(TUSD_JOBS__RENEW_EVERY="60s")
    assert contradicting.returncode == 1
    assert re.search(r"^problem +settings\.jobs .*\n +remedy: ", contradicting.stdout, re.MULTILINE)
    assert contradicting.stdout.splitlines()[-1].startswith("1 problem, ")
    assert run(TUSD_NOTHING="1").returncode == 2
