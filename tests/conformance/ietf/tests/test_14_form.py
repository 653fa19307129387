"""An endpoint of the application as the target: a multipart form (sections 4.2 and 10.1.1)."""

import os

import pytest
from tusprobe.raw import Headers

from draftprobe import Draft, integer, members, next_interim

BOUNDARY = "----rufh-form"
SIZE = 256 << 10


def form() -> tuple[Headers, bytes]:
    """Return the fields and the content of a form with one file, which no server knows."""
    name = os.environ.get("RUFH_FORM_FIELD", "file")
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    content = head.encode() + os.urandom(SIZE) + f"\r\n--{BOUNDARY}--\r\n".encode()
    return [("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")], content


@pytest.mark.best
@pytest.mark.named
@pytest.mark.needs_interim
@pytest.mark.needs_env("RUFH_FORM_URL")
def test_i093_a_broken_form_goes_on(draft: Draft) -> None:
    """The answer at the end is the endpoint's own, as without a break."""
    peer, url = draft.peer, os.environ["RUFH_FORM_URL"]
    whole = peer.request("POST", url, *form())
    assert whole.status // 100 == 2, whole
    typed, content = form()
    with peer.connect() as connection:
        fields = [*draft.fields(complete=True), *typed]
        peer.send_head(connection, "POST", url, fields, len(content))
        upload = draft.upload_at(next_interim(connection))
        connection.send(content[: len(content) // 2])
        connection.arrived(5)
    offset = integer(upload.head(), "Upload-Offset")
    last = upload.patch(content[offset:], offset, complete=True)
    assert last.status == whole.status, last
    assert last.get("Content-Type") == whole.get("Content-Type")
    assert members(last).keys() == members(whole).keys()
