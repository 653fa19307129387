"""Who may reach an upload (section 13)."""

import json
import os
from itertools import takewhile

import pytest

from draftprobe import Draft, Upload

ENOUGH_BITS = 96
"""Less than the 128 or so that are wanted, as two addresses may have a few characters in common."""


@pytest.mark.should
def test_i091_addresses_can_not_be_guessed(draft: Draft) -> None:
    """Two of one server have nothing in common but the way to them."""
    last = [draft.create(10).url.rstrip("/").rpartition("/")[2] for _ in range(2)]
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*last, strict=False)))
    own = [part[common:] for part in last]
    hexadecimal = set("".join(own)) <= set("0123456789abcdefABCDEF-")
    bits = min(len(part) for part in own) * (4 if hexadecimal else 5)
    assert bits >= ENOUGH_BITS, last


@pytest.mark.should
@pytest.mark.needs_env("RUFH_OTHER_HEADERS")
@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_i092_an_upload_is_its_owners(draft: Draft, upload: Upload, method: str) -> None:
    other = list(json.loads(os.environ["RUFH_OTHER_HEADERS"]).items())
    fields = draft.fields() if method != "PATCH" else upload.append_fields(0, False)
    content = b"0123" if method == "PATCH" else b""
    peer = upload.peer
    with peer.connect() as connection:
        framing = [("Content-Length", str(len(content)))] if content else []
        connection.send_head(method, upload.url, [*other, *fields, *framing])
        connection.send(content)
        assert connection.read_response(method).status in (401, 403, 404)
    assert upload.is_incomplete(0)
