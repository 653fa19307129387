"""The engines that ``deploy/local`` and the tests start: each of their ports needs a password.

A machine has other users. They reach loopback, and may know the names that engines give to their
first users.
"""

import subprocess
from pathlib import Path

import pika
import pytest
import redis
from support.services import Engine, MariaDb, RabbitMq, Redis
from support.sockets import addresses_that_listen

LOOPBACK = {"127.0.0.1", "::1"}
REFUSALS = ("Access denied", "is not allowed to connect", "Can't connect")
"""Refusals by MariaDB: of this user, of this host, and at an address where nothing listens."""


@pytest.mark.parametrize("user", ["root", "tusd", "mysql", "test", ""])
@pytest.mark.parametrize("door", ["127.0.0.1", "::1", "localhost", "socket"])
def test_no_user_of_mariadb_gets_in_without_a_password(
    mariadb: MariaDb, user: str, door: str
) -> None:
    where = (
        [f"--socket={mariadb.directory}/mariadb.sock"]
        if door == "socket"
        else [f"--host={door}", f"--port={mariadb.port}", "--protocol=tcp"]
    )
    for password in ("", "root", "tusd", "password", "secret@1"):
        given = f"--password={password}" if password else "--skip-password"
        done = subprocess.run(
            ["mariadb", "--no-defaults", f"--user={user}", given, *where, "-e", "SELECT 1"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0, done.stdout
        assert any(refusal in done.stderr for refusal in REFUSALS), done.stderr


def test_mariadb_has_no_user_without_a_password_and_no_database_for_all(mariadb: MariaDb) -> None:
    open_ones = mariadb.execute(
        "SELECT User, Host FROM mysql.global_priv WHERE User = '' OR Host = '%' OR NOT ("
        "IFNULL(JSON_VALUE(Priv, '$.account_locked'), 0) "
        "OR IFNULL(LENGTH(JSON_VALUE(Priv, '$.authentication_string')), 0) > 7)"
    )
    assert open_ones == ""
    assert mariadb.execute("SHOW DATABASES LIKE 'test%'") == ""
    assert mariadb.execute("SELECT Db FROM mysql.db WHERE User = ''") == ""


def test_redis_does_nothing_for_who_has_no_password(redis_server: Redis) -> None:
    stranger = redis.Redis(host="127.0.0.1", port=redis_server.port)
    for command in ("PING", "KEYS *", "CONFIG GET requirepass"):
        with pytest.raises(redis.AuthenticationError):
            stranger.execute_command(command)


@pytest.mark.parametrize("user", ["guest", "tusd", "admin"])
def test_rabbitmq_has_no_user_whose_password_is_known(rabbitmq: RabbitMq, user: str) -> None:
    for password in ("", "guest", user):
        credentials = pika.PlainCredentials(user, password)
        parameters = pika.ConnectionParameters("127.0.0.1", rabbitmq.port, credentials=credentials)
        with pytest.raises(pika.exceptions.AMQPConnectionError):
            pika.BlockingConnection(parameters)


@pytest.fixture(params=["mariadb", "redis_server", "rabbitmq"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


def test_engines_listen_on_loopback_alone(engine: Engine) -> None:
    pids = [engine.pid, engine.epmd_pid] if isinstance(engine, RabbitMq) else [engine.pid]
    for pid in pids:
        found = addresses_that_listen(pid)
        assert found
        assert found <= LOOPBACK


def test_no_other_user_reads_what_an_engine_keeps(engine: Engine) -> None:
    assert engine.directory.stat().st_mode & 0o077 == 0
    secrets = [engine.directory / name for name in engine.program().files]
    cookie = engine.directory / ".erlang.cookie"
    if isinstance(engine, RabbitMq):
        assert cookie.stat().st_mode & 0o777 == 0o400
    for path in secrets:
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_no_secret_of_an_engine_stands_in_a_command_line_or_its_environment(
    engine: Engine,
) -> None:
    process = Path(f"/proc/{engine.pid}")
    seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert engine.password.encode() not in seen
