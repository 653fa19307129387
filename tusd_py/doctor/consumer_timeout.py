"""RabbitMQ's consumer time-out, which AMQP does not tell.

Our workers acknowledge as soon as a job is claimed, so that it matters only when it is so short that
a worker's pause between the two ends its channel.
"""

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from tusd_py.doctor.findings import Finding, note, ok, problem

CHECK: Final = "rabbitmq.consumer_timeout"
SHORT_MILLISECONDS: Final = 60_000
QUERY_SECONDS: Final = 30.0
EXPRESSION: Final = "{rabbit_nodes:cluster_name(), application:get_env(rabbit, consumer_timeout)}."
_ANSWER: Final = re.compile(r'\{<<"([^"]*)">>,\s*(?:\{ok,(\w+)\}|undefined)\}')


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerTimeout:
    """What ``rabbitmqctl`` told of the broker that it speaks to."""

    cluster: str
    milliseconds: int | None
    """None: there is none."""


def query_rabbitmqctl(command: str | None, *, local: bool) -> ConsumerTimeout | None:
    """Ask; None when it does not work here.

    Args: command: words separated by spaces as in a shell; None: ``rabbitmqctl``, if it is installed
        and the broker is ``local``.
    """
    if command is None:
        if not local or shutil.which("rabbitmqctl") is None:
            return None
        command = "rabbitmqctl"
    try:
        done = subprocess.run(
            [*shlex.split(command), "-q", "eval", EXPRESSION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=QUERY_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return parse_answer(done.stdout) if done.returncode == 0 else None


def parse_answer(text: str) -> ConsumerTimeout | None:
    """The Erlang term that ``EXPRESSION`` is; None: something else."""
    found = _ANSWER.search(text)
    if found is None:
        return None
    value = found[2] or ""
    return ConsumerTimeout(cluster=found[1], milliseconds=int(value) if value.isdecimal() else None)


def judge_consumer_timeout(told: ConsumerTimeout | None, *, cluster: str) -> Finding:
    """The finding. Args: cluster: the name of the one that the settings lead to."""
    if told is None or told.cluster != cluster:
        return note(
            CHECK,
            "It can't be seen over AMQP. Workers acknowledge at once, so only one below 60 s does "
            "harm.",
            "Give --rabbitmqctl a command that reaches the broker, such as 'kubectl exec mq-0 -- "
            "rabbitmqctl'.",
        )
    if told.milliseconds is None or told.milliseconds == 0:
        return ok(CHECK, "There is none.")
    seconds = told.milliseconds / 1000
    if told.milliseconds < SHORT_MILLISECONDS:
        return problem(
            CHECK,
            f"It is {seconds:g} s: a worker that pauses between taking a job and claiming it loses "
            "its channel, and the job goes round.",
            "Set consumer_timeout = 1800000 (milliseconds, RabbitMQ's default) in rabbitmq.conf.",
        )
    return ok(CHECK, f"It is {seconds:g} s; workers acknowledge at once.")
