"""Tests the event of a hook as a value, and in the two formats."""

from typing import Any

import pytest

from tusd_py.catalog.values import HistoryRow, Outcome, PendingEvent
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.upload import Upload, UploadKind
from tusd_py.hooks.payload import HookNotification, notification_of, own_format, tusd_format

TASK = UploadId("0" * 32)
OUTCOME = Outcome(
    history=HistoryRow(
        task_id=TASK, user_id=UserId(1), filename="a", file_hash="b" * 64, file_size=3,
        status="failed", error_msg="broken", oss_path="https://o/x", repository_identity="r",
        duration=1, created_at=1.0, completed_at=2.0,
    ),
    fence=1, error_code="corrupt",
)  # fmt: skip


def upload(length: int | None = 3, **values: Any) -> Upload:
    return Upload(id=TASK, user_id=UserId(1), length=length, created_at=1.0, **values)


def event(kind: HookEvent, of: Upload | None = None) -> HookNotification:
    return notification_of(
        PendingEvent(
            id="1", event=kind, at=2.0, failures=0, upload=of or upload(), outcome=OUTCOME
        )
    )  # fmt: skip


@pytest.mark.parametrize("kind", HookEvent)
def test_only_an_end_has_an_outcome(kind: HookEvent) -> None:
    found = event(kind)
    ended = kind in (HookEvent.POST_COMPLETE, HookEvent.POST_FAIL)
    assert (found.status, found.error_code) == (("failed", "corrupt") if ended else ("", ""))
    data = own_format(found)["data"]
    assert ("oss_path" in data) is (kind is HookEvent.POST_COMPLETE)
    assert ("error" in data) is (kind is HookEvent.POST_FAIL)


def test_metadata_is_text_whatever_was_sent() -> None:
    found = own_format(event(HookEvent.POST_CREATE, upload(metadata={"a": b"\xff", "b": b""})))
    assert found["data"]["metadata"] == {"a": "\ufffd", "b": ""}
    assert found["timestamp"] == "1970-01-01T00:00:02Z"


@pytest.mark.parametrize(
    ("kind", "length", "name", "offset"),
    [
        (HookEvent.PRE_CREATE, 3, "", 0),
        (HookEvent.POST_CREATE, 3, TASK, 0),
        (HookEvent.POST_CREATE, None, TASK, 0),
        (HookEvent.POST_FINISH, 3, TASK, 3),
        (HookEvent.POST_COMPLETE, 3, TASK, 3),
    ],
)
def test_the_format_of_tusd_has_its_members(
    kind: HookEvent, length: int | None, name: str, offset: int
) -> None:
    found = tusd_format(event(kind, upload(length)))
    assert found["Type"] == kind.value
    members = found["Event"]["Upload"]
    assert (members["ID"], members["Offset"]) == (name, offset)
    assert (members["Size"], members["SizeIsDeferred"]) == (length or 0, length is None)


def test_the_parts_of_a_final_upload_are_named_as_tusd_does() -> None:
    final = upload(kind=UploadKind.FINAL, parts=(TASK,))
    members = tusd_format(event(HookEvent.POST_FINISH, final))["Event"]["Upload"]
    assert (members["IsFinal"], members["IsPartial"]) == (True, False)
    assert members["PartialUploads"] == [TASK]
    members = tusd_format(event(HookEvent.POST_FINISH))["Event"]["Upload"]
    assert members["PartialUploads"] is None
