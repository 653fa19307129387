"""Sends hooks over HTTP: signed POST requests to one address.

The signature follows Standard Webhooks (standardwebhooks.com, symmetric): HMAC-SHA-256 over
``id.timestamp.body``, so that a receiver can use one of the Standard Webhooks libraries.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

import anyio
import httpx

from tusd_py.bounded_http import IDENTITY, UnusableAnswer, read_bounded
from tusd_py.clock import Clock
from tusd_py.domain.errors import HookRefused, HookUnavailable
from tusd_py.domain.hook import UploadChange
from tusd_py.domain.ids import parse_upload_id
from tusd_py.domain.service_failure import failure_text
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object
from tusd_py.hooks.payload import HookNotification, own_format, tusd_format
from tusd_py.protocol.fields import media_type

MAX_ANSWER_BYTES: Final = 16 * 1024
MAX_SENTENCE: Final = 500
BODY_TYPES: Final = frozenset({"text/plain", "application/json", "application/problem+json"})
"""Types of an application's own body of a refusal: browsers run none of them."""


class Webhook:
    """Sends events to one address."""

    def __init__(
        self,
        url: str,
        *,
        secret: str,
        payload: Literal["tusd-py", "tusd"],
        timeout: float,
        clock: Clock,
    ) -> None:
        """Store the address and the signing key.

        Args: secret: ``whsec_`` and base64, or any text; '': requests are not signed.
            timeout: seconds for the whole of a response.
        """
        self._url = url
        self._key = key_of(secret)
        self._form = tusd_format if payload == "tusd" else own_format
        self._clock = clock
        self._timeout = timeout
        self._http = httpx.AsyncClient(timeout=timeout, follow_redirects=False)

    async def decide(self, notification: HookNotification) -> UploadChange | None:
        """Return what the application changes of the upload that it allows; None: nothing.

        Raises: HookRefused; HookUnavailable: there is no usable answer.
        """
        answer = await self._post(notification)
        refused = 400 <= answer.status_code < 500
        if not (answer.is_success or refused):
            raise self._unavailable(f"status {answer.status_code}")
        members = _members(answer)
        if refused and "HTTPResponse" not in members:
            raise HookRefused(_sentence(members))
        rejected = members.get("RejectUpload")
        if refused or rejected is True:
            raise _refusal(members.get("HTTPResponse"))
        if rejected not in (False, None) or (not members and _is_object(answer.content)):
            # It may be a refusal.
            raise self._unavailable("an answer that can't be read")
        return _change(members.get("ChangeFileInfo"))

    async def deliver(self, notification: HookNotification) -> None:
        """Send an event. Raises: HookUnavailable: the event must be sent again."""
        answer = await self._post(notification)
        if not answer.is_success:
            raise self._unavailable(f"status {answer.status_code}")

    def _unavailable(self, said: str, sentence: str | None = None) -> HookUnavailable:
        reason = failure_text("the application, its hook", self._url, said)
        return HookUnavailable(sentence, reason=reason)

    async def _post(self, notification: HookNotification) -> httpx.Response:
        body = json.dumps(self._form(notification), ensure_ascii=False).encode()
        seconds = str(int(self._clock.now()))
        headers = {
            **IDENTITY,
            "Content-Type": "application/json",
            "Hook-Name": notification.event.value,
            "webhook-id": notification.id,
            "webhook-timestamp": seconds,
        }
        if self._key:
            headers["webhook-signature"] = signature(self._key, notification.id, seconds, body)
        try:
            with anyio.fail_after(self._timeout):
                return await self._answer(body, headers)
        except UnusableAnswer as error:
            sentence = f"The application's answer can't be used: {error}."
            raise self._unavailable(str(error), sentence) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._unavailable(str(error) or type(error).__name__) from error

    async def _answer(self, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        async with self._http.stream("POST", self._url, content=body, headers=headers) as response:
            content = await read_bounded(response, MAX_ANSWER_BYTES)
        return httpx.Response(response.status_code, content=content)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def key_of(secret: str) -> bytes:
    """Return the signing key. Raises: ValueError: no base64 after ``whsec_``."""
    if secret.startswith("whsec_"):
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    return secret.encode()


def signature(key: bytes, event_id: str, timestamp: str, body: bytes) -> str:
    """Return the value of the ``webhook-signature`` header."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _is_object(content: bytes) -> bool:
    """Return whether a body is meant as a JSON object with members, readable or not."""
    text = content.strip()
    return text.startswith(b"{") and text[1:].strip() != b"}"


def _members(answer: httpx.Response) -> dict[str, Any]:
    try:
        return read_json_object(answer.content)
    except NotAJsonObject:
        return {}


def _refusal(response: object) -> HookRefused:
    """Return the refusal by ``HTTPResponse``, whose members of another kind are ignored.

    A body without a type of ``BODY_TYPES`` is the sentence in our usual body.
    """
    members = response if isinstance(response, dict) else {}
    status, body, header = (members.get(name) for name in ("StatusCode", "Body", "Header"))
    own_status = status if type(status) is int and 400 <= status <= 599 else None
    named = header.items() if isinstance(header, dict) else ()
    types = [text for name, text in named if str(name).lower() == "content-type"]
    kind = media_type(types[0]) if types and isinstance(types[0], str) else ""
    if isinstance(body, str) and kind in BODY_TYPES:
        return HookRefused(status=own_status, body=(kind, body))
    return HookRefused(_sentence({"detail": body}), status=own_status)


def _change(info: object) -> UploadChange | None:
    """Return the change by ``ChangeFileInfo`` of tusd; None if it has none of its members.

    Raises: HookUnavailable: the id or the metadata can't be used.
    """
    members = info if isinstance(info, dict) else {}
    new_id, metadata = members.get("ID") or None, members.get("MetaData")
    if new_id is None and metadata is None:
        return None
    upload_id = parse_upload_id(new_id) if isinstance(new_id, str) else None
    if new_id is not None and upload_id is None:
        raise HookUnavailable("The application's id is not of 32 lower-case hexadecimal digits.")
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    ):
        raise HookUnavailable("The application's metadata are not texts by their names.")
    return UploadChange(id=upload_id, metadata=metadata)


def _sentence(members: dict[str, Any]) -> str | None:
    """Return the application's sentence for the user, if there is one."""
    found = members.get("detail")
    return found[:MAX_SENTENCE] if isinstance(found, str) and found else None
