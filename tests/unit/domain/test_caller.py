"""Tests what the holder of a token for one upload may do."""

import pytest

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create, Discover, Inspect
from tusd_py.domain.errors import (
    LengthConflict,
    LengthExceeded,
    UploadNotFound,
    UploadTokenOnly,
)
from tusd_py.domain.ids import UploadId, UserId

ONE, OTHER = UploadId("1" * 32), UploadId("2" * 32)

HOLDER = Caller(UserId(7), upload_id=ONE, length=10)


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (Create(length=1), UploadTokenOnly),
        (Inspect(upload_id=OTHER), UploadNotFound),
        (Append(upload_id=ONE, offset=0, declared_length=11), LengthConflict),
        (Append(upload_id=ONE, offset=8, body_length=3), LengthExceeded),
    ],
)
def test_an_upload_token_permits_nothing_beyond_its_upload(
    command: Create, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        HOLDER.check_command(command)
    Caller(UserId(7)).check_command(command)


@pytest.mark.parametrize(
    "command",
    [
        Discover(),
        Inspect(upload_id=ONE),
        Append(upload_id=ONE, offset=0, declared_length=10, body_length=10),
        Append(upload_id=ONE, offset=0),
    ],
)
def test_an_upload_token_permits_everything_within_its_upload(command: Inspect) -> None:
    HOLDER.check_command(command)
