"""Defines the hook events of uploads, with the names that tusd uses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tusd_py.backoff import Backoff
from tusd_py.domain.ids import UploadId, parse_upload_id


class HookEvent(StrEnum):
    """Names an event.

    ``pre-create`` may refuse an upload; the others are notifications, of each upload in
    this order.
    """

    PRE_CREATE = "pre-create"
    POST_CREATE = "post-create"
    POST_RECEIVE = "post-receive"
    """Bytes have arrived. It is sent at most once, now and then while a body arrives."""
    POST_FINISH = "post-finish"
    """All bytes are durable."""
    POST_COMPLETE = "post-complete"
    """The file is in the pool."""
    POST_FAIL = "post-fail"
    """Processing has failed for good; a retry by an operator may still complete it."""
    POST_TERMINATE = "post-terminate"
    """The upload was deleted, finished or not."""
    POST_EXPIRE = "post-expire"
    """The upload was removed unfinished, since no byte arrived for too long."""


DELIVERED_EVENTS: Final = frozenset(HookEvent) - {HookEvent.PRE_CREATE, HookEvent.POST_RECEIVE}
"""Events that are written to the catalog and delivered from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRequest:
    """Holds what ``pre-create`` may know of the request: header fields by a list of names."""

    method: str
    uri: str
    """Path and query."""
    remote_addr: str
    """Address of the connection, which may be that of a proxy; '' if unknown."""
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadChange:
    """Holds what ``pre-create`` changes of an upload; None: nothing."""

    id: UploadId | None = None
    metadata: Mapping[str, str] | None = None
    """Replaces all metadata of the client."""

    def __post_init__(self) -> None:
        """Check the id, of which the store makes a path. Raises: ValueError."""
        if self.id is not None and parse_upload_id(self.id) is None:
            raise ValueError("the id of an upload consists of 32 lower-case hexadecimal digits")


DELIVERY_BACKOFF: Final = Backoff((1.0, 5.0, 30.0, 120.0, 600.0, 3600.0))
"""Seconds until a delivery is retried."""
