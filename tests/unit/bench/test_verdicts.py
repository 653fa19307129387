"""Two servers are compared by ratios of rounds, and a word says what their interval allows."""

import pytest
from bench.verdicts import Ratio, Verdict, ratio


def test_the_figure_is_the_median_of_the_ratios_of_rounds() -> None:
    # The third round was slow for both: a ratio of medians would compare different rounds.
    found = ratio([1.0, 1.1, 4.0, 1.2, 1.05], [2.0, 2.0, 8.0, 2.0, 2.1])
    assert found == Ratio(pytest.approx(0.5), pytest.approx(0.5), pytest.approx(0.6), 5)


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        ([0.5, 0.6, 0.7, 0.8, 0.9], Verdict.BETTER),
        ([1.1, 1.2, 1.3, 1.4, 1.5], Verdict.WORSE),
        ([0.5, 0.6, 0.7, 0.8, 1.1], Verdict.NOISE),
        ([0.5, 0.6, 0.7, 0.8], Verdict.TOO_FEW),
    ],
)
def test_all_of_five_rounds_decide_for_a_verdict(figures: list[float], verdict: Verdict) -> None:
    found = ratio(figures, [1.0] * len(figures))
    assert found is not None
    assert found.verdict(less_is_better=True) is verdict


@pytest.mark.parametrize(("faster", "verdict"), [(2.0, Verdict.BETTER), (0.5, Verdict.WORSE)])
def test_more_is_better_of_a_rate(faster: float, verdict: Verdict) -> None:
    found = ratio([faster] * 5, [1.0] * 5)
    assert found is not None
    assert found.verdict(less_is_better=False) is verdict


@pytest.mark.parametrize(("rounds", "left_out"), [(5, 0), (7, 0), (8, 0), (9, 1), (12, 2), (20, 5)])
def test_the_interval_has_the_true_median_93_times_of_100(rounds: int, left_out: int) -> None:
    figures = [float(number) for number in range(1, rounds + 1)]
    found = ratio(figures, [1.0] * rounds)
    assert found is not None
    assert (found.least, found.most) == (1 + left_out, rounds - left_out)


def test_of_an_even_number_of_rounds_either_server_may_be_the_baseline() -> None:
    one, other = ratio([1.0, 4.0], [2.0, 2.0]), ratio([2.0, 2.0], [1.0, 4.0])
    assert one is not None
    assert other is not None
    assert one.median == pytest.approx(1 / other.median)


@pytest.mark.parametrize("figures", [[], [1.0, 0.0]])
def test_what_failed_is_compared_with_nothing(figures: list[float]) -> None:
    assert ratio(figures, [1.0] * len(figures)) is None
