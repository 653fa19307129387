"""Clients against a server that wants their credentials."""

from pathlib import Path

import pytest
from support.hostile import HostileServer, Request, answer
from support.hostile_clients import CONTENT, KINDS, TASK, TOKEN, quick, upload_by

from tusd_py.client import Client, Refused
from tusd_py.client.resume_store import FileVersion, ResumeStore, SavedUpload


@pytest.mark.parametrize(
    "location",
    [
        "{other}/files/abc",
        "//127.0.0.1:{other_port}/files/abc",
        "http://user@127.0.0.1:{other_port}/files/abc",
        "http://x:y@127.0.0.1:{port}/files/abc",
        "https://127.0.0.1:{port}/files/abc",
        "http://localhost:{port}/files/abc",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/abc",
        "http://127.0.0.1:99999/abc",
        "http://127.0.0.1:{port}/" + "a" * 9000,
        "",
    ],
)
def test_nothing_is_sent_where_another_origin_is_named(
    file: Path, tmp_path: Path, location: str
) -> None:
    kinds = KINDS if location.startswith("{other}") else KINDS[:1]
    with HostileServer(lambda _: answer(204, Upload_Offset="10")) as other:

        def made(_: Request) -> bytes:
            named = location.format(other=other.origin, other_port=other.port, port=server.port)
            return answer(201, Location=named)

        with HostileServer(made) as server:
            for kind in kinds:
                with pytest.raises(Refused):
                    upload_by(kind, server.files, file, tmp_path)
            assert [request.method for request in server.requests] == ["POST"] * len(kinds)
        assert other.requests == []


@pytest.mark.parametrize("kind", KINDS)
def test_redirects_of_an_upload_are_not_followed(file: Path, tmp_path: Path, kind: str) -> None:
    with (
        HostileServer(lambda _: answer(204)) as other,
        HostileServer(lambda _: answer(307, Location=f"{other.origin}/files/")) as server,
    ):
        with pytest.raises(Refused, match="redirects are not followed"):
            upload_by(kind, server.files, file, tmp_path)
        assert len(server.requests) == 1
        assert other.requests == []


def test_an_upload_is_not_resumed_at_another_server(file: Path, tmp_path: Path) -> None:
    with HostileServer(lambda _: answer(200, Upload_Offset="0")) as other:

        def answering(request: Request) -> bytes:
            if request.method == "POST":
                return answer(201, Location="/files/own")
            return answer(204, Upload_Offset="10")

        with HostileServer(answering) as server:
            remembered = ResumeStore(tmp_path / "state")
            saved = SavedUpload(f"{other.origin}/files/x", "upload-token")
            remembered.put(file, FileVersion.of(file), server.files, saved)
            upload_by("blocking", server.files, file, tmp_path)
            assert [request.method for request in server.requests] == ["POST", "PATCH"]
        assert other.requests == []


def test_a_user_in_the_address_is_sent_to_its_origin_and_kept_out_of_addresses(
    file: Path, tmp_path: Path
) -> None:
    def answering(request: Request) -> bytes:
        if request.method == "POST":
            return answer(201, Location=f"http://127.0.0.1:{server.port}/files/a")
        return answer(204, Upload_Offset="10")

    with HostileServer(answering) as server:
        url = f"http://ann:s3cret@127.0.0.1:{server.port}/files/"
        with Client(url, options=quick(tmp_path)) as client:
            sent = client.upload(file, instant=False)
        assert sent.url == f"{server.files}a"
        assert {request.headers["authorization"] for request in server.requests} == {
            "Basic YW5uOnMzY3JldA=="
        }


def test_a_download_follows_its_link_without_credentials(tmp_path: Path) -> None:
    with (
        HostileServer(lambda _: answer(200, CONTENT, ETag='"e"')) as storage,
        HostileServer(lambda _: answer(307, Location=f"{storage.origin}/b?signature=s")) as server,
    ):
        target = tmp_path / "back.bin"
        with Client(server.files, token=TOKEN, options=quick(tmp_path)) as client:
            client.download(client.known_upload(TASK), target)
        assert target.read_bytes() == CONTENT
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert storage.requests[0].target == "/b?signature=s"
        assert TOKEN not in str(storage.requests)


def test_credentials_do_not_come_back_after_a_detour(tmp_path: Path) -> None:
    with HostileServer(lambda _: answer(307, Location=f"{server.files}secret")) as other:

        def answering(request: Request) -> bytes:
            if request.target.endswith("secret"):
                return answer(200, b"x")
            return answer(307, Location=f"{other.origin}/away")

        with HostileServer(answering) as server:
            with Client(server.files, token=TOKEN, options=quick(tmp_path)) as client:
                client.download(client.known_upload(TASK), tmp_path / "x")
            assert "authorization" in server.requests[0].headers
            assert "authorization" not in server.requests[1].headers


@pytest.mark.parametrize("location", ["file:///etc/passwd", "", "/files/again", "http://a@b/"])
def test_a_redirect_that_leads_nowhere_ends(tmp_path: Path, location: str) -> None:
    with HostileServer(lambda _: answer(302, Location=location)) as server:
        with (
            Client(server.files, token=TOKEN, options=quick(tmp_path)) as client,
            pytest.raises(Refused, match="redirects"),
        ):
            client.download(client.known_upload(TASK), tmp_path / "x")
        assert len(server.requests) <= 6
    assert not (tmp_path / "x").exists()
