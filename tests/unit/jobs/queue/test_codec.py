"""Tests the message of a job on the wire."""

from support.job_messages import message

from tusd_py.jobs.queue.codec import decode, encode


def test_the_wire_has_the_seeds_names() -> None:
    import json

    sent = message()
    members = json.loads(encode(sent))
    assert {"TaskID", "UserID", "TempPath", "Filename", "FileHash", "FileSize", "IsVideo"} <= set(
        members
    )
    assert decode(json.dumps({**members, "Later": 1}).encode()) == sent
