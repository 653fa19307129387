"""Check the broker: whether it can be used, the queues are ours, and it has no alarm."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import (
    AMQPConnectionError,
    ChannelClosedByBroker,
    ConnectionBlockedTimeout,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    UnroutableError,
)

from tusd_py.doctor.consumer_timeout import judge_consumer_timeout, query_rabbitmqctl
from tusd_py.doctor.findings import Finding, note, ok, problem
from tusd_py.jobs.queue.rabbitmq_topology import (
    DEAD_LETTER_EXCHANGE,
    DEAD_LETTER_QUEUE,
    QUEUE,
    declare,
)
from tusd_py.settings.model import Settings

PREFIX: Final = "tusd-doctor-"
OLDEST: Final = (3, 10)
"""The first version with at-least-once dead-lettering."""
CONNECT_SECONDS: Final = 3.0
BLOCKED_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 5.0

Topology = Literal["ours", "absent", "different", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFacts:
    """Facts about a broker that accepted our credentials."""

    product: str
    version: str
    cluster: str
    """The name of its cluster, as ``rabbitmqctl`` also reports it."""
    topology: Topology
    missing: Sequence[str]
    """Rights that were tried on a queue of the doctor, and refused."""
    blocked: bool
    """Whether it is short of memory or disk and accepts no messages."""


def check_rabbitmq(settings: Settings, rabbitmqctl: str | None) -> list[Finding]:
    """Read the facts and return the findings.

    The only queue that is made is exclusive and ends with the connection.
    Args: rabbitmqctl: the command for what AMQP does not report, words separated by spaces; None:
        the program of this machine, if the broker is here too.
    """
    parameters: Any = pika.URLParameters(settings.rabbitmq.url())
    parameters.socket_timeout = CONNECT_SECONDS
    parameters.stack_timeout = 2 * CONNECT_SECONDS
    parameters.blocked_connection_timeout = BLOCKED_SECONDS
    try:
        connection = BlockingConnection(parameters)
    except (AMQPConnectionError, AMQPConnectorException, OSError) as error:
        return [judge_failure(error)]
    with _closing(connection):
        facts = _read_facts(connection)
    local = settings.rabbitmq.host in ("localhost", "127.0.0.1", "::1")
    timeout = query_rabbitmqctl(rabbitmqctl, local=local)
    return [
        *judge_broker(facts, user=settings.rabbitmq.user, vhost=settings.rabbitmq.vhost),
        judge_consumer_timeout(timeout, cluster=facts.cluster),
    ]


@contextmanager
def _closing(connection: BlockingConnection) -> Iterator[None]:
    try:
        yield
    finally:
        # A broker with an alarm may have closed it already.
        with suppress(AMQPConnectionError):
            connection.close()


def judge_failure(error: Exception) -> Finding:
    """Return why there is no connection."""
    if isinstance(error, ProbableAuthenticationError):
        return problem(
            "rabbitmq.reachable",
            "The login was refused.",
            "Set rabbitmq.user and rabbitmq.password; guest may log in from the broker's machine "
            "only.",
        )
    if isinstance(error, ProbableAccessDeniedError):
        return problem(
            "rabbitmq.reachable",
            "The virtual host does not exist, or the user may not use it.",
            "rabbitmqctl add_vhost VHOST; rabbitmqctl set_permissions -p VHOST USER '.*' '.*' '.*'",
        )
    return problem(
        "rabbitmq.reachable",
        "The broker can't be reached.",
        "Start it, and look at rabbitmq.host, rabbitmq.port and the firewall.",
    )


def _read_facts(connection: BlockingConnection) -> BrokerFacts:
    properties = _server_properties(connection)
    topology = _topology(connection)
    missing, blocked = _missing_rights(connection)
    return BrokerFacts(
        product=properties.get("product", ""),
        version=properties.get("version", ""),
        cluster=properties.get("cluster_name", ""),
        topology=topology,
        missing=missing,
        blocked=blocked,
    )


def _server_properties(connection: Any) -> dict[str, str]:  # noqa: ANN401
    """Return the server properties of the connection; pika keeps them in its inner one."""
    found: dict[Any, Any] = connection._impl.server_properties
    return {_text(name): _text(value) for name, value in found.items()}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _topology(connection: BlockingConnection) -> Topology:
    """Return whether our topology exists.

    It is declared only if it exists, which changes nothing.
    """
    for request in (
        lambda channel: channel.exchange_declare(DEAD_LETTER_EXCHANGE, passive=True),
        lambda channel: channel.queue_declare(DEAD_LETTER_QUEUE, passive=True),
        lambda channel: channel.queue_declare(QUEUE, passive=True),
    ):
        refusal = _refusal(connection, request)
        if refusal == 404:
            break
    else:
        refusal = _refusal(connection, declare)
    # 406: other arguments; 405: an exclusive queue of another connection.
    kinds: dict[int, Topology] = {0: "ours", 404: "absent", 403: "refused"}
    return kinds.get(refusal, "different")


def _refusal(connection: BlockingConnection, request: Callable[[BlockingChannel], object]) -> int:
    """Return the code with which the broker closed the channel; 0 if it did not."""
    channel = connection.channel()
    try:
        request(channel)
    except ChannelClosedByBroker as error:
        return error.reply_code
    channel.close()
    return 0


def _missing_rights(connection: BlockingConnection) -> tuple[list[str], bool]:
    """Return the rights that were refused, and whether publishing is blocked."""
    name = f"{PREFIX}{secrets.token_hex(8)}"
    if _refusal(connection, lambda channel: channel.queue_declare(name, exclusive=True)):
        return ["configure"], False
    try:
        writes = not _refusal(connection, lambda channel: _publish(channel, name))
    except ConnectionBlockedTimeout:
        return [], True
    reads = not _refusal(connection, lambda channel: channel.basic_get(name, auto_ack=True))
    named = {"write": writes, "read": reads}
    return [right for right, has in named.items() if not has], False


def _publish(channel: BlockingChannel, queue: str) -> None:
    channel.confirm_delivery()
    with suppress(UnroutableError):
        channel.basic_publish("", queue, b"tusd-doctor", mandatory=True)


def judge_broker(facts: BrokerFacts, *, user: str, vhost: str) -> list[Finding]:
    """Return the findings."""
    return [
        _version(facts),
        *_rights(facts, user or "guest", vhost),
        _judge_topology(facts.topology),
        *_alarm(blocked=facts.blocked),
    ]


def _version(facts: BrokerFacts) -> Finding:
    if facts.product != "RabbitMQ":
        return note(
            "rabbitmq.version",
            "It speaks AMQP and is not RabbitMQ; it was never tried.",
            "Use RabbitMQ 3.10 or newer.",
        )
    number = tuple(int(part) for part in facts.version.split(".")[:2] if part.isdecimal())
    if number < OLDEST:
        return problem(
            "rabbitmq.version",
            f"RabbitMQ {facts.version} can't keep dead letters safely between two queues.",
            "Use RabbitMQ 3.10 or newer.",
        )
    return ok("rabbitmq.version", f"RabbitMQ {facts.version}.")


def _rights(facts: BrokerFacts, user: str, vhost: str) -> list[Finding]:
    if facts.blocked:
        return []
    if not facts.missing:
        return [ok("rabbitmq.rights", "The user may declare, publish and consume.")]
    if facts.missing == ["configure"] and facts.topology == "ours":
        return [
            note(
                "rabbitmq.rights",
                f"The user may not make a queue of another name ({PREFIX}…), so publishing and "
                "consuming were not tried.",
                "Nothing to do; what the queues need to be declared, it has.",
            )
        ]
    return [
        problem(
            "rabbitmq.rights",
            f"The user lacks {' and '.join(facts.missing)}.",
            f"rabbitmqctl set_permissions -p {vhost} {user} '.*' '.*' '.*'",
        )
    ]


def _judge_topology(topology: Topology) -> Finding:
    if topology == "ours":
        return ok("rabbitmq.queues", f"{QUEUE} and its dead letters are as we declare them.")
    if topology == "absent":
        return note(
            "rabbitmq.queues",
            f"{QUEUE} or its dead letters are not there.",
            "Nothing to do: the first process that starts declares them.",
        )
    if topology == "refused":
        return problem(
            "rabbitmq.queues",
            f"The user may not declare {QUEUE} and its dead letters.",
            "Give it the permissions configure, write and read on file_upload_.*",
        )
    return problem(
        "rabbitmq.queues",
        f"{QUEUE}, {DEAD_LETTER_QUEUE} or {DEAD_LETTER_EXCHANGE} was declared with other "
        "arguments: neither servers nor workers can use it.",
        "Empty it and delete it (rabbitmqctl delete_queue); workers find the waiting jobs in the "
        "catalog.",
    )


def _alarm(*, blocked: bool) -> list[Finding]:
    if not blocked:
        return []
    return [
        problem(
            "rabbitmq.alarm",
            "The broker takes no messages: it is short of memory or disk.",
            "rabbitmq-diagnostics alarms shows which; give it more, or lower the thresholds.",
        )
    ]
