"""Tests what an upload takes from its metadata."""

from dataclasses import replace

import pytest

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.upload import InstantPatch, Upload


def upload(length: int | None = 3, **metadata: bytes) -> Upload:
    return Upload(
        id=UploadId("0" * 32), user_id=UserId(1), length=length, metadata=metadata, created_at=0.0
    )


@pytest.mark.parametrize(
    ("metadata", "filename"),
    [
        ({}, ""),
        ({"name": b"b"}, "b"),
        ({"filename": b"a", "name": b"b"}, "a"),
        ({"filename": b"", "name": b"b"}, "b"),
        ({"filename": "视频".encode()}, "视频"),
        ({"filename": b"\xff.bin"}, "\ufffd.bin"),
    ],
)
def test_a_name_is_a_text_of_either_key(metadata: dict[str, bytes], filename: str) -> None:
    assert upload(**metadata).filename == filename
    types = {key.replace("name", "type"): value for key, value in metadata.items()}
    assert upload(**types).filetype == filename


def test_a_client_chooses_how_an_instant_upload_is_answered() -> None:
    for choice in InstantPatch:
        chosen = upload(instant=choice.value.encode())
        assert chosen.instant_patch(InstantPatch.REFUSE) is choice
    for other in (b"", b"Jump", b"jump ", b"\xff"):
        assert upload(instant=other).instant_patch(InstantPatch.COUNT) is InstantPatch.COUNT
    assert upload().instant_patch(InstantPatch.JUMP) is InstantPatch.JUMP


def test_a_deferred_length_is_no_size() -> None:
    assert upload(0).size == 0
    with pytest.raises(ValueError, match="deferred"):
        _ = upload(None).size


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, None),
        ({"mtime": b"1500000000"}, 1_500_000_000.0),
        ({"mtime": b"1500000000.25"}, 1_500_000_000.25),
        ({"lastModified": b"1500000000250"}, 1_500_000_000.25),
        ({"mtime": b"1500000000", "lastModified": b"1"}, 1_500_000_000.0),
        ({"mtime": b"", "lastModified": b"1000"}, 1.0),
        ({"mtime": b"0"}, 0.0),
        ({"mtime": b"-1"}, None),
        ({"mtime": b"1e9"}, None),
        ({"mtime": b"nan"}, None),
        ({"mtime": "１".encode()}, None),
        ({"mtime": b"2017-07-14T02:40:00Z"}, None),
        ({"mtime": b"9" * 15}, 1_600_000_000.0),
        ({"mtime": b"9" * 5000}, None),
    ],
)
def test_the_time_of_the_last_change_is_the_clients(
    metadata: dict[str, bytes], expected: float | None
) -> None:
    sent = replace(upload(**metadata), created_at=1_600_000_000.0)
    assert sent.modified_at == expected
