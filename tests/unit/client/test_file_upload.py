"""The next request of a client: the plan by itself, against answers that the test makes."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from support.played_plan import PlayedPlan, response

from tusd_py.client.errors import Refused, TransientFailure, Unreachable
from tusd_py.client.file_upload import (
    NO_RESPONSE,
    Contact,
    FileUpload,
    RetryPolicy,
    Sleep,
    UploadResult,
)
from tusd_py.client.messages import Request, Response
from tusd_py.client.resume_store import FileVersion, ResumeStore, SavedUpload
from tusd_py.client.tus import Tus
from tusd_py.domain.ownership_windows import answer
from tusd_py.protocol.fields import metadata_header

ENDPOINT, URL = "http://t/files/", "http://t/files/abc"
CONTENT = b"0123456789"


MADE = response(201, Location="/files/abc", Upload_Offset="0")


class Play(PlayedPlan):
    """A plan, step by step."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.file = folder / "file"
        if not self.file.exists():
            self.file.write_bytes(CONTENT)
        self.remembered = ResumeStore(folder / "state")
        self.seen: list[int] = []
        plan = FileUpload(
            **{
                "file": self.file, "endpoint": ENDPOINT, "protocol": Tus(), "metadata": {"filename": "x"},
                "resume_store": self.remembered, "progress": self.seen.append,
                "retry_policy": RetryPolicy(retries=3, longest_pause=2.0, retries_at_first=3), "chunk_bytes": None,
                **options,
            }
        ).plan()  # fmt: skip
        super().__init__(plan)


def test_a_file_is_made_and_sent(tmp_path: Path) -> None:
    play = Play(tmp_path)
    method, url, headers = play.request()
    assert (method, url, headers["Upload-Length"]) == ("POST", ENDPOINT, "10")
    step = play.receives(MADE)
    assert isinstance(step, Request)
    assert play.request()[:2] == ("PATCH", URL)
    assert step.body is not None
    assert (step.body.offset, step.body.length) == (0, 10)
    assert play.remembered.get(play.file, FileVersion.of(play.file), ENDPOINT) == SavedUpload(URL)
    assert play.receives(response(204, Upload_Offset="10")) == UploadResult(url=URL, resumed_at=0)
    assert play.remembered.get(play.file, FileVersion.of(play.file), ENDPOINT) is None


def test_in_pieces_when_a_piece_size_is_given(tmp_path: Path) -> None:
    play = Play(tmp_path, chunk_bytes=4)
    play.receives(MADE)
    lengths = []
    for offset in (4, 8, 10):
        assert isinstance(play.step, Request)
        assert play.step.body is not None
        lengths.append(play.step.body.length)
        play.receives(response(204, Upload_Offset=str(offset)))
    assert lengths == [4, 4, 2]
    assert isinstance(play.step, UploadResult)


@pytest.mark.parametrize(
    "broken", [TransientFailure("cut"), response(423), response(503), response(409)]
)
def test_after_a_break_it_looks_where_it_is(
    tmp_path: Path, broken: Response | TransientFailure
) -> None:
    play = Play(tmp_path)
    play.receives(MADE)
    assert isinstance(play.receives(broken), Sleep)
    play.receives(NO_RESPONSE)
    assert play.request()[0] == "HEAD"
    play.receives(response(200, Upload_Offset="7"))
    assert play.request()[2]["Upload-Offset"] == "7"


def test_another_run_goes_on(tmp_path: Path) -> None:
    first = Play(tmp_path)
    first.receives(response(201, Location="/files/abc", Upload_Token="t1"))
    again = Play(tmp_path)
    method, url, headers = again.request()
    assert (method, url, headers["Upload-Token"]) == ("HEAD", URL, "t1")
    again.receives(response(200, Upload_Offset="4"))
    done = again.receives(response(204, Upload_Offset="10"))
    assert done == UploadResult(url=URL, token="t1", resumed_at=4)


def test_a_stale_token_gives_way_to_the_users_own(tmp_path: Path) -> None:
    play = Play(tmp_path)
    play.receives(response(201, Location="/files/abc", Upload_Token="t1"))
    play.receives(response(401))
    method, _, headers = play.request()
    assert (method, "Upload-Token" in headers) == ("HEAD", False)
    with pytest.raises(Refused):
        play.receives(response(401, b'{"detail": "The token has expired."}'))


def test_a_missing_upload_is_created_again(tmp_path: Path) -> None:
    play = Play(tmp_path)
    play.receives(MADE)
    play.receives(TransientFailure("cut"))
    play.receives(NO_RESPONSE)
    play.receives(response(404))
    assert play.request()[0] == "POST"


def test_no_is_no(tmp_path: Path) -> None:
    play = Play(tmp_path)
    with pytest.raises(Refused, match="no room"):
        play.receives(response(413, b'{"detail": "There is no room left."}'))


def test_pauses_double_up_to_the_longest_and_end(tmp_path: Path) -> None:
    play = Play(tmp_path)
    pauses = []
    for _ in range(3):
        step = play.receives(TransientFailure("away"))
        assert isinstance(step, Sleep)
        pauses.append(step.seconds)
        play.receives(NO_RESPONSE)
    assert pauses == [1.0, 2.0, 2.0]
    with pytest.raises(Unreachable, match="away"):
        play.receives(TransientFailure("away"))


def test_a_servers_retry_after_is_respected(tmp_path: Path) -> None:
    assert Play(tmp_path).receives(response(429, Retry_After="17")) == Sleep(17.0)


def test_what_is_held_is_not_sent(tmp_path: Path) -> None:
    play = Play(tmp_path, metadata={"filehash": "blake3:x"})
    assert play.request()[2]["Upload-Instant"] == "challenge"
    held = response(201, Location="/files/abc", Upload_Offset="10", Upload_Instant="1")
    assert play.receives(held) == UploadResult(url=URL, resumed_at=10, instant=True)


@pytest.mark.parametrize("taken", [True, False])
def test_a_challenge_is_answered(tmp_path: Path, taken: bool) -> None:
    play = Play(tmp_path, metadata={"filehash": "blake3:x"})
    nonce = bytes(range(32))
    challenge = f"v=1, nonce=:{base64.b64encode(nonce).decode()}:, n=256, w=4096, exp=60"
    play.receives(
        response(201, Location="/files/abc", Upload_Offset="0", Upload_Challenge=challenge)
    )
    method, _, headers = play.request()
    right = answer(nonce, 10, lambda at, count: CONTENT[at : at + count])
    assert method == "PATCH"
    assert headers["Upload-Proof"] == f":{base64.b64encode(right).decode()}:"
    play.receives(response(204, Upload_Offset="10" if taken else "0"))
    if taken:
        assert play.step == UploadResult(url=URL, resumed_at=10, instant=True)
    else:
        assert isinstance(play.step, Request)
        assert play.step.body is not None


@pytest.mark.parametrize(
    "challenge", ["", "v=2, nonce=:AAAA:", "v=1, n=256, w=4096", "v=1, nonce=:AAAA:, n=256, w=4096"]
)
def test_a_challenge_that_it_does_not_know_is_passed_over(tmp_path: Path, challenge: str) -> None:
    play = Play(tmp_path, metadata={"filehash": "blake3:x"})
    step = play.receives(response(201, Location="/files/abc", Upload_Challenge=challenge))
    assert isinstance(step, Request)
    assert step.body is not None


@pytest.mark.parametrize("key", ["", "a b", "a,b", "ключ", "a\tb", "a\r\nX-Forged: 1", "a\x7f"])
def test_a_key_that_no_header_can_have_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        metadata_header({"filename": "x", key: "y"})


@pytest.mark.parametrize(
    ("value", "sent"),
    [("bad\udcff\udce9", b"bad\xff\xe9"), ("视", "视".encode()), ("lone\ud800\udcff", b"lone??")],
)
def test_a_name_that_is_no_utf8_is_sent_as_it_is(value: str, sent: bytes) -> None:
    assert metadata_header({"filename": value}) == f"filename {base64.b64encode(sent).decode()}"


def test_a_file_whose_name_is_no_utf8_is_sent_and_resumed(tmp_path: Path) -> None:
    (tmp_path / "bad\udcff").write_bytes(CONTENT)
    first = Play(tmp_path, file=tmp_path / "bad\udcff")
    first.receives(MADE)
    assert Play(tmp_path, file=tmp_path / "bad\udcff").request()[:2] == ("HEAD", URL)


@pytest.mark.parametrize("change", ["replaced", "changed in place", "longer"])
def test_two_versions_of_a_file_are_not_put_together(tmp_path: Path, change: str) -> None:
    play = Play(tmp_path, chunk_bytes=4)
    play.receives(MADE)
    if change == "replaced":
        (tmp_path / "new").write_bytes(b"9876543210")
        (tmp_path / "new").replace(play.file)
    else:
        play.file.write_bytes(b"9876543210" if change == "changed in place" else CONTENT * 2)
    os.utime(play.file, (0, 0))
    with pytest.raises(Refused, match="changed while it was sent"):
        play.receives(response(204, Upload_Offset="4"))
    again = Play(tmp_path)
    assert again.request()[:2] == ("POST", ENDPOINT)


def test_a_file_that_changes_while_it_is_hashed_begins_again(tmp_path: Path) -> None:
    file = tmp_path / "file"
    play = Play(tmp_path, instant=True, hashed=lambda _: file.write_bytes(CONTENT * 2))
    with pytest.raises(Refused, match="changed while it was sent"):
        play.receives(MADE)
    assert Play(tmp_path).request()[:2] == ("POST", ENDPOINT)


def test_a_file_that_goes_while_it_is_sent_has_arrived(tmp_path: Path) -> None:
    play = Play(tmp_path)
    play.receives(MADE)
    play.file.unlink()
    assert isinstance(play.receives(response(204, Upload_Offset="10")), UploadResult)


def test_a_file_that_states_no_length_is_not_sent_as_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="standard input"):
        Play(tmp_path, file=Path("/proc/self/status"))


@pytest.mark.parametrize("status", [404, 405])
def test_an_address_that_creates_nothing_is_named(tmp_path: Path, status: int) -> None:
    with pytest.raises(Refused, match=f"{ENDPOINT} is no tus endpoint, it answered {status}"):
        Play(tmp_path).receives(response(status, b'{"detail": "Allowed here: GET, HEAD."}'))


def test_a_server_that_never_answered_is_not_tried_again(tmp_path: Path) -> None:
    away, contact = TransientFailure("no server answers there"), Contact()

    def play() -> Play:
        policy = RetryPolicy(retries=3, longest_pause=2.0, contact=contact)
        return Play(tmp_path, retry_policy=policy)

    with pytest.raises(Unreachable, match="no server answers there"):
        play().receives(away)
    # Another file of the same client was sent meanwhile.
    contact.made = True
    second = play()
    for _ in range(3):
        assert isinstance(second.receives(away), Sleep)
        second.receives(NO_RESPONSE)
    with pytest.raises(Unreachable):
        second.receives(away)
    # The third file does not wait as long.
    with pytest.raises(Unreachable):
        play().receives(away)


def test_a_file_that_is_given_up_takes_no_tries_from_one_that_is_being_sent(tmp_path: Path) -> None:
    away, contact = TransientFailure("no server answers there"), Contact(made=True)

    def play(folder: str) -> Play:
        (tmp_path / folder).mkdir()
        policy = RetryPolicy(retries=3, longest_pause=2.0, contact=contact)
        return Play(tmp_path / folder, retry_policy=policy)

    large, refused = play("large"), play("refused")
    large.receives(MADE)
    for _ in range(3):
        refused.receives(response(423))
        refused.receives(NO_RESPONSE)
    with pytest.raises(Unreachable):
        refused.receives(response(423))
    for _ in range(4):
        assert isinstance(large.receives(away), Sleep)
        large.receives(NO_RESPONSE)
    with pytest.raises(Unreachable):
        large.receives(away)


def test_a_wrong_host_name_is_not_tried_again_whatever_the_number(tmp_path: Path) -> None:
    policy = RetryPolicy(retries=3, longest_pause=2.0, retries_at_first=3)
    with pytest.raises(Unreachable):
        Play(tmp_path, retry_policy=policy).receives(TransientFailure("?", permanent=True))


@pytest.fixture
def _every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tusd_py.client.file_upload.DISCOVERY_BYTES", len(CONTENT))


@pytest.mark.usefixtures("_every_file_is_large")
@pytest.mark.parametrize("headers", [{"Tus_Max_Size": "10"}, {}, {"Tus_Max_Size": "many"}])
def test_a_large_file_is_hashed_once_the_server_has_answered(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    hashed: list[int] = []
    play = Play(tmp_path, instant=True, hashed=hashed.append)
    assert (play.request(), hashed) == (("OPTIONS", ENDPOINT, {}), [])
    play.receives(response(204, **headers))
    assert (play.request()[0], hashed) == ("POST", [10])
    assert "filehash " in play.request()[2]["Upload-Metadata"]


@pytest.mark.usefixtures("_every_file_is_large")
def test_a_file_that_the_server_would_not_take_is_not_hashed(tmp_path: Path) -> None:
    hashed: list[int] = []
    play = Play(tmp_path, instant=True, hashed=hashed.append)
    with pytest.raises(Refused, match="has 10 bytes, and the server takes at most 9"):
        play.receives(response(204, Tus_Max_Size="9"))
    away = Play(tmp_path, instant=True, hashed=hashed.append, retry_policy=at_once())
    with pytest.raises(Unreachable):
        away.receives(TransientFailure("no server answers there"))
    assert hashed == []


def test_a_small_file_needs_no_further_request(tmp_path: Path) -> None:
    assert Play(tmp_path, instant=True).request()[0] == "POST"


def at_once() -> RetryPolicy:
    return RetryPolicy(retries=3, longest_pause=2.0)
