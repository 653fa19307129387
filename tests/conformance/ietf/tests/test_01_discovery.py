"""OPTIONS: what a client learns before it sends anything (section 4.1.4)."""

import pytest
from tusprobe import require

from draftprobe import Draft, Peer, upload_limit

SIZES = {"max-size": 1, "max-append-size": 1, "min-size": -1, "min-append-size": -1}
"""Whether the larger value of a limit is the less restrictive one."""


@pytest.mark.must
@pytest.mark.versions(since=6)
def test_i001_options_announces_limits(draft: Draft) -> None:
    """MUST have Upload-Limit; ``min-size=0`` where there is no limit."""
    response = draft.options()
    assert response.status // 100 == 2
    assert upload_limit(response), response


@pytest.mark.must
@pytest.mark.versions(since=6)
def test_i002_limits_are_integers(draft: Draft) -> None:
    """The value is a Dictionary (RFC 9651, 3.2); the known keys have Integers of 0 and more."""
    created = draft.post(complete=False, length=10)
    answers = [draft.options(), created, draft.upload_of(created).head()]
    assert all(upload_limit(answer) or not answer.get("Upload-Limit") for answer in answers)


@pytest.mark.should
@pytest.mark.versions(since=6)
def test_i003_options_is_not_less_restrictive_than_a_creation(draft: Draft) -> None:
    """SHOULD NOT promise more than an upload may be."""
    general = upload_limit(draft.options())
    actual = upload_limit(draft.post(complete=False))
    for name, sign in SIZES.items():
        if name in actual:
            assert name in general
            assert general[name] * sign <= actual[name] * sign


@pytest.mark.best
def test_i004_options_without_the_draft_names_tus_too(peer: Peer) -> None:
    """A client of tus 1.0 sends no field at all with OPTIONS."""
    response = peer.discovery
    require(
        any(name.lower().startswith("tus-") for name, _ in response.headers),
        "the server does not speak tus",
    )
    assert "1.0.0" in (response.get("Tus-Version") or "").split(",")
    assert "creation" in (response.get("Tus-Extension") or "").split(",")
