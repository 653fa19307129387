"""Speak tus 1.0 for the client."""

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from tusd_py.client.answers import checked_offset, raise_for_status
from tusd_py.client.errors import Refused
from tusd_py.client.messages import FileRange, Request, Response, byte_count
from tusd_py.client.origin import upload_address
from tusd_py.client.resumable import (
    NO_FIELDS,
    CreatedUpload,
    Limits,
    ResumableProtocol,
    Standing,
)
from tusd_py.client.resume_store import SavedUpload
from tusd_py.client.tus_requests import append_request, creation, offset_request


@dataclass(frozen=True, slots=True)
class Tus(ResumableProtocol):
    """Speaks tus 1.0: an upload is complete at its length."""

    @override
    def limits_request(self, endpoint: str) -> Request:
        return Request(method="OPTIONS", url=endpoint, headers={})

    @override
    def limits(self, answer: Response) -> Limits:
        return Limits(max_size=byte_count(answer.headers.get("tus-max-size", "")))

    @override
    def creation(
        self, endpoint: str, size: int | None, metadata: Mapping[str, str], *, instant: bool
    ) -> Request:
        challenge = {"Upload-Instant": "challenge"} if instant else {}
        return creation(endpoint, size, metadata, challenge)

    @override
    def created(self, answer: Response, endpoint: str, size: int | None) -> CreatedUpload:
        if answer.status in (404, 405):
            raise Refused(
                f"{endpoint} is no tus endpoint, it answered {answer.status}; the address of one "
                "often ends in /files/"
            )
        raise_for_status(answer, 201)
        url = upload_address(endpoint, answer.headers.get("location"))
        return CreatedUpload(
            saved=SavedUpload(url, answer.headers.get("upload-token")),
            standing=_standing(answer, size, absent="0"),
            instant=answer.headers.get("upload-instant") == "1",
        )

    @override
    def offset_request(self, saved: SavedUpload) -> Request:
        return offset_request(saved.url, saved.headers)

    @override
    def found(self, answer: Response, size: int | None) -> Standing:
        raise_for_status(answer, 200, 204)
        return _standing(answer, size)

    @override
    def append(
        self,
        saved: SavedUpload,
        offset: int,
        body: FileRange | bytes,
        *,
        last: bool,
        more: Mapping[str, str] = NO_FIELDS,
    ) -> Request:
        return append_request(saved.url, offset, body, {**saved.headers, **more})

    @override
    def appended(self, answer: Response, end: int, *, last: bool, size: int | None) -> Standing:
        raise_for_status(answer, 204)
        return _standing(answer, size)


def _standing(answer: Response, size: int | None, *, absent: str = "") -> Standing:
    """Return what ``Upload-Offset`` means. Raises: Refused: there is none, or it is too large."""
    offset = byte_count(answer.headers.get("upload-offset", absent))
    if offset is None:
        raise Refused("the server did not state an offset of the file: is this a tus endpoint?")
    return Standing(checked_offset(offset, size), complete=offset == size)
