"""Hooks of a running server: an application that decides, is notified, is away, and comes back."""

import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from standardwebhooks import Webhook
from support.media import video
from support.receiver import Received, Receiver
from support.served_app import served_app
from support.server import running_server
from support.tus import create, creation, post, upload
from support.waiting import wait_until

from tusd_py import Settings, create_app
from tusd_py.domain.errors import HookRefused
from tusd_py.hooks import HookNotification, Hooks

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
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
        assert not list((server.data_dir / "uploads").rglob("*.bin"))
        assert httpx.get(f"{server.url}/api/file/upload/tasks").json()["total"] == 0
        assert post(server, 5, b"bytes", album="7").status_code == 201


def test_what_our_own_rules_refuse_calls_no_hook(tmp_path: Path, receiver: Receiver) -> None:
    with running_server(tmp_path / "data", "--workers", "0", env=env(receiver)) as server:
        made = create(server, 5, b"bytes", concat="partial")
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
        assert (refused.status_code, refused.json()["detail"]) == (403, "Not this.")
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
