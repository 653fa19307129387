"""What is fuzzed: one function for each kind of input that others make.

Each target takes bytes and raises only a failed assertion or an unexpected error: an input may be
refused in the way that the code under test documents, and in no other way. Seeds are valid inputs;
``corpus/NAME`` holds inputs that once did harm.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
from starlette.requests import Request
from support.clock import FakeClock
from support.tokens import SECRET

from tusd_py.auth.jwks import parse_keys
from tusd_py.auth.scoped_tokens import ScopedTokens
from tusd_py.auth.session import ClaimRules, SessionTokens
from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.event_stream import read_events
from tusd_py.client.events import TaskFollower
from tusd_py.client.file_upload import Contact
from tusd_py.domain import type_rules
from tusd_py.domain.commands import Conditions
from tusd_py.domain.errors import ProtocolError, TokenExpired, TokenInvalid, TusdError
from tusd_py.domain.filenames import download_name, extension_of
from tusd_py.domain.signatures.head_reader import HeadReader
from tusd_py.domain.signatures.identify import identify
from tusd_py.hooks import webhook
from tusd_py.http.download import content_disposition
from tusd_py.http.errors import status_of
from tusd_py.http.json_body import MAX_BODY_BYTES, json_members
from tusd_py.http.routes.form_content import MalformedForm
from tusd_py.http.routes.form_file import FormFile
from tusd_py.jobs.queue.codec import Undecodable, decode, encode
from tusd_py.protocol.conditions import allows_range, evaluate
from tusd_py.protocol.fields import Fields, parse_metadata
from tusd_py.protocol.head import Head
from tusd_py.protocol.ietf.requests import parse_draft_request, speaks_draft
from tusd_py.protocol.ietf.versions import version_of
from tusd_py.protocol.origin import PublicAddress, public_origin
from tusd_py.protocol.ranges import Unsatisfiable, parse_range
from tusd_py.protocol.tus1 import Capabilities, parse_request
from tusd_py.storage import checksums
from tusd_py.tasks.redis_state import UnreadableState, read_message, read_state
from tusd_py.worker.clamd import read_verdict
from tusd_py.worker.media.probe import parse_ffmpeg, parse_ffprobe

CORPUS: Final = Path(__file__).parent / "corpus"

_CAPABILITIES: Final = Capabilities(
    extensions=(
        "creation", "creation-with-upload", "creation-defer-length", "termination", "expiration",
        "checksum", "checksum-trailer", "concatenation", "concatenation-unfinished",
    ),
    max_size=1 << 30,
    digest_sizes={name: checksums.digest_size(name) for name in checksums.ALGORITHMS},
)  # fmt: skip
_SESSIONS: Final = SessionTokens(ClaimRules(), FakeClock(), secret=SECRET.encode(), keys=None)
_GRANTS: Final = ScopedTokens(SECRET.encode(), FakeClock())
_UPLOAD: Final = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Target:
    """A function under test and valid inputs to begin with."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]

    def corpus(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Return inputs that once did harm, by the name of their file."""
        folder = CORPUS / name
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            yield path.name, path.read_bytes()


def _refused_by_a_client_error(error: TusdError) -> None:
    assert 400 <= status_of(error) < 500, f"{type(error).__name__} is a server error"


def _head(data: bytes) -> Head:
    """Return the head that a request line and fields, a line each, make."""
    first, *lines = data.split(b"\n")
    method, _, resource = first.decode("latin-1").partition(" ")
    raw = [(name, value) for name, _, value in (line.partition(b":") for line in lines)]
    return Head(method=method, resource=resource, fields=Fields(raw))


def request_head(data: bytes) -> None:
    """Parse a head as a tus request."""
    try:
        parse_request(_head(data), _CAPABILITIES)
    except TusdError as error:
        _refused_by_a_client_error(error)


def draft_head(data: bytes) -> None:
    """Parse a head as a request of the IETF's draft, also if it is none."""
    head = _head(data)
    speaks_draft(head)
    try:
        parse_draft_request(head, version_of(head.fields), _CAPABILITIES.max_size)
    except TusdError as error:
        _refused_by_a_client_error(error)


def metadata(data: bytes) -> None:
    """Parse Upload-Metadata, and build a download's header from its name."""
    try:
        found = parse_metadata(data.decode("latin-1"))
    except ProtocolError:
        return
    except TusdError as error:
        _refused_by_a_client_error(error)
        return
    assert sum(len(value) for value in found.values()) <= len(data)
    name = found.get("filename", b"").decode("utf-8", "replace")
    header = content_disposition(download_name(name, ext=".mp4", rendition="web"))
    header.encode("latin-1")
    assert not set(header) & set("\r\n\0"), "a line or a field could be added"
    extension_of(name)


def byte_range(data: bytes) -> None:
    """Parse Range against a size, and the conditions of a download."""
    size = data[0] if data else 0
    text = data[1:].decode("latin-1")
    for conditions in (Conditions(if_none_match=text), Conditions(if_match=text)):
        named = evaluate(conditions, '"a"') is not evaluate(conditions, '"b"')
        assert not named or '"a"' in text or '"b"' in text
    evaluate(Conditions(if_modified_since=text, if_unmodified_since=text), '"a"', 0.0)
    assert allows_range(text, '"a"') is (text == '"a"')
    with suppress(Unsatisfiable):
        found = parse_range(text, size)
        if found is not None:
            first, length = found
            assert 0 <= first < size
            assert 0 < length <= size - first


def public_address(data: bytes) -> None:
    """Find the public origin in Host, Forwarded and X-Forwarded-*, a line each."""
    raw = [(name, value) for name, _, value in (line.partition(b":") for line in data.split(b"\n"))]
    for trusted in (True, False):
        found = public_origin(Fields(raw), scheme="http", trusted=trusted)
        if found is not None:
            assert found.startswith(("http://", "https://"))
            assert not set(found) & set(" \r\n\0\"'<>\\@?#"), found
        prefix = PublicAddress(trusted=trusted).prefix_of(Fields(raw))
        assert not prefix or (prefix[0] == "/" and trusted)
        assert "//" not in prefix
        assert not set(prefix) & set("\r\n\0\"'<>\\"), prefix


def form(data: bytes) -> None:
    """Read a form: the Content-Type, a line end, and a body in pieces of two lengths."""
    content_type, _, body = data.partition(b"\n")
    for length in (7, 4096):
        pieces = [body[start : start + length] for start in range(0, len(body), length)] or [b""]
        asyncio.run(_read_form(content_type.decode("latin-1"), pieces))


async def _read_form(content_type: str, pieces: list[bytes]) -> None:
    messages = [
        {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
    ]  # fmt: skip
    messages[-1]["more_body"] = False
    waiting = iter([*messages, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(waiting, {"type": "http.disconnect"})

    received = 0
    try:
        reader = FormFile(receive, [content_type])
        content = await reader.begin()
        rest = [reader.early, *(message["body"] for message in waiting if "body" in message)]
        for piece in rest:
            received += sum(len(part) for part in content.take((memoryview(piece),)))
    except MalformedForm:
        pass
    except TusdError as error:
        _refused_by_a_client_error(error)
    assert received <= sum(len(piece) for piece in pieces)


def json_body(data: bytes) -> None:
    """Read a small JSON body."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": data, "more_body": False}

    try:
        found = asyncio.run(json_members(Request({"type": "http", "headers": []}, receive)))
    except TusdError as error:
        _refused_by_a_client_error(error)
        return
    assert len(data) <= MAX_BODY_BYTES
    assert isinstance(found, dict)


def session_token(data: bytes) -> None:
    """Read a token as it came, and one which is signed well and holds these claims."""
    signed = jwt.PyJWS().encode(data, SECRET, algorithm="HS256")
    for text in (data.decode("latin-1"), signed):
        with suppress(TokenInvalid, TokenExpired):
            caller = asyncio.run(_SESSIONS.caller(text))
            assert text == signed, "a token was taken that nothing signed"
            assert caller.user_id


def granted_token(data: bytes) -> None:
    """Read an upload token and a ticket."""
    text = data.decode("latin-1")
    for read in (_GRANTS.read_upload_token, _GRANTS.read_ticket):
        with suppress(TokenInvalid, TokenExpired):
            read(text)
            raise AssertionError("a token was taken that nothing signed")


def issuer_keys(data: bytes) -> None:
    """Read an issuer's key set."""
    with suppress(ValueError):
        parse_keys(data)


def job_message(data: bytes) -> None:
    """Read a message of the queue; what is understood is written back the same."""
    try:
        message = decode(data)
    except Undecodable:
        return
    assert decode(encode(message)) == message


def task_state(data: bytes) -> None:
    """Read a state that Redis published, and one from a hash of texts."""
    with suppress(UnreadableState):
        read_message(data.decode("utf-8", "replace"))
    fields = dict(line.partition("=")[::2] for line in data.decode("utf-8", "replace").split("\n"))
    with suppress(UnreadableState):
        read_state(fields)


def file_type(data: bytes) -> None:
    """Recognize a file by its first bytes, with a name which may be wrong."""
    name, _, head = data.partition(b"\n")
    filename = name.decode("utf-8", "replace")
    look = HeadReader(head, len(head))
    found = identify(look)
    identify(HeadReader(head))
    identify(HeadReader(head[:40], len(head), lambda start, length: head[start : start + length]))
    type_rules.is_consistent(filename, found, head)
    for check in (
        lambda: type_rules.check_name(filename, ("mp4", "txt")),
        lambda: type_rules.check_content(filename, look, ("mp4", "txt")),
    ):
        try:
            check()
        except TusdError as error:
            _refused_by_a_client_error(error)


def media_facts(data: bytes) -> None:
    """Read what ffprobe and ffmpeg print of a file."""
    text = data.decode("utf-8", "replace")
    for parse in (parse_ffprobe, parse_ffmpeg):
        found = parse(text)
        if found is not None and found.duration is not None:
            assert 0 < found.duration < float("inf")


def scanner_answer(data: bytes) -> None:
    """Read clamd's verdict."""
    with suppress(TusdError):
        read_verdict(data.decode("utf-8", "replace"))


def hook_answer(data: bytes) -> None:
    """Read the sentence of an application that refuses an upload; a client is shown it."""
    sentence = webhook._sentence(webhook._members(httpx.Response(403, content=data)))
    assert sentence is None or sentence.encode()


def event_stream(data: bytes) -> None:
    """Follow a task's events, as a client does, from a server that may send anything."""
    following = TaskFollower("http://127.0.0.1:1/files/", _UPLOAD, None, Contact())
    following.headers()
    with suppress(Refused, Unreachable):
        for event in read_events(httpx.Response(200, content=iter([data]))):
            state = following.take(event)
            assert state is None or isinstance(state.get("status"), str)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_FORM: Final = (
    b"multipart/form-data; boundary=xYz\n--xYz\r\n"
    b'Content-Disposition: form-data; name="note"\r\n\r\nhello\r\n--xYz\r\n'
    b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\ncontent\r\n--xYz--\r\n"
)
_JOB: Final = {
    "v": 1, "TaskID": _UPLOAD, "UserID": 7, "TempPath": "/data/x", "Filename": "视频.mp4",
    "FileHash": "a" * 64, "FileSize": 5, "IsVideo": True,
}  # fmt: skip
_STATE: Final = {
    "task_id": _UPLOAD, "user_id": "7", "filename": "视频.mp4", "file_size": "5",
    "created": "1770000000.5", "file_hash": "", "temp_path": "", "status": "compressing",
    "progress": "45", "message": "视频压缩中...", "attempt": "1", "epoch": "0a1b", "seq": "3",
    "updated": "1770000001.0", "error_code": "", "error_msg": "", "oss_path": "",
    "repository_id": "", "last_progress": "0",
}  # fmt: skip
_PROBED: Final = {
    "streams": [
        {"codec_type": "video", "width": 16, "height": 9, "disposition": {"attached_pic": 0}},
        {"codec_type": "audio"},
    ],
    "format": {"duration": "2.5"},
}
_NOTIFIED: Final = {"task_id": _UPLOAD, "status": "compressing", "progress": 45, "message": "m"}

TARGETS: Final[dict[str, Target]] = {
    "request_head": Target(
        request_head,
        (
            f"POST \nTus-Resumable: 1.0.0\nUpload-Length: 5\n"
            f"Upload-Metadata: filename {_base64('a.txt')}".encode(),
            f"PATCH {_UPLOAD}\nTus-Resumable: 1.0.0\nUpload-Offset: 0\nContent-Length: 5\n"
            f"Content-Type: application/offset+octet-stream\n"
            f"Upload-Checksum: crc32 {_base64('abcd')}".encode(),
            f"POST \nTus-Resumable: 1.0.0\nUpload-Concat: final;/files/{_UPLOAD}".encode(),
            f"POST {_UPLOAD}\nX-HTTP-Method-Override: PATCH\nTus-Resumable: 1.0.0".encode(),
            f"POST \nTus-Resumable: 1.0.0\nUpload-Defer-Length: 1\nTrailer: Upload-Checksum\n"
            f"Upload-Hash: blake3=:{base64.b64encode(bytes(32)).decode()}:".encode(),
        ),
    ),
    "draft_head": Target(
        draft_head,
        (
            b"POST \nUpload-Complete:?1;a\nContent-Length:5\nUpload-Draft-Interop-Version:8\n"
            b"Content-Disposition:inline; filename*=UTF-8''a%20b\nContent-Type:text/x",
            b"POST \nUpload-Incomplete:?1\nUpload-Length:5\nUpload-Draft-Interop-Version:3",
            f"PATCH {_UPLOAD}\nUpload-Offset:5\nUpload-Complete:?0\nContent-Digest:sha-256=:AA==:\n"
            "Content-Type:application/partial-upload".encode(),
        ),
    ),
    "metadata": Target(
        metadata, (f"filename {_base64('视频.mp4')},filetype {_base64('video/mp4')},x".encode(),)
    ),
    "byte_range": Target(
        byte_range, (b"\x20bytes=3-7", b"\x20bytes=-5", b"\x20bytes=30-", b'\x20W/"b", "a"')
    ),
    "public_address": Target(
        public_address,
        (
            b"Host: a.example:80\nForwarded: for=1.2.3.4;host=b.example;proto=https",
            b"Host: [::1]:8888\nX-Forwarded-Host: c.example, d\nX-Forwarded-Proto: https",
        ),
    ),
    "form": Target(form, (_FORM,)),
    "json_body": Target(json_body, (b'{"id": "x"}', b"")),
    "session_token": Target(
        session_token,
        (
            b'{"userId": 7, "exp": 1990000000, "role": ["admin"], "tenant": "t"}',
            jwt.encode({"sub": "x", "exp": 1990000000}, "y" * 32, algorithm="HS256").encode(),
        ),
    ),
    "granted_token": Target(
        granted_token, (jwt.encode({"sub": "7", "exp": 1990000000}, "y" * 32).encode(),)
    ),
    "issuer_keys": Target(
        issuer_keys,
        (
            b'{"keys": [{"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB", "use": "sig"},'
            b' {"kty": "OKP", "crv": "Ed25519",'
            b' "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}',
        ),
    ),
    "job_message": Target(job_message, (json.dumps(_JOB).encode(),)),
    "task_state": Target(
        task_state,
        (
            json.dumps(_STATE).encode(),
            "\n".join(f"{name}={value}" for name, value in _STATE.items()).encode(),
        ),
    ),
    "file_type": Target(
        file_type,
        (
            b"a.mp4\n\x00\x00\x00\x18ftypisom\x00\x00\x02\x00",
            b"b.docx\nPK\x03\x04\x14\x00\x00\x00\x08\x00[Content_Types].xml word/document.xml",
            b"c.ogg\nOggS\x00\x02" + bytes(20) + b"\x01\x1e\x01vorbis",
            b"d.ts\n" + (b"\x47" + bytes(187)) * 3,
            b"e.avi\nRIFF\x00\x00\x00\x00AVI LIST",
            b"f.webm\n\x1a\x45\xdf\xa3\x01B\x82\x84webm",
        ),
    ),
    "media_facts": Target(
        media_facts,
        (
            json.dumps(_PROBED).encode(),
            b"  Duration: 00:00:02.50, start: 0.0\n"
            b"    Stream #0:0[0x1](und): Video: h264 (High), yuv420p, 160x120 [SAR 1:1], 15 fps\n"
            b"    Stream #0:1: Audio: aac (LC), 44100 Hz\n",
        ),
    ),
    "scanner_answer": Target(
        scanner_answer,
        (b"stream: OK", b"stream: Eicar-Signature FOUND", b"INSTREAM size limit exceeded. ERROR"),
    ),
    "hook_answer": Target(hook_answer, (b'{"detail": "Not today.", "reject": true}',)),
    "event_stream": Target(
        event_stream,
        (b"id: 0a1b.3\ndata: " + json.dumps(_NOTIFIED).encode() + b"\n\n: ping\n\n",),
    ),
}
"""Every target by its name, which is also the name of its folder in the corpus."""
