"""Speak draft-ietf-httpbis-resumable-upload for the client (docs/ietf.md).

httpx drops 104 responses, which would tell the address of an upload while it is being sent. So an
upload is created without content, and its bytes follow when its address is known.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from typing_extensions import override

from tusd_py.client.answers import (
    checked_offset,
    raise_for_status,
    refusal,
    transient_failure,
)
from tusd_py.client.errors import Refused
from tusd_py.client.messages import FileRange, Request, Response
from tusd_py.client.origin import upload_address
from tusd_py.client.resumable import (
    NO_FIELDS,
    CreatedUpload,
    Limits,
    ResumableProtocol,
    Standing,
)
from tusd_py.client.resume_store import SavedUpload
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object
from tusd_py.protocol.fields import metadata_header
from tusd_py.protocol.ietf.requests import HASH_FIELD, PARTIAL_TYPE
from tusd_py.protocol.ietf.structured import integer, integer_member
from tusd_py.protocol.ietf.versions import VERSIONS, Version

NEWEST: Final = VERSIONS[max(VERSIONS)]
_FILE_HASH: Final = re.compile(r"blake3:([0-9a-f]{64})")
_NOT_SPOKEN: Final = (404, 405, 412, 501)
"""What servers answer to a creation if they do not speak the draft."""


@dataclass(frozen=True, slots=True)
class IetfDraft(ResumableProtocol):
    """Speaks one version of the draft: the client says which request completes an upload."""

    version: Version = NEWEST

    @override
    def limits_request(self, endpoint: str) -> Request:
        return Request(method="OPTIONS", url=endpoint, headers=self.version.own_fields())

    @override
    def limits(self, answer: Response) -> Limits:
        stated = answer.headers.get("upload-limit")
        return Limits(
            max_size=integer_member(stated, "max-size"),
            min_size=integer_member(stated, "min-size") or 0,
            max_append=integer_member(stated, "max-append-size"),
            min_append=integer_member(stated, "min-append-size") or 0,
        )

    @override
    def creation(
        self, endpoint: str, size: int | None, metadata: Mapping[str, str], *, instant: bool
    ) -> Request:
        length = {} if size is None else {"Upload-Length": str(size)}
        headers = {
            **self._fields(complete=False),
            **length,
            **_file_fields(metadata),
            **(_hash_field(metadata) if instant else {}),
            "Upload-Metadata": metadata_header(metadata),
        }
        return Request(method="POST", url=endpoint, headers=headers)

    @override
    def created(self, answer: Response, endpoint: str, size: int | None) -> CreatedUpload:
        location = answer.headers.get("location")
        if answer.status in _NOT_SPOKEN or (answer.status < 300 and not location):
            raise Refused(
                f"{endpoint} takes no uploads by the IETF's draft, it answered {answer.status}"
            )
        self._check(answer)
        standing = self._standing(answer, 0, complete=False, size=size)
        saved = SavedUpload(upload_address(endpoint, location), answer.headers.get("upload-token"))
        return CreatedUpload(saved=saved, standing=standing, instant=standing.complete)

    @override
    def offset_request(self, saved: SavedUpload) -> Request:
        headers = {**self.version.own_fields(), **saved.headers}
        return Request(method="HEAD", url=saved.url, headers=headers)

    @override
    def found(self, answer: Response, size: int | None) -> Standing:
        self._check(answer)
        return self._standing(answer, None, complete=False, size=size)

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
        length = len(body) if isinstance(body, bytes) else body.length
        headers = {
            **self._fields(complete=last),
            "Content-Type": PARTIAL_TYPE,
            "Content-Length": str(length),
            "Upload-Offset": str(offset),
            **saved.headers,
            **more,
        }
        return Request(method="PATCH", url=saved.url, headers=headers, body=body)

    @override
    def appended(self, answer: Response, end: int, *, last: bool, size: int | None) -> Standing:
        self._check(answer)
        return self._standing(answer, end, complete=last, size=size)

    def _fields(self, *, complete: bool) -> dict[str, str]:
        return {**self.version.own_fields(), **self.version.completeness(complete=complete)}

    def _complete(self, answer: Response) -> bool | None:
        """Return what an answer says of completeness; None: nothing."""
        return self.version.completeness_in(
            answer.headers.get(self.version.completeness_field.lower())
        )

    def _check(self, answer: Response) -> None:
        """Check the status. Raises: TransientFailure, Refused."""
        if 200 <= answer.status < 300:
            return
        if self._complete(answer):
            # The upload has arrived, and what it was sent to refuses it.
            raise refusal(answer)
        problem = _problem_type(answer)
        if problem == "completed-upload":
            # The answer that said so was lost; the standing says it again.
            raise transient_failure(answer)
        if problem == "inconsistent-upload-length":
            raise Refused("the server began the upload for a file of another length")
        raise_for_status(answer)

    def _standing(
        self, answer: Response, offset: int | None, *, complete: bool, size: int | None
    ) -> Standing:
        """Return the standing.

        Args: offset, complete: what the request came to if the answer does not say it; an offset
            of None must be said.
        """
        said, stated = self._complete(answer), integer(answer.headers.get("upload-offset"))
        if stated is None:
            if offset is None:
                raise Refused("the server did not state an offset of the file")
            stated = size if said and size is not None else offset
        checked_offset(stated, size)
        is_whole = size is None or stated == size
        if said and not is_whole:
            raise Refused("the server ended the upload before the end of the file")
        return Standing(stated, is_whole and (complete if said is None else said))


def _file_fields(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that tell name and type of a file to any server of the draft."""
    found = {}
    name, kind = metadata.get("filename", ""), metadata.get("filetype", "")
    if name:
        encoded = quote(name.encode("utf-8", "replace"), safe="")
        found["Content-Disposition"] = f"inline; filename*=UTF-8''{encoded}"
    if kind.isascii() and kind.isprintable() and kind:
        found["Content-Type"] = kind
    return found


def _hash_field(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the field that declares the BLAKE3 of a file, which its metadata have for tus."""
    found = _FILE_HASH.fullmatch(metadata.get("filehash", ""))
    if found is None:
        return {}
    return {HASH_FIELD: f"blake3=:{base64.b64encode(bytes.fromhex(found[1])).decode()}:"}


def _problem_type(answer: Response) -> str:
    """Return the type of a problem without the address of its registry; '' if it is none."""
    try:
        kind = read_json_object(answer.content).get("type")
    except NotAJsonObject:
        return ""
    return kind.rpartition("#")[2] if isinstance(kind, str) else ""
