"""Tests what is finished at the start of a server."""

from support.uploads import UploadsInProcess

from tusd_py.domain.upload import UploadKind, UploadState
from tusd_py.uploads.recovery import recover


def test_a_final_upload_that_a_crash_kept_waiting_is_finished_at_start(
    client: UploadsInProcess,
) -> None:
    part = client.create(4, kind=UploadKind.PARTIAL)
    final = client.create(None, kind=UploadKind.FINAL, parts=(part, part))
    client.ports.stores.uploads.writer(part, length=4).write([b"part"])
    client.ports.catalog.uploads.finish_partial(part, "x" * 64)
    client.restart()
    assert client.run(recover(client.context)) == 1
    assert client.state(final) is UploadState.FINISHED
