"""Check the consumer timeout of RabbitMQ, which AMQP does not report.

Our workers acknowledge a message when its job is claimed. So the timeout matters only if it is
shorter than the time between the two.
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
    """What ``rabbitmqctl`` reported about its broker."""

    cluster: str
    milliseconds: int | None
    """None: there is no timeout."""


def query_rabbitmqctl(command: str | None, *, local: bool) -> ConsumerTimeout | None:
    """Return the timeout; None if ``rabbitmqctl`` does not work here.

    Args: command: words separated by spaces as in a shell; None: ``rabbitmqctl``, if it is
        installed and the broker is ``local``.
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
    """Parse the Erlang term that ``EXPRESSION`` prints; None if it is something else."""
    found = _ANSWER.search(text)
    if found is None:
        return None
    value = found[2] or ""
    return ConsumerTimeout(cluster=found[1], milliseconds=int(value) if value.isdecimal() else None)


def judge_consumer_timeout(found: ConsumerTimeout | None, *, cluster: str) -> Finding:
    """Return the finding. Args: cluster: the name of the cluster to which the settings lead."""
    if found is None or found.cluster != cluster:
        return note(
            CHECK,
            "It can't be seen over AMQP. Workers acknowledge at once, so only one below 60 s does "
            "harm.",
            "Give --rabbitmqctl a command that reaches the broker, such as 'kubectl exec mq-0 -- "
            "rabbitmqctl'.",
        )
    if found.milliseconds is None or found.milliseconds == 0:
        return ok(CHECK, "There is none.")
    seconds = found.milliseconds / 1000
    if found.milliseconds < SHORT_MILLISECONDS:
        return problem(
            CHECK,
            f"It is {seconds:g} s: a worker that pauses between taking a job and claiming it loses "
            "its channel, and the job goes round.",
            "Set consumer_timeout = 1800000 (milliseconds, RabbitMQ's default) in rabbitmq.conf.",
        )
    return ok(CHECK, f"It is {seconds:g} s; workers acknowledge at once.")
