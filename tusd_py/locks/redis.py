"""Sends requests to release an upload over Redis Pub/Sub (``locks.port.ReleaseRequests``)."""

import logging
import threading
from collections.abc import Callable
from typing import Final

import redis
from typing_extensions import override

from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UploadId, parse_upload_id
from tusd_py.locks.port import ReleaseRequests
from tusd_py.redis_client import connect, failure_reason

log = logging.getLogger(__name__)

CHANNEL: Final = "file_upload_let_go"
LISTEN_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.5


class RedisReleaseRequests(ReleaseRequests):
    """Uses one channel for all uploads; a connection listens once there is a subscriber."""

    blocks = True

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @override
    def request_release(self, upload_id: UploadId) -> bool:
        try:
            self._redis.publish(CHANNEL, upload_id)
        except redis.RedisError as error:
            raise BackendError(reason=failure_reason("the locks", self._redis, error)) from error
        return True

    @override
    def subscribe(self, callback: Callable[[UploadId], None]) -> None:
        self._thread = threading.Thread(
            target=self._listen_loop, args=(callback,), name="let-go", daemon=True
        )
        self._thread.start()

    def _listen_loop(self, callback: Callable[[UploadId], None]) -> None:
        while not self._closed.is_set():
            try:
                with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    pubsub.subscribe(CHANNEL)
                    while not self._closed.is_set():
                        message = pubsub.get_message(timeout=LISTEN_SECONDS)
                        upload_id = parse_upload_id(message["data"]) if message else None
                        if upload_id is not None:
                            callback(upload_id)
            except redis.RedisError as error:
                log.warning("lock.bus.lost", extra={"reason": repr(error)})
                self._closed.wait(PAUSE_SECONDS)

    @override
    def close(self) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        self._redis.close()
