"""The next request for a stream, against answers that the test makes."""

from io import BytesIO
from typing import Any

import pytest
from support.played_plan import PlayedPlan, response

from tusd_py.client.errors import TransientFailure
from tusd_py.client.file_upload import NO_RESPONSE, RetryPolicy, Sleep, UploadResult
from tusd_py.client.ietf import IetfDraft
from tusd_py.client.messages import Request
from tusd_py.client.resumable import ResumableProtocol
from tusd_py.client.stream import StreamUpload
from tusd_py.client.tus import Tus

CONTENT = b"0123456789"


class Play(PlayedPlan):
    """The plan of a stream, step by step, after its creation."""

    def __init__(self, protocol: ResumableProtocol, **made: str) -> None:
        plan = StreamUpload(
            stream=BytesIO(CONTENT),
            endpoint="http://t/files/",
            protocol=protocol,
            metadata={},
            progress=lambda _: None,
            retry_policy=RetryPolicy(retries=3, longest_pause=2.0, retries_at_first=3),
            piece_bytes=8,
        ).plan()
        super().__init__(plan)
        assert isinstance(self.step, Request)
        assert "Upload-Length" not in self.step.headers
        self.receives(response(201, Location="/files/abc", **made))

    def sent(self) -> tuple[Any, ...]:
        """Return the offset, the content, the length that is declared, and the completeness."""
        assert isinstance(self.step, Request)
        headers = self.step.headers
        return (
            headers["Upload-Offset"],
            self.step.body,
            headers.get("Upload-Length"),
            headers.get("Upload-Complete"),
        )


@pytest.mark.parametrize(
    ("protocol", "said"), [(Tus(), (None, None)), (IetfDraft(), ("?0", "?1"))], ids=["tus", "draft"]
)
def test_the_length_is_sent_with_the_last_bytes(
    protocol: ResumableProtocol, said: tuple[str | None, str | None]
) -> None:
    play = Play(protocol)
    assert play.sent() == ("0", b"01234567", None, said[0])
    play.receives(response(204, Upload_Offset="8"))
    assert play.sent() == ("8", b"89", "10", said[1])
    assert isinstance(play.receives(response(204, Upload_Offset="10")), UploadResult)


def test_a_piece_is_as_large_as_one_request_may_be() -> None:
    play = Play(IetfDraft(), Upload_Limit="max-append-size=4")
    assert play.sent() == ("0", b"0123", None, "?0")


def test_what_arrived_of_a_piece_is_not_sent_again() -> None:
    play = Play(IetfDraft())
    assert isinstance(play.receives(TransientFailure("cut")), Sleep)
    play.receives(NO_RESPONSE)
    assert isinstance(play.step, Request)
    assert play.step.method == "HEAD"
    play.receives(response(204, Upload_Offset="3", Upload_Complete="?0"))
    assert play.sent() == ("3", b"34567", None, "?0")
