"""DELETE: an upload that its client gives up (section 4.5)."""

import time

import pytest

from draftprobe import PROMPT_S, Draft, Upload, is_ended

DATA = bytes(1 << 20)
PART = 64 << 10


@pytest.mark.should
def test_i070_a_cancelled_upload_is_gone(upload: Upload) -> None:
    assert upload.delete().status // 100 == 2
    assert upload.is_gone()


@pytest.mark.must
def test_i071_only_what_exists_can_be_cancelled(draft: Draft, upload: Upload) -> None:
    never_was = Upload(draft, draft.peer.resolve("no-such-upload"))
    assert never_was.delete().status // 100 == 4
    assert upload.delete().status // 100 == 2
    assert upload.delete().status // 100 == 4


@pytest.mark.should
def test_i072_a_running_append_is_ended(draft: Draft) -> None:
    """SHOULD NOT wait for a client that may have gone."""
    upload = draft.create(len(DATA))
    with upload.begin_patch(0, len(DATA), DATA[:PART]) as running:
        began = time.monotonic()
        assert upload.delete().status // 100 == 2
        assert time.monotonic() - began < PROMPT_S
        assert is_ended(running, PROMPT_S)
    assert upload.is_gone()


@pytest.mark.best
def test_i073_a_cancellation_needs_no_version(upload: Upload) -> None:
    """A client of the RFC sends none."""
    assert upload.peer.request("DELETE", upload.url).status // 100 == 2
    assert upload.is_gone()
