"""Tests final uploads on real adapters, without a server."""

from pathlib import Path
from typing import Any

import blake3
import pytest
from support.ids import OTHER
from support.tus import metadata
from support.uploads import UploadsInProcess

from tusd_py.domain.errors import (
    FinalUploadImmutable,
    InvalidConcatenation,
    MaxSizeExceeded,
    TypeMismatch,
)
from tusd_py.domain.upload import UploadKind, UploadState


def test_parts_of_others_can_not_be_concatenated(client: UploadsInProcess) -> None:
    theirs = client.upload(b"secret", OTHER, kind=UploadKind.PARTIAL)
    with pytest.raises(InvalidConcatenation):
        client.create(None, kind=UploadKind.FINAL, parts=(theirs,), concat_header="final;x")


def test_a_final_upload_waits_for_its_parts_and_is_finished_with_the_last(
    client: UploadsInProcess,
) -> None:
    parts = [client.create(5, kind=UploadKind.PARTIAL), client.create(6, kind=UploadKind.PARTIAL)]
    final = client.create(None, kind=UploadKind.FINAL, parts=(parts[1], parts[0]))
    found = client.head(final)
    assert (found.offset, found.upload.length) == (None, 11)
    with pytest.raises(FinalUploadImmutable):
        client.append(final, 0, b"x")
    client.append(parts[0], 0, b"first")
    client.append(parts[1], 0, b"second")
    assert client.head(final).offset == 11
    job = client.job(final)
    assert job.file_hash == blake3.blake3(b"secondfirst").hexdigest()
    assert [client.ports.catalog.jobs.get(part) for part in parts] == [None, None]


def test_parts_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    with UploadsInProcess(tmp_path, max_size=10) as client:
        part = client.upload(b"sixsix", kind=UploadKind.PARTIAL)
        with pytest.raises(MaxSizeExceeded):
            client.create(None, kind=UploadKind.FINAL, parts=(part, part))


def test_a_part_is_not_judged_by_what_it_begins_with_but_its_whole_is(tmp_path: Path) -> None:
    """A part may begin anywhere: in a tar with a text, in a film with a picture."""
    named: dict[str, Any] = {
        "metadata_header": metadata(filename="a.tar"),
        "metadata": {"filename": b"a.tar"},
    }
    text = b"a line of a text\n" * 8_000
    with UploadsInProcess(tmp_path, allowed_extensions=("tar",)) as client:
        part = client.upload(text, kind=UploadKind.PARTIAL, **named)
        assert client.state(part) is UploadState.FINISHED
        with pytest.raises(TypeMismatch):
            client.create(None, kind=UploadKind.FINAL, parts=(part,), **named)
