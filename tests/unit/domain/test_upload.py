"""Tests what an upload takes from its metadata."""

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
