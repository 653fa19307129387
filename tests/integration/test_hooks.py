"""Hooks of a running server: an application that decides, is notified, is away, and comes back."""

import base64
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from standardwebhooks import Webhook
from support.files import files_in
from support.media import video
from support.receiver import Received, Receiver
from support.served_app import served_app
from support.server import Server, running_server
from support.tus import TUS, chunk, create, creation, delete, post, task_id, upload
from support.waiting import wait_until

from tusd_py import Settings, create_app
from tusd_py.domain.errors import HookRefused, UploadNotFound
from tusd_py.domain.ids import UploadId
from tusd_py.hooks import HookNotification, Hooks, UploadChange
from tusd_py.settings.hooks import HooksSettings
from tusd_py.storage.port import UploadStore

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BODY = {**creation(5), "Content-Type": "application/offset+octet-stream"}
ALL = ["pre-create", "post-create", "post-finish", "post-complete"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def env(receiver: Receiver, **more: str) -> dict[str, str]:
    return {
        "TUSD_HOOKS__URL": receiver.url, "TUSD_HOOKS__SECRET": SECRET,
        "TUSD_JOBS__RELAY_EVERY": "0.1", **more,
    }  # fmt: skip


def stored_files(server: Server) -> list[Path]:
    return files_in(server.data_dir / "uploads")


def test_an_application_decides_and_is_notified_by_signed_requests(
    tmp_path: Path, receiver: Receiver
) -> None:
    with running_server(tmp_path / "data", env=env(receiver)) as server:
        task = upload(server, b"some text", "a.txt")
        wait_until(lambda: receiver.events() == ALL)
    for each in receiver.received:
        event = Webhook(SECRET).verify(each.body, each.headers)
        assert event["type"] == each.event
        assert (event["data"]["task_id"], event["data"]["filename"]) == (task, "a.txt")
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 4
    complete = receiver.received[-1].json["data"]
    assert complete["file_size"] == 9
    assert complete["repository_id"]
    assert "repository_id" not in receiver.received[1].json["data"]


def test_a_refusal_is_the_applications_sentence_and_leaves_nothing(
    tmp_path: Path, receiver: Receiver
) -> None:
    def answer(notification: Received) -> tuple[int, object]:
        is_wanted = notification.json["data"]["metadata"].get("album") == "7"
        return (200, {}) if is_wanted else (403, {"detail": "There is no such album."})

    receiver.answer = answer
    with running_server(tmp_path / "data", "--workers", "0", env=env(receiver)) as server:
        refused = post(server, 5, b"bytes", album="8")
        assert (refused.status_code, refused.json()["code"]) == (403, "hook_refused")
        assert refused.json()["detail"] == "There is no such album."
        form = httpx.post(f"{server.url}/api/file/upload", files={"file": ("a", b"x")})
        assert (form.status_code, form.json()["code"]) == (403, "hook_refused")
        assert not stored_files(server)
        assert httpx.get(f"{server.url}/api/file/upload/tasks").json()["total"] == 0
        assert post(server, 5, b"bytes", album="7").status_code == 201


def test_the_application_decides_about_parts_too(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answer = lambda _: (403, {"detail": "No."})
    with running_server(tmp_path / "data", "--workers", "0", env=env(receiver)) as server:
        refused = post(server, 5, b"bytes", concat="partial")
        assert (refused.status_code, refused.json()["code"]) == (403, "hook_refused")
        assert not list((server.data_dir / "uploads").rglob("*.bin"))
    (decision,) = receiver.received
    assert (decision.event, decision.json["data"]["partial"]) == ("pre-create", True)


def test_a_deletion_and_an_expiry_are_events(tmp_path: Path, receiver: Receiver) -> None:
    more = {**env(receiver), "TUSD_UPLOAD_EXPIRES": "2s"}
    with running_server(tmp_path / "data", env=more) as server:
        whole = upload(server, b"whole", "whole")
        wait_until(lambda: "post-complete" in receiver.events())
        assert delete(f"{server.files}{whole}").status_code == 204
        open_upload = task_id(create(server, 5))
        wait_until(lambda: "post-expire" in receiver.events(), timeout=60)
        wait_until(lambda: "post-terminate" in receiver.events())
    ends = {each.event: each.json["data"]["task_id"] for each in receiver.received}
    assert (ends["post-terminate"], ends["post-expire"]) == (whole, open_upload)


def test_what_our_own_rules_refuse_calls_no_hook(tmp_path: Path, receiver: Receiver) -> None:
    with running_server(tmp_path / "data", "--workers", "0", env=env(receiver)) as server:
        made = create(server, 5, b"bytes", concat="partial")
        wait_until(lambda: len(receiver.received) == 1)
        receiver.received.clear()
        for parts, status in ((f"{server.files}{'0' * 32}", 400), (made, 201)):
            assert post(server, None, concat=f"final;{parts}").status_code == status
        assert post(server, 1 << 50).status_code == 413
        assert receiver.events().count("pre-create") == 1, (
            "only for the final upload that is possible"
        )


@pytest.mark.parametrize("trouble", ["answers 500", "is away", "answers too much", "is silent"])
def test_without_an_answer_no_upload_begins(
    tmp_path: Path, receiver: Receiver, trouble: str
) -> None:
    if trouble == "is away":
        receiver.close()
    over = threading.Event()

    def answer(_event: Received) -> tuple[int, object]:
        if trouble == "is silent":
            over.wait(60)
        return (200, {"x": "y" * 20_000}) if trouble == "answers too much" else (500, None)

    receiver.answer = answer
    settings = env(receiver, TUSD_HOOKS__TIMEOUT="0.5")
    with running_server(tmp_path / "data", "--workers", "0", env=settings) as server:
        refused = post(server, 5, b"bytes")
        over.set()
        assert (refused.status_code, refused.json()["code"]) == (503, "hook_unavailable")
        assert refused.headers["Retry-After"]
    if trouble == "is away":
        receiver.__init__()  # type: ignore[misc]


def test_undelivered_events_are_delivered_later_in_order_through_kill_9(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answer = lambda notification: (
        200 if notification.event == "pre-create" else 500,
        None,
    )
    with running_server(tmp_path / "data", env=env(receiver)) as server:
        task = upload(server, b"some text", "a.txt")
        server.wait_for_status(task, "completed")
        wait_until(lambda: "post-create" in receiver.events())
        assert "post-finish" not in receiver.events(), "it waits for the earlier event"
        server.kill()
        receiver.answer = lambda _: (204, None)
        server.start()
        wait_until(lambda: receiver.events()[-1] == "post-complete", timeout=90)
    deliveries = [each for each in receiver.received if each.event == "post-create"]
    assert len({each.headers["webhook-id"] for each in deliveries}) == 1, (
        "the same event, delivered again"
    )
    events = receiver.events()
    assert events[events.index("post-finish") :] == ["post-finish", "post-complete"]


def test_a_failure_is_delivered_with_its_reason(tmp_path: Path, receiver: Receiver) -> None:
    failing = {"TUSD_MEDIA__ON_FAILURE": "fail", "TUSD_MEDIA__MAX_PIXELS": "100"}
    with running_server(tmp_path / "data", env=env(receiver, **failing)) as server:
        upload(server, video(tmp_path / "clip.mp4"))
        wait_until(lambda: "post-fail" in receiver.events(), timeout=60)
    data = receiver.received[-1].json["data"]
    assert data["error"]
    assert data["error_code"]


def test_tusds_format_and_its_way_to_refuse(tmp_path: Path, receiver: Receiver) -> None:
    def answer(notification: Received) -> tuple[int, object]:
        facts = notification.json["Event"]["Upload"]["MetaData"]
        refuses = notification.event == "pre-create" and facts.get("filename") == "no"
        answered = {"RejectUpload": True, "HTTPResponse": {"StatusCode": 400, "Body": "Not this."}}
        return 200, answered if refuses else {}

    receiver.answer = answer
    with running_server(tmp_path / "data", env=env(receiver, TUSD_HOOKS__FORMAT="tusd")) as server:
        refused = post(server, 5, b"bytes", filename="no")
        assert (refused.status_code, refused.json()["detail"]) == (400, "Not this.")
        task = upload(server, b"some text", "a.txt")
        wait_until(lambda: receiver.events()[1:] == ALL)
    event = receiver.received[-1].json
    assert event["Type"] == "post-complete"
    assert (event["Event"]["Upload"]["ID"], event["Event"]["Upload"]["Offset"]) == (task, 9)
    assert event["Event"]["Upload"]["Storage"]["Path"]


def test_only_chosen_events_are_delivered(tmp_path: Path, receiver: Receiver) -> None:
    wanted = env(receiver, TUSD_HOOKS__EVENTS="post-complete")
    with running_server(tmp_path / "data", env=wanted) as server:
        upload(server, b"some text", "a.txt")
        wait_until(lambda: receiver.events() == ["post-complete"])


def test_functions_of_the_application_decide_and_are_notified(tmp_path: Path) -> None:
    seen: list[HookNotification] = []

    async def decide(notification: HookNotification) -> None:
        if notification.upload.filename == "no":
            raise HookRefused("Not this.")
        if notification.upload.filename == "broken":
            raise RuntimeError("a fault of the application")

    def complete(notification: HookNotification) -> None:
        seen.append(notification)
        if seen[-2].event is not notification.event:
            raise RuntimeError("once")

    async def finish(notification: HookNotification) -> None:
        seen.append(notification)

    hooks = Hooks(pre_create=decide, post_finish=finish, post_complete=complete)
    settings = Settings(data_dir=tmp_path, workers=1, jobs={"relay_every": 0.05})

    async def main() -> None:
        async with served_app(settings, hooks=hooks) as app:
            for name, status in (("no", 403), ("broken", 503), ("yes", 201)):
                head = creation(5, has_body=True, filename=name)
                answer = await app.client.post("/files/", headers=head, content=b"bytes")
                assert answer.status_code == status
            with anyio.fail_after(30):
                while len(seen) < 3:
                    await anyio.sleep(0.02)

    anyio.run(main)
    names = [notification.event.value for notification in seen]
    assert names == ["post-finish", "post-complete", "post-complete"]
    assert seen[-1].repository_id


def test_a_place_without_hooks_is_refused_at_start(tmp_path: Path) -> None:
    for place, why in (("os:path", "is not a tusd_py.hooks.Hooks"), ("no.such:x", "imported")):
        with pytest.raises(Exception, match=why):
            create_app(Settings(data_dir=tmp_path, hooks={"callables": place}))


TUSD = {"TUSD_HOOKS__FORMAT": "tusd", "TUSD_HOOKS__EVENTS": "pre-create"}


def test_the_application_gets_listed_header_fields_of_the_request_and_no_others(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = env(receiver, **TUSD, TUSD_HOOKS__FORWARD_HEADERS="X-Tenant,X-Absent")
    with running_server(tmp_path / "data", "--workers", "0", env=settings) as server:
        fields = {**creation(5), "X-Tenant": "blue", "Cookie": "secret"}
        httpx.post(f"{server.files}?a=b", headers=fields).raise_for_status()
        form = {"file": ("a", b"x")}
        httpx.post(f"{server.url}/api/file/upload", files=form, headers={"X-Tenant": "red"})
    first, second = (each.json["Event"]["HTTPRequest"] for each in receiver.received)
    assert first == {
        "Method": "POST", "URI": "/files/?a=b", "RemoteAddr": "127.0.0.1",
        "Header": {"X-Tenant": ["blue"]},
    }  # fmt: skip
    assert (second["URI"], second["Header"]) == ("/api/file/upload", {"X-Tenant": ["red"]})


@pytest.mark.parametrize(
    ("response", "status", "content_type", "text"),
    [
        (
            {"StatusCode": 422, "Body": '{"no": 1}', "Header": {"Content-Type": "application/json"}},
            422, "application/json", '{"no": 1}',
        ),
        (
            {"StatusCode": 413, "Body": "Too much.", "Header": {"content-type": "text/plain"}},
            413, "text/plain; charset=utf-8", "Too much.",
        ),
        ({"StatusCode": 409, "Body": "Later."}, 409, "application/problem+json", '"detail": "Later."'),
        # No page runs in our name, and what is no refusal is not taken for one.
        (
            {"StatusCode": 200, "Body": "<b>", "Header": {"Content-Type": "text/html"}},
            403, "application/problem+json", '"code": "hook_refused"',
        ),
        ("nonsense", 403, "application/problem+json", '"code": "hook_refused"'),
    ],
)  # fmt: skip
def test_a_refusal_may_have_its_own_status_and_body(
    tmp_path: Path,
    receiver: Receiver,
    response: object,
    status: int,
    content_type: str,
    text: str,
) -> None:
    receiver.answer = lambda _: (200, {"RejectUpload": True, "HTTPResponse": response})
    with running_server(tmp_path / "data", "--workers", "0", env=env(receiver, **TUSD)) as server:
        refused = post(server, 5, b"bytes")
        assert (refused.status_code, refused.headers["Content-Type"]) == (status, content_type)
        assert text in refused.text
        assert refused.headers["Tus-Resumable"] == "1.0.0"
        assert refused.headers["X-Content-Type-Options"] == "nosniff"
        assert not stored_files(server)


def test_a_refusal_by_status_may_have_its_own_status_and_body_too(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (413, {"HTTPResponse": {"StatusCode": 413, "Body": "Too much."}})
    with running_server(tmp_path / "data", "--workers", "0", env=env(receiver, **TUSD)) as server:
        refused = post(server, 5, b"bytes")
        assert (refused.status_code, refused.json()["detail"]) == (413, "Too much.")


def test_an_application_may_choose_id_and_metadata(tmp_path: Path, receiver: Receiver) -> None:
    own = "0123456789abcdef" * 2
    info = {"ID": own, "MetaData": {"filename": "b.txt", "album": "文"}}
    receiver.answer = lambda _: (200, {"ChangeFileInfo": info})
    with running_server(tmp_path / "data", "--workers", "0", env=env(receiver, **TUSD)) as server:
        made = post(server, 5, b"by", filename="a.txt", secret="x")
        url = made.headers["Location"]
        assert url == f"{server.files}{own}"
        found = httpx.head(url, headers=TUS)
        sent = base64.b64encode("文".encode()).decode()
        assert found.headers["Upload-Metadata"] == f"filename Yi50eHQ=,album {sent}"
        assert found.headers["Upload-Offset"] == "2"
        # The same id again: the first upload stays as it is.
        for body in (b"other", None):
            taken = post(server, 5, body)
            assert (taken.status_code, taken.json()["code"]) == (403, "hook_refused")
        assert httpx.head(url, headers=TUS).headers["Upload-Offset"] == "2"
        # A form has the metadata, and an id of the server.
        form = httpx.post(f"{server.url}/api/file/upload", files={"file": ("c.txt", b"x")})
        assert form.status_code == 200
        assert form.json()["task_id"] != own


@pytest.mark.parametrize(
    "info",
    [
        {"ID": "../x"}, {"ID": "my-id"}, {"ID": 7}, {"MetaData": "x"}, {"MetaData": {"a": 1}},
        {"MetaData": {"a b": "x"}}, {"MetaData": {"a": "x" * 15_000}},
    ],
    ids=str,
)  # fmt: skip
def test_a_change_that_is_not_possible_creates_nothing(
    tmp_path: Path, receiver: Receiver, info: object
) -> None:
    receiver.answer = lambda _: (200, {"ChangeFileInfo": info})
    with running_server(tmp_path / "data", "--workers", "0", env=env(receiver, **TUSD)) as server:
        refused = post(server, 5, b"bytes")
        assert (refused.status_code, refused.json()["code"]) == (503, "hook_unavailable")
        assert not stored_files(server)


def test_our_rules_hold_for_what_the_application_changes(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (200, {"ChangeFileInfo": {"MetaData": {"filename": "a.exe"}}})
    settings = env(receiver, **TUSD, TUSD_WHITELIST__EXTENSIONS="txt")
    with running_server(tmp_path / "data", "--workers", "0", env=settings) as server:
        refused = post(server, 5, b"bytes", filename="a.txt")
        assert (refused.status_code, refused.json()["code"]) == (400, "type_not_allowed")


def test_progress_is_sent_while_a_body_arrives(tmp_path: Path, receiver: Receiver) -> None:
    settings = env(
        receiver,
        TUSD_HOOKS__EVENTS="post-receive,post-finish",
        TUSD_HOOKS__PROGRESS_INTERVAL="0.01",
    )

    def body() -> Iterator[bytes]:
        sent = 0
        while "post-receive" not in receiver.events() and sent < 1 << 29:
            yield bytes(1 << 20)
            sent += 1 << 20

    with running_server(tmp_path / "data", "--workers", "0", env=settings) as server:
        url = create(server, None)
        patched = httpx.patch(url, headers=chunk(0), content=body(), timeout=60)
        length = int(patched.headers["Upload-Offset"])
        httpx.patch(url, headers=chunk(length, Upload_Length=str(length))).raise_for_status()
        wait_until(lambda: "post-finish" in receiver.events())
    # The last progress may be on its way when the finish is delivered.
    progress = [each for each in receiver.received if each.event == "post-receive"]
    seen = [each.json["data"]["offset"] for each in progress]
    assert seen == sorted(seen)
    assert 0 < seen[0] <= length


def test_a_function_may_change_an_upload_and_see_its_header(tmp_path: Path) -> None:
    def decide(notification: HookNotification) -> UploadChange:
        assert notification.request is not None
        tenant = notification.request.headers["X-Tenant"][0]
        return UploadChange(metadata={"filename": f"{tenant}.txt"})

    settings = Settings(
        data_dir=tmp_path, workers=0, hooks=HooksSettings(forward_headers=("X-Tenant",))
    )

    async def scene() -> None:
        async with served_app(settings, hooks=Hooks(pre_create=decide)) as app:
            fields = {**creation(5), "X-Tenant": "blue"}
            made = await app.client.post("/files/", headers=fields)
            found = await app.client.head(made.headers["Location"], headers=TUS)
            assert found.headers["Upload-Metadata"] == "filename Ymx1ZS50eHQ="

    anyio.run(scene)


def test_of_two_creations_with_one_chosen_id_the_first_is_not_disturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = UploadId("0123456789abcdef" * 2)
    settings = Settings(data_dir=tmp_path, workers=0)

    async def scene() -> None:
        hooks = Hooks(pre_create=lambda _: UploadChange(id=own))
        async with served_app(settings, hooks=hooks) as app:
            uploads = app.context.uploads
            # Each creation finds the id free, as if both had looked at the same time.
            monkeypatch.setattr(uploads.catalog.uploads, "get", lambda _: None)
            others_done = anyio.Event()

            async def body() -> AsyncIterator[bytes]:
                yield b"fi"
                await others_done.wait()
                yield b"rst"

            async def first() -> None:
                made = await app.client.post("/files/", headers=BODY, content=body())
                assert (made.status_code, made.headers["Upload-Offset"]) == (201, "5")

            async with anyio.create_task_group() as group:
                group.start_soon(first)
                while not _is_stored(uploads.stores.uploads, own, 2):
                    await anyio.sleep(0.01)
                for more in ({"content": b"other"}, {"content": body()}, {}):
                    headers = BODY if more else creation(5)
                    taken = await app.client.post("/files/", headers=headers, **more)
                    assert (taken.status_code, taken.json()["code"]) == (403, "hook_refused")
                others_done.set()
            with uploads.stores.uploads.reader(own) as reader:
                assert reader.read(0, 10) == b"first"

    anyio.run(scene)


def _is_stored(store: UploadStore, upload_id: UploadId, size: int) -> bool:
    try:
        return store.offset(upload_id) == size
    except UploadNotFound:
        return False
