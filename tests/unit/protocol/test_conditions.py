"""Tests the conditions of requests: the table of fields, values and states (RFC 9110, 13)."""

from itertools import product

import pytest

from tusd_py.domain.commands import Conditions
from tusd_py.protocol.conditions import Verdict, allows_range, conditions_of, evaluate
from tusd_py.protocol.fields import Fields

TAG = '"abc"'
DATE = "Sat, 28 Nov 2026 12:00:00 GMT"
DATE_SECONDS = 1795867200.0
BEFORE, AFTER = "Sat, 28 Nov 2026 11:59:59 GMT", "Sat, 28 Nov 2026 12:00:01 GMT"
STRONG = ['"abc"', '"x", "abc"', '"x","abc"', ', ,"abc",', '"x,y", "abc"', 'W/"abc", "abc"']
WEAK = ['W/"abc"', '"x" ,\t W/"abc" , "y"']
OTHER = [
    "", ",", '"x"', 'W/"x"', '"x, "abc""', 'x"abc"', '"abc', "abc", 'w/"abc"', '"ab", "c"', '"W/abc"', '* , "abc',
    '"abc" x', '"x"abc", "abc"', '"abc" "abc"', "*, *",
]  # fmt: skip


@pytest.mark.parametrize("text", ["*", *STRONG, *WEAK])
def test_if_none_match_names_the_content_by_weak_comparison(text: str) -> None:
    conditions = Conditions(if_none_match=text)
    assert evaluate(conditions, TAG) is Verdict.NOT_MODIFIED
    assert evaluate(conditions, TAG, reads=False) is Verdict.FAILED
    # Without a content there is nothing that could be named.
    for reads in (True, False):
        assert evaluate(conditions, None, reads=reads) is Verdict.PERFORM


@pytest.mark.parametrize("text", [None, *OTHER])
def test_if_none_match_with_another_or_a_malformed_list_is_true(text: str | None) -> None:
    for reads in (True, False):
        assert evaluate(Conditions(if_none_match=text), TAG, reads=reads) is Verdict.PERFORM


@pytest.mark.parametrize("reads", [True, False])
def test_if_match_names_the_content_by_strong_comparison(reads: bool) -> None:
    for text in (None, "*", *STRONG):
        assert evaluate(Conditions(if_match=text), TAG, reads=reads) is Verdict.PERFORM, text
    for text in (*WEAK, *OTHER):
        assert evaluate(Conditions(if_match=text), TAG, reads=reads) is Verdict.FAILED, text
    for text in ("*", *STRONG, *WEAK, *OTHER):
        assert evaluate(Conditions(if_match=text), None, reads=reads) is Verdict.FAILED, text


@pytest.mark.parametrize(
    ("date", "since", "until"),
    [
        (BEFORE, Verdict.PERFORM, Verdict.FAILED),
        (DATE, Verdict.NOT_MODIFIED, Verdict.PERFORM),
        (AFTER, Verdict.NOT_MODIFIED, Verdict.PERFORM),
        ("Saturday, 28-Nov-26 12:00:00 GMT", Verdict.NOT_MODIFIED, Verdict.PERFORM),
        ("Sat Nov 28 12:00:00 2026", Verdict.NOT_MODIFIED, Verdict.PERFORM),
        ("2026-11-28T12:00:00Z", Verdict.PERFORM, Verdict.PERFORM),
        (f"{DATE}, {DATE}", Verdict.PERFORM, Verdict.PERFORM),
        ("1795867200", Verdict.PERFORM, Verdict.PERFORM),
        ("Sat, 28 Nov 99999 12:00:00 GMT", Verdict.PERFORM, Verdict.PERFORM),
        ("", Verdict.PERFORM, Verdict.PERFORM),
    ],
)
def test_dates_count_where_the_content_has_one(date: str, since: Verdict, until: Verdict) -> None:
    assert evaluate(Conditions(if_modified_since=date), TAG, DATE_SECONDS) is since
    assert evaluate(Conditions(if_unmodified_since=date), TAG, DATE_SECONDS) is until
    # If-Modified-Since is for GET and HEAD only.
    changes = {"reads": False}
    assert (
        evaluate(Conditions(if_modified_since=date), TAG, DATE_SECONDS, **changes)
        is Verdict.PERFORM
    )
    assert evaluate(Conditions(if_unmodified_since=date), TAG, DATE_SECONDS, **changes) is until
    for conditions in (Conditions(if_modified_since=date), Conditions(if_unmodified_since=date)):
        assert evaluate(conditions, TAG, None) is Verdict.PERFORM


@pytest.mark.parametrize(("first", "second"), list(product([TAG, '"x"'], repeat=2)))
def test_tags_go_before_dates_and_if_match_before_if_none_match(first: str, second: str) -> None:
    both = evaluate(Conditions(if_match=first, if_none_match=second), TAG)
    dates = evaluate(
        Conditions(
            if_match=first,
            if_unmodified_since=BEFORE,
            if_none_match=second,
            if_modified_since=AFTER,
        ),
        TAG,
        DATE_SECONDS,
    )
    expected = Verdict.NOT_MODIFIED if second == TAG else Verdict.PERFORM
    assert both is dates is (expected if first == TAG else Verdict.FAILED)


def test_a_long_list_is_compared_quickly() -> None:
    for text in (" " * 60_000 + "x", "," * 60_000 + "x", '"x",' * 15_000 + "x", '"' * 60_000):
        assert evaluate(Conditions(if_none_match=text), TAG) is Verdict.PERFORM


def test_repeated_fields_are_one_list() -> None:
    raw = [(b"If-None-Match", b'"x"'), (b"if-none-match", TAG.encode()), (b"If-Match", b"*")]
    expected = Conditions(if_none_match=f'"x", {TAG}', if_match="*")
    assert conditions_of(Fields(raw)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, True),
        ('"abc"', True),
        ('W/"abc"', False),
        ('"x"', False),
        ('"abc", "abc"', False),
        ("*", False),
        (DATE, False),
        ("", False),
    ],
)
def test_a_range_is_sent_of_the_content_that_if_range_names(
    text: str | None, expected: bool
) -> None:
    assert allows_range(text, TAG) is expected
