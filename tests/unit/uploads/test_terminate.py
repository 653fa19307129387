"""Tests the removal of uploads."""

import pytest
from support.uploads import UploadsInProcess, stored_file

from tusd_py.domain.errors import (
    UploadTerminated,
)
from tusd_py.domain.job import JobState


def test_deleting_a_finished_upload_cancels_its_job(client: UploadsInProcess) -> None:
    upload_id = client.upload(b"job")
    client.delete(upload_id)
    job = client.job(upload_id)
    assert job.state is JobState.CANCELLED
    assert not stored_file(client.ports, upload_id).exists()
    with pytest.raises(UploadTerminated):
        client.delete(upload_id)
