"""The client's side of the draft against answers that the test makes, also those of other servers."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.played_plan import PlayedPlan, response

from tusd_py.client.errors import Refused, TransientFailure
from tusd_py.client.file_upload import NO_RESPONSE, FileUpload, RetryPolicy, Sleep, UploadResult
from tusd_py.client.ietf import IetfDraft
from tusd_py.client.messages import Request, Response
from tusd_py.client.resumable import Limits
from tusd_py.client.resume_store import ResumeStore, SavedUpload
from tusd_py.protocol.ietf.versions import VERSIONS

ENDPOINT, URL = "http://t/files/", "http://t/files/abc"
CONTENT = b"0123456789"
DRAFT = IetfDraft()


def problem(name: str, status: int = 400) -> Response:
    kind = f"https://iana.org/assignments/http-problem-types#{name}"
    return response(status, json.dumps({"type": kind, "title": "a title"}).encode())


MADE = response(201, Location="/files/abc", Upload_Complete="?0", Upload_Offset="0")


class Play(PlayedPlan):
    """The plan of an upload by the draft, step by step."""

    def __init__(self, folder: Path, content: bytes = CONTENT, **options: Any) -> None:
        (folder / "file").write_bytes(content)
        plan = FileUpload(
            **{
                "file": folder / "file", "endpoint": ENDPOINT, "protocol": DRAFT,
                "metadata": {"filename": "x"}, "resume_store": ResumeStore(folder / "state"),
                "progress": lambda _: None, "chunk_bytes": None,
                "retry_policy": RetryPolicy(retries=3, longest_pause=2.0, retries_at_first=3),
                **options,
            }
        ).plan()  # fmt: skip
        super().__init__(plan)


def test_the_address_is_known_before_bytes_are_sent(tmp_path: Path) -> None:
    play = Play(tmp_path, metadata={"filename": "ä b", "filetype": "text/plain"})
    method, url, headers = play.request()
    assert (method, url) == ("POST", ENDPOINT)
    assert isinstance(play.step, Request)
    assert play.step.body is None
    assert (
        headers.items()
        >= {
            "Upload-Draft-Interop-Version": str(max(VERSIONS)),
            "Upload-Complete": "?0",
            "Upload-Length": "10",
            "Content-Type": "text/plain",
            "Content-Disposition": "inline; filename*=UTF-8''%C3%A4%20b",
        }.items()
    )
    assert "Tus-Resumable" not in headers
    play.receives(MADE)
    method, url, headers = play.request()
    assert (method, url) == ("PATCH", URL)
    assert (
        headers.items()
        >= {
            "Upload-Complete": "?1",
            "Upload-Offset": "0",
            "Content-Length": "10",
            "Content-Type": "application/partial-upload",
        }.items()
    )
    done = play.receives(response(200, Upload_Complete="?1"))
    assert done == UploadResult(url=URL, resumed_at=0)


@pytest.mark.parametrize("kind", ["video/ä", "a\r\nX-Forged: 1", ""])
def test_a_type_that_no_field_can_have_is_not_sent(tmp_path: Path, kind: str) -> None:
    play = Play(tmp_path, metadata={"filetype": kind})
    assert play.request()[2].keys() & {"Content-Type", "Content-Disposition"} == set()


def test_only_the_last_piece_says_that_it_is_the_last(tmp_path: Path) -> None:
    play = Play(tmp_path, chunk_bytes=4)
    play.receives(MADE)
    said = []
    for offset in (4, 8):
        said.append(play.request()[2]["Upload-Complete"])
        play.receives(response(204, Upload_Offset=str(offset), Upload_Complete="?0"))
    assert [*said, play.request()[2]["Upload-Complete"]] == ["?0", "?0", "?1"]


@pytest.mark.parametrize(
    ("limit", "chunk_bytes", "sent"),
    [
        ("max-append-size=3", None, 3),
        ("max-append-size=3;a, unknown=x", 5, 3),
        ("max-append-size=7, max-size=10", 5, 5),
        ("min-append-size=6", 2, 6),
        ("min-append-size=60", 2, 10),
        ("max-append-size=abc", None, 10),
        ("max-append-size=0", None, 1),
    ],
)
def test_the_limits_of_one_request_are_kept(
    tmp_path: Path, limit: str, chunk_bytes: int | None, sent: int
) -> None:
    play = Play(tmp_path, chunk_bytes=chunk_bytes)
    play.receives(response(201, Location="/files/abc", Upload_Limit=limit))
    assert isinstance(play.step, Request)
    assert play.request()[2]["Content-Length"] == str(sent)
    assert play.request()[2]["Upload-Complete"] == ("?1" if sent == 10 else "?0")


def test_after_a_break_the_server_says_where_it_is(tmp_path: Path) -> None:
    play = Play(tmp_path)
    play.receives(MADE)
    assert isinstance(play.receives(TransientFailure("cut")), Sleep)
    play.receives(NO_RESPONSE)
    assert play.request()[:2] == ("HEAD", URL)
    play.receives(response(204, Upload_Offset="7", Upload_Limit="max-append-size=2"))
    assert play.request()[2].items() >= {"Upload-Offset": "7", "Content-Length": "2"}.items()


def at_the_end(tmp_path: Path, state: Response) -> Play:
    """Return a play in which the answer to the last byte was lost."""
    play = Play(tmp_path)
    play.receives(MADE)
    play.receives(TransientFailure("cut"))
    play.receives(NO_RESPONSE)
    play.receives(state)
    return play


def test_what_is_full_and_not_complete_is_completed(tmp_path: Path) -> None:
    play = at_the_end(tmp_path, response(204, Upload_Offset="10", Upload_Complete="?0"))
    expected = {"Upload-Offset": "10", "Content-Length": "0", "Upload-Complete": "?1"}
    assert play.request()[2].items() >= expected.items()
    assert isinstance(play.receives(response(201, Upload_Complete="?1")), UploadResult)


def test_a_server_that_never_completes_is_given_up(tmp_path: Path) -> None:
    incomplete = response(204, Upload_Offset="10", Upload_Complete="?0")
    play = at_the_end(tmp_path, incomplete)
    with pytest.raises(Exception, match="accepted none"):  # noqa: PT012
        while True:
            play.receives(NO_RESPONSE if isinstance(play.step, Sleep) else incomplete)


def test_a_lost_final_answer_is_had_by_the_standing(tmp_path: Path) -> None:
    complete = response(204, Upload_Offset="10", Upload_Complete="?1")
    assert isinstance(at_the_end(tmp_path, complete).step, UploadResult)


def test_what_was_completed_before_is_looked_up(tmp_path: Path) -> None:
    play = at_the_end(tmp_path, response(204, Upload_Offset="10"))
    assert isinstance(play.receives(problem("completed-upload")), Sleep)
    play.receives(NO_RESPONSE)
    complete = response(204, Upload_Offset="10", Upload_Complete="?1")
    assert isinstance(play.receives(complete), UploadResult)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (problem("inconsistent-upload-length"), "another length"),
        (response(500, b'{"detail": "No viruses."}', Upload_Complete="?1"), "No viruses"),
        (response(204, Upload_Complete="?1", Upload_Offset="4"), "before the end of the file"),
        (response(204, Upload_Complete="?0", Upload_Offset="11"), "beyond the end of the file"),
        (response(415), "answered 415"),
        (response(302, Location="/"), "redirects are not followed"),
    ],
)
def test_an_append_that_is_refused_ends_it(tmp_path: Path, answer: Response, sentence: str) -> None:
    play = Play(tmp_path)
    play.receives(MADE)
    with pytest.raises(Refused, match=sentence):
        play.receives(answer)


@pytest.mark.parametrize(
    "answer",
    [problem("mismatching-upload-offset", 409), response(423), response(429), response(503)],
)
def test_what_may_pass_is_tried_again(tmp_path: Path, answer: Response) -> None:
    play = Play(tmp_path)
    play.receives(MADE)
    assert isinstance(play.receives(answer), Sleep)


@pytest.mark.parametrize("answer", [response(412), response(404), response(200), response(501)])
def test_a_server_that_does_not_speak_the_draft_is_named(tmp_path: Path, answer: Response) -> None:
    with pytest.raises(Refused, match=f"{ENDPOINT} takes no uploads by the IETF's draft"):
        Play(tmp_path).receives(answer)


def test_a_standing_needs_an_offset(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="did not state an offset"):
        at_the_end(tmp_path, response(204, Upload_Complete="?0"))


def test_content_that_is_held_is_not_sent(tmp_path: Path) -> None:
    play = Play(tmp_path, metadata={"filehash": f"blake3:{'ab' * 32}"})
    assert play.request()[2]["Upload-Hash"] == f"blake3=:{'q6ur' * 10}q6s=:"
    held = response(201, Location="/files/abc", Upload_Complete="?1", Upload_Offset="10")
    assert play.receives(held) == UploadResult(url=URL, resumed_at=10, instant=True)


def test_an_old_version_has_its_own_words() -> None:
    old = IetfDraft(VERSIONS[3])
    saved = SavedUpload(URL, "t1")
    headers = old.append(saved, 0, b"ab", last=True).headers
    assert headers["Upload-Incomplete"] == "?0"
    assert headers["Upload-Token"] == "t1"
    incomplete = old.appended(response(201, Upload_Incomplete="?1"), 2, last=False, size=4)
    assert (incomplete.offset, incomplete.complete) == (2, False)


@pytest.mark.parametrize(("stated", "complete"), [("4", True), ("3", False), (None, True)])
def test_an_answer_that_does_not_say_completeness(stated: str | None, complete: bool) -> None:
    answer = response(204) if stated is None else response(204, Upload_Offset=stated)
    standing = DRAFT.appended(answer, 4, last=True, size=4)
    assert standing.complete is complete


def test_limits_are_read_from_any_answer() -> None:
    request = DRAFT.limits_request(ENDPOINT)
    assert (request.method, request.headers["Upload-Draft-Interop-Version"]) == ("OPTIONS", "10")
    stated = "max-size=9, min-size=2, max-append-size=4, min-append-size=1, max-age=60"
    expected = Limits(max_size=9, min_size=2, max_append=4, min_append=1)
    assert DRAFT.limits(response(204, Upload_Limit=stated)) == expected
    assert DRAFT.limits(response(204)) == Limits()
