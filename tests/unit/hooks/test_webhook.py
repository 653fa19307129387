"""Tests that a library of Standard Webhooks accepts the signatures, and only these."""

import asyncio
import base64
from contextlib import closing

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from support.catalog import upload
from support.receiver import Receiver

from tusd_py.clock import SystemClock
from tusd_py.domain.errors import HookUnavailable
from tusd_py.domain.hook import HookEvent, UploadChange
from tusd_py.hooks.payload import HookNotification
from tusd_py.hooks.webhook import Webhook as OwnWebhook
from tusd_py.hooks.webhook import key_of, signature

KEY = bytes(range(32))
ENCODED = f"whsec_{base64.b64encode(KEY).decode()}"


def test_a_key_is_base64_or_a_text() -> None:
    assert key_of(ENCODED) == KEY
    assert key_of("a text") == b"a text"
    assert key_of("") == b""
    with pytest.raises(ValueError, match=r"."):
        key_of("whsec_no base64")


@pytest.mark.parametrize("changed", ["", "webhook-id", "webhook-timestamp", "body"])
def test_a_receiver_verifies_id_time_and_body(changed: str) -> None:
    seconds, body = int(SystemClock().now()), b'{"type": "post-finish"}'
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(seconds),
        "webhook-signature": signature(KEY, "msg-1", str(seconds), body),
    }
    verify = Webhook(ENCODED).verify
    if not changed:
        verify(body, headers)
        return
    other = {"webhook-id": "msg-2", "webhook-timestamp": str(seconds - 1)}
    with pytest.raises(WebhookVerificationError):
        verify(
            body + b" " if changed == "body" else body,
            {**headers, **{name: other[name] for name in other if name == changed}},
        )


def test_an_address_that_does_not_answer_is_named_to_operators() -> None:
    url = "http://user:canary@127.0.0.1:1/hook?key=canary"
    webhook = OwnWebhook(url, secret="", payload="tusd-py", timeout=5, clock=SystemClock())
    notification = HookNotification(id="1", event=HookEvent.PRE_CREATE, at=0.0, upload=upload())

    async def refused() -> HookUnavailable:
        with pytest.raises(HookUnavailable) as caught:
            await webhook.decide(notification)
        await webhook.close()
        return caught.value

    error = asyncio.run(refused())
    place = "the application, its hook at http://********@127.0.0.1:1/hook?********: "
    assert error.reason.startswith(place)
    assert "canary" not in error.reason
    assert error.detail == HookUnavailable.sentence


@pytest.mark.parametrize(
    "answer",
    [
        {"RejectUpload": True, "HTTPResponse": {"Body": "\ud800"}},
        {"ChangeFileInfo": {"ID": 1e999}},
        {"RejectUpload": "true"},
        {"RejectUpload": 1},
    ],
    ids=ascii,
)
def test_what_may_be_a_refusal_is_not_taken_for_a_permission(answer: object) -> None:
    with pytest.raises(HookUnavailable):
        decide(answer)


@pytest.mark.parametrize("answer", [None, "taken", [], {}, {"RejectUpload": None}], ids=str)
def test_an_answer_without_members_is_a_permission(answer: object) -> None:
    assert decide(answer) is None


def decide(answer: object) -> UploadChange | None:
    """Return the decision by an answer with status 200."""
    receiver = Receiver(lambda _: (200, answer))
    webhook = OwnWebhook(receiver.url, secret="", payload="tusd-py", timeout=5, clock=SystemClock())
    notification = HookNotification(id="1", event=HookEvent.PRE_CREATE, at=0.0, upload=upload())

    async def decided() -> UploadChange | None:
        try:
            return await webhook.decide(notification)
        finally:
            await webhook.close()

    with closing(receiver):
        return asyncio.run(decided())
