"""Defines the event that a hook receives, as a value and as JSON in the two formats."""

from dataclasses import dataclass
from typing import Any

from tusd_py.catalog.values import PendingEvent
from tusd_py.clock import rfc3339
from tusd_py.domain.file import File, main_object
from tusd_py.domain.hook import HookEvent, HookRequest
from tusd_py.domain.rendition import Rendition
from tusd_py.domain.upload import Upload, UploadKind


@dataclass(frozen=True, slots=True, kw_only=True)
class HookNotification:
    """Holds one event; a retry has the same ``id``; ``at`` is in unix seconds (UTC)."""

    id: str
    event: HookEvent
    at: float
    upload: Upload
    status: str = ""
    error: str = ""
    error_code: str = ""
    oss_path: str = ""
    repository_id: str = ""
    file: File | None = None
    renditions: tuple[Rendition, ...] = ()
    request: HookRequest | None = None
    """Of ``pre-create``, if header fields are forwarded (``hooks.forward_headers``)."""
    offset: int | None = None
    """Of ``post-receive``: bytes of the upload that have arrived."""


def notification_of(happened: PendingEvent) -> HookNotification:
    """Build the event of a change; only ``post-complete`` and ``post-fail`` hold the outcome."""
    ended = happened.event in (HookEvent.POST_COMPLETE, HookEvent.POST_FAIL)
    outcome = happened.outcome if ended else None
    if outcome is None:
        return HookNotification(
            id=happened.id, event=happened.event, at=happened.at, upload=happened.upload
        )
    row = outcome.history
    return HookNotification(
        id=happened.id,
        event=happened.event,
        at=happened.at,
        upload=happened.upload,
        status=row.status,
        error=row.error_msg,
        error_code=outcome.error_code,
        oss_path=row.oss_path,
        repository_id=row.repository_identity,
        file=happened.file,
        renditions=happened.renditions,
    )


def own_format(notification: HookNotification) -> dict[str, Any]:
    """Return the Standard Webhooks members ``type``, ``timestamp``, ``data``; sizes in bytes."""
    upload = notification.upload
    data: dict[str, Any] = {
        "task_id": upload.id,
        "user_id": upload.user_id,
        "tenant": upload.tenant,
        "filename": upload.filename,
        "file_size": upload.length,
        "file_hash": upload.file_hash,
        "instant": upload.instant,
        "partial": upload.kind is UploadKind.PARTIAL,
        "metadata": _metadata(upload),
        "created_at": rfc3339(upload.created_at),
    }
    if notification.request is not None:
        request = notification.request
        data["request"] = {
            "method": request.method,
            "uri": request.uri,
            "remote_addr": request.remote_addr,
            "headers": {name: list(values) for name, values in request.headers.items()},
        }
    if notification.offset is not None:
        data["offset"] = notification.offset
    if notification.event is HookEvent.POST_COMPLETE:
        data |= {"repository_id": notification.repository_id, "oss_path": notification.oss_path}
        if notification.file is not None:
            data |= {
                "facts": notification.file.facts,
                "renditions": [
                    _rendition(one)
                    for one in (main_object(notification.file), *notification.renditions)
                ],
            }
    if notification.event is HookEvent.POST_FAIL:
        data |= {"error": notification.error, "error_code": notification.error_code}
    return {"type": notification.event.value, "timestamp": rfc3339(notification.at), "data": data}


def tusd_format(notification: HookNotification) -> dict[str, Any]:
    """Return the members of tusd 2's HTTP hooks.

    ``HTTPRequest`` is empty except in ``pre-create``, since an event outlives its request.

    Source: tusd 2, docs, hooks.
    """
    upload = notification.upload
    request = notification.request or HookRequest(method="", uri="", remote_addr="")
    return {
        "Type": notification.event.value,
        "Event": {
            "Upload": {
                "ID": "" if notification.event is HookEvent.PRE_CREATE else upload.id,
                "Size": upload.length or 0,
                "SizeIsDeferred": upload.length is None,
                "Offset": _offset(notification),
                "MetaData": _metadata(upload),
                "IsPartial": upload.kind is UploadKind.PARTIAL,
                "IsFinal": upload.kind is UploadKind.FINAL,
                "PartialUploads": list(upload.parts) or None,
                "Storage": {"Type": "tusd-py", "Path": notification.oss_path}
                if notification.oss_path
                else None,
            },
            "HTTPRequest": {
                "Method": request.method,
                "URI": request.uri,
                "RemoteAddr": request.remote_addr,
                "Header": {name: list(values) for name, values in request.headers.items()},
            },
        },
    }


def _offset(notification: HookNotification) -> int:
    if notification.offset is not None:
        return notification.offset
    begun = notification.event in (HookEvent.PRE_CREATE, HookEvent.POST_CREATE)
    return 0 if begun else notification.upload.length or 0


def _rendition(rendition: Rendition) -> dict[str, Any]:
    return {
        "name": rendition.name,
        "content_type": rendition.content_type,
        "size": rendition.size,
        "oss_path": rendition.path,
        "facts": rendition.facts,
    }


def _metadata(upload: Upload) -> dict[str, str]:
    return {key: value.decode("utf-8", "replace") for key, value in upload.metadata.items()}
