"""Faults on demand. A rule states which requests it matches and what happens to them.

``error``: an answer of that status and code, nothing is carried out. ``drop``: the connection is
closed without an answer, nothing is carried out. ``drop_after``: the request is carried out, then
the connection is closed without an answer: a lost reply. ``corrupt``: one bit of the body flips
before it arrives here, so digests in the answer are those of the flipped bytes (a Content-MD5
detects it). ``stall``: the request is carried out, and the answer waits until the rules are
cleared. ``truncate``: a GET ends half-way.
"""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from support.oss.requests import OssRequest

Effect = Literal["error", "drop", "drop_after", "corrupt", "stall", "truncate"]


@dataclass(frozen=True)
class Fault:
    """What happens to one request. ``status`` and ``code`` are those of an ``error``."""

    do: Effect
    status: int = 503
    code: str = "ServiceUnavailable"


#: A rule that a test defines: it takes operation and request and returns a fault or None.
Rule = Callable[[str, OssRequest], Fault | None]


@dataclass(frozen=True)
class MatchRule:
    """A rule by operation, by prefix of the key and by part; None matches any.

    The first ``skip`` of the matching requests pass, the next ``times`` (None: all) meet the fault.
    """

    do: Effect
    operation: str | None = None
    key: str | None = None
    part_number: int | None = None
    skip: int = 0
    times: int | None = 1
    status: int = 503
    code: str = "ServiceUnavailable"

    def __post_init__(self) -> None:
        if self.do not in get_args(Effect):
            raise ValueError(f"do is one of {get_args(Effect)}")

    def meets(self, operation: str, request: OssRequest) -> bool:
        """Return whether the rule is about this request."""
        return (
            self.operation in {None, operation}
            and request.key.startswith(self.key or "")
            and self.part_number in {None, request.part_number}
        )


class _Counted:
    """A ``Rule`` that applies a match rule and counts."""

    def __init__(self, rule: MatchRule) -> None:
        self.rule = rule
        self.met = 0
        self.struck = 0

    def __call__(self, operation: str, request: OssRequest) -> Fault | None:
        if not self.rule.meets(operation, request):
            return None
        self.met += 1
        turn = self.met - self.rule.skip
        if turn < 1 or (self.rule.times is not None and turn > self.rule.times):
            return None
        self.struck += 1
        return Fault(self.rule.do, self.rule.status, self.rule.code)

    def described(self) -> dict[str, Any]:
        return {**asdict(self.rule), "struck": self.struck}


class Faults:
    """The rules in force, and the requests that they hold."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rules: list[Rule] = []
        self._releases = 0

    def add(self, rule: MatchRule | Rule) -> None:
        """Put a rule in force."""
        with self._changed:
            self._rules.append(_Counted(rule) if isinstance(rule, MatchRule) else rule)

    def clear(self) -> None:
        """Drop all rules and release all requests that they hold."""
        with self._changed:
            self._rules.clear()
            self._releases += 1
            self._changed.notify_all()

    def described(self) -> list[dict[str, Any]]:
        """Return the match rules, each with ``struck``, the number of its faults."""
        with self._changed:
            return [rule.described() for rule in self._rules if isinstance(rule, _Counted)]

    def choose(self, operation: str, request: OssRequest) -> tuple[Fault | None, int]:
        """Return the fault of the first rule that has one, and the argument of ``hold``."""
        with self._changed:
            for rule in self._rules:
                if (fault := rule(operation, request)) is not None:
                    return fault, self._releases
            return None, self._releases

    def hold(self, release: int) -> None:
        """Wait until the rules that were in force at ``choose`` are cleared."""
        with self._changed:
            self._changed.wait_for(lambda: self._releases > release)
