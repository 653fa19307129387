"""Checks run in parallel, independent of each other, none for ever."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

import pytest
from support.clock import FakeClock

from tusd_py.doctor import run
from tusd_py.doctor.findings import CheckSkipped, Finding, Level, ok
from tusd_py.doctor.run import Check, run_checks


def fine() -> list[Finding]:
    return [ok("fine", "All is well.")]


def test_a_check_that_crashes_is_a_problem_and_the_others_go_on() -> None:
    def crash() -> list[Finding]:
        raise ZeroDivisionError("/secret/path")

    crashed, after = run_checks([Check("crash", crash), Check("fine", fine)])
    assert (crashed.check, crashed.level) == ("crash", Level.PROBLEM)
    assert "ZeroDivisionError" in crashed.sentence
    assert "/secret/path" not in crashed.sentence + crashed.remedy
    assert after == fine()[0]


Findings = Future[list[Finding]]


class DeadlineBehind(FakeClock):
    """Passes every deadline once the last of the checks that were begun has ended."""

    def __init__(self, begun: list[Findings]) -> None:
        super().__init__()
        self._begun = begun

    def monotonic(self) -> float:
        if self._begun:
            wait(self._begun[-1:], 60)
            self.advance(3600)
        return super().monotonic()


def test_a_check_that_hangs_is_given_up_and_the_others_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = threading.Event()
    begun: list[Findings] = []
    run_detached = run.run_detached

    def noted(work: Callable[[], list[Finding]]) -> Findings:
        begun.append(run_detached(work))
        return begun[-1]

    monkeypatch.setattr(run, "run_detached", noted)

    def hang() -> list[Finding]:
        never.wait()
        return []

    checks = [Check("hang", hang), Check("fine", fine)]
    hung, after = run_checks(checks, clock=DeadlineBehind(begun))
    never.set()
    assert (hung.check, hung.level) == ("hang", Level.PROBLEM)
    assert after == fine()[0]


def test_what_could_not_be_looked_at_is_a_note() -> None:
    def blind() -> list[Finding]:
        raise CheckSkipped("It was dark.", "Bring a lamp.")

    (found,) = run_checks([Check("blind", blind)])
    assert found == Finding("blind", Level.NOTE, "It was dark.", "Bring a lamp.")


def test_checks_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)

    def meet() -> list[Finding]:
        meeting.wait()
        return fine()

    found = list(run_checks([Check("one", meet), Check("other", meet)]))
    assert [one.level for one in found] == [Level.OK, Level.OK]
