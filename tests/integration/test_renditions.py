"""What is made of a file and what is kept of it, in a real process with real ffmpeg."""

import sqlite3
import struct
from pathlib import Path

import httpx
import pytest
from support.media import video
from support.server import STILLS, Server, running_server
from support.tokens import SECRET, token
from support.tus import create, delete, post, task_id, upload
from support.waiting import wait_until

FAST = {"TUSD_MEDIA__PRESET": "ultrafast"}


def renditions(server: Server, task: str) -> dict[str, object]:
    answer = httpx.get(f"{server.url}/api/file/upload/renditions/{task}")
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_films_original_is_kept_with_its_web_copy(tmp_path: Path) -> None:
    env = {**FAST, **STILLS, "TUSD_MEDIA__KEEP_ORIGINAL": "always"}
    with running_server(tmp_path / "data", env=env) as server:
        source = video(tmp_path / "clip.mkv")
        sent = source.read_bytes()
        task = upload(server, source)
        done = server.wait_for_status(task, "completed", "failed")
        assert done["status"] == "completed", done
        assert done["renditions"] == ["web", "original", "poster", "thumbnail"]
        url = f"{server.files}{task}"
        web = httpx.get(url)
        assert web.content[4:8] == b"ftyp"
        assert 'filename="clip.mp4"' in web.headers["Content-Disposition"]
        first = httpx.get(f"{url}?rendition=original").headers["Content-Disposition"]
        assert 'filename="clip.mkv"' in first
        assert httpx.get(f"{url}?rendition=web").content == web.content
        assert httpx.get(f"{url}?rendition=original").content == sent
        part = httpx.get(f"{url}?rendition=original", headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, sent[10:20])
        for name in ("none", "", "..%2Fx", "Original", "a" * 64, "original&rendition=web"):
            refused = httpx.get(f"{url}?rendition={name}")
            assert (refused.status_code, refused.json()["code"]) == (404, "rendition_not_found")
        listed = renditions(server, task)
        assert listed["main"] == "web"
        assert listed["file_size"] == len(sent)
        entries = {one["name"]: one for one in listed["renditions"]}  # type: ignore[attr-defined]
        assert list(entries)[:2] == ["web", "original"]
        assert entries["web"]["oss_path"] == done["oss_path"]
        assert httpx.get(f"{server.url}{entries['original']['url']}").content == sent
        assert entries["original"]["hash"] == listed["file_hash"]
        for name, facts in (
            ("poster", {"width": 160, "height": 120}),
            ("thumbnail", {"width": 160, "height": 120}),
        ):
            assert (entries[name]["content_type"], entries[name]["facts"]) == ("image/jpeg", facts)
            picture = httpx.get(f"{server.url}{entries[name]['url']}").content
            assert (picture[:3], picture[-2:]) == (b"\xff\xd8\xff", b"\xff\xd9")
        again = upload(server, source)
        assert server.progress(again)["renditions"] == done["renditions"]
        assert httpx.get(f"{server.files}{again}?rendition=original").content == sent
        for one in (task, again):
            assert delete(f"{server.files}{one}").status_code == 204
        catalog = sqlite3.connect(server.data_dir / "catalog.sqlite3")
        assert catalog.execute("SELECT count(*) FROM renditions").fetchone() == (0,)
        catalog.close()


def test_what_was_stored_as_it_came_is_the_original(server: Server) -> None:
    task = upload(server, b"just a text", "a.txt")
    assert server.wait_for_status(task, "completed")["renditions"] == ["original"]
    for query in ("", "?rendition=original"):
        assert httpx.get(f"{server.files}{task}{query}").content == b"just a text"
    assert httpx.get(f"{server.files}{task}?rendition=web").status_code == 404
    assert renditions(server, task)["main"] == "original"


def test_other_users_renditions_can_not_be_listed_or_read(tmp_path: Path) -> None:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path / "data", env=env) as server:
        mine, theirs = ({"Authorization": f"Bearer {token(user)}"} for user in (1, 2))
        task = upload(server, b"mine", "a", headers=mine)
        listed = f"{server.url}/api/file/upload/renditions/{task}"
        wait_until(lambda: httpx.get(listed, headers=mine).status_code == 200)
        assert httpx.get(listed, headers=theirs).status_code == 404
        assert httpx.get(listed).status_code == 401
        url = f"{server.files}{task}?rendition=original"
        assert httpx.get(url, headers=mine).content == b"mine"
        assert httpx.get(url, headers=theirs).status_code == 404
        other = task_id(create(server, 9, headers=mine))
        answer = httpx.get(f"{server.url}/api/file/upload/renditions/{other}", headers=mine)
        assert (answer.status_code, answer.json()["code"]) == (409, "upload_unfinished")


@pytest.mark.parametrize(("policy", "kept"), [("never", ["web"]), ("always", ["web", "original"])])
def test_the_settings_decide_whether_the_original_is_kept(
    tmp_path: Path, policy: str, kept: list[str]
) -> None:
    env = {**FAST, "TUSD_MEDIA__KEEP_ORIGINAL": policy}
    with running_server(tmp_path / "data", env=env) as server:
        task = upload(server, video(tmp_path / "clip.mp4"))
        done = server.wait_for_status(task, "completed", "failed")
        assert [name for name in done["renditions"] if name in ("web", "original")] == kept


def test_a_client_chooses_only_a_profile_that_is_offered(tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "media: {preset: ultrafast, profiles: {asis: {video: {web: false}}}, "
        "profile_choice: [asis]}"
    )
    with running_server(tmp_path / "data", "--config", str(settings), env=STILLS) as server:
        content = video(tmp_path / "clip.mp4").read_bytes()

        refused = post(server, len(content), content, filename="clip.mp4", profile="other")
        assert (refused.status_code, refused.json()["code"]) == (400, "profile_not_allowed")
        task = upload(server, content, "clip.mp4", profile="asis")
        done = server.wait_for_status(task, "completed", "failed")
        assert done["renditions"] == ["original", "poster", "thumbnail"]


def test_the_original_of_an_avi_is_kept_for_what_its_camera_wrote_with_the_film(
    tmp_path: Path,
) -> None:
    plain = video(tmp_path / "plain.avi", sound=False)
    content = bytearray(plain.read_bytes() + struct.pack("<4sI", b"_PMX", 12) + b"<x:xmpmeta/>")
    struct.pack_into("<I", content, 4, len(content) - 8)
    (tmp_path / "more.avi").write_bytes(content)
    with running_server(tmp_path / "data", env={**FAST, **STILLS}) as server:
        kept = {}
        for name in ("plain.avi", "more.avi"):
            task = upload(server, tmp_path / name)
            done = server.wait_for_status(task, "completed", "failed")
            kept[name] = ("original" in done["renditions"], done["note_codes"])
        assert kept == {"plain.avi": (False, []), "more.avi": (True, ["not_all_carried"])}
