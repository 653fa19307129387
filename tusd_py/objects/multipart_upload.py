"""Sending a file to a bucket, from where an earlier attempt stopped (requirement S19, faults 28 to 32).

What the ledger and the store both have is not sent again. An upload that the store no longer knows
may have been completed by somebody with the same bytes, so the object is looked at before anything
is begun anew. An object counts only when size and checksum are those of the file.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tusd_py.domain.multipart import Multipart, Part
from tusd_py.objects.bucket import Bucket, BucketError, ObjectInfo, UploadGone
from tusd_py.objects.parts import PartReader, Span, UploadStopped, part_size, spans
from tusd_py.objects.port import MultipartState
from tusd_py.objects.retry import RetryingBucket

log = logging.getLogger(__name__)

WAIT_STEP_SECONDS: Final = 0.5
"""A pause between two tries is given up so soon after the put has ended."""


class CorruptObject(Exception):
    """Raised when the object that came out is not the file: it was removed."""


class UploadProgress:
    """Bytes that arrived, over all parts: never told backwards, never from two threads at once."""

    def __init__(self, told: Callable[[int], None] | None) -> None:
        self._report = told
        self._mutex = threading.Lock()
        self._positions: dict[int, int] = {}
        self._reported = -1

    def report(self, number: int, position: int) -> None:
        """A part is so far. Raises: what the listener raises."""
        with self._mutex:
            self._positions[number] = position
            done = sum(self._positions.values())
            self._reported = max(self._reported, done)
            if self._report is not None:
                self._report(self._reported)


@dataclass(slots=True, kw_only=True)
class MultipartUpload:
    """One file on its way to one key."""

    bucket: Bucket
    key: str
    source: Path
    size: int
    content_type: str
    state: MultipartState
    progress: UploadProgress
    smallest_part: int
    threads: int
    first_pause: float
    """Seconds; see ``RetryingBucket``."""
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.bucket = RetryingBucket(self.bucket, wait=self._pause, first_seconds=self.first_pause)

    def run(self) -> None:
        """Until the object is there, whole.

        Raises: BucketError, CorruptObject; OSError: the source can't be read; what progress and ledger raise.
        """
        if self._exists():
            self._clear_own_state()
            return
        if len(self._spans()) == 1:
            self._put()
            return
        try:
            parts = self._send_parts(self._open_upload())
        except UploadGone:
            # Completed by an attempt that was thought dead, or aborted: the object tells which.
            self.state.clear()
            if self._exists():
                return
            parts = self._send_parts(self._open_upload())
        self._complete(parts)

    def _clear_own_state(self) -> None:
        """Forget what the ledger holds of this key; of another key of the same job it holds on."""
        held = self.state.load()
        if held is not None and held.key == self.key:
            self.state.clear()

    def _spans(self) -> Sequence[Span]:
        return spans(self.size, part_size(self.size, self.smallest_part))

    def _pause(self, seconds: float) -> None:
        """Wait while the attempt goes on. Raises: Stopped; what progress raises."""
        while True:
            self.progress.report(0, 0)
            if self._stopped.wait(min(seconds, WAIT_STEP_SECONDS)):
                raise UploadStopped
            seconds -= WAIT_STEP_SECONDS
            if seconds <= 0:
                return

    # -- what is there already

    def _exists(self) -> bool:
        """Whether the key holds these bytes; reads the file when size alone can't tell."""
        found = self.bucket.head(self.key)
        if found is None or found.size != self.size:
            return False
        if not found.checksum:
            return True
        return self.bucket.checksum_matches(
            found, [self._local_part(span) for span in self._spans()]
        )

    def _local_part(self, span: Span) -> Part:
        """A part of the file that was not sent by us: its checksum counted here."""
        self.progress.report(0, 0)
        with self._reader(span, moved=False) as body:
            checksum = self.bucket.checksum(body)
        return Part(number=span.number, size=span.length, etag="", checksum=checksum)

    def _reader(self, span: Span, *, moved: bool = True) -> PartReader:
        told = (lambda position: self.progress.report(span.number, position)) if moved else None
        return PartReader(self.source, span, on_progress=told, stopped=self._stopped)

    # -- a small object

    def _put(self) -> None:
        (span,) = self._spans()
        with self._reader(span) as body:
            self.bucket.put(self.key, body, self.content_type)

    # -- a large one

    def _open_upload(self) -> Multipart:
        """The upload that was begun for this key, with the parts that both sides have; or a new one."""
        step = part_size(self.size, self.smallest_part)
        held = self.state.load()
        if held is not None and (held.key, held.part_size) != (self.key, step):
            self._abort(held)
            held = None
        if held is not None:
            known = self._resume(held)
            if known is not None:
                return known
        begun = Multipart(
            key=self.key,
            upload_id=self.bucket.create_upload(self.key, self.content_type),
            part_size=step,
        )
        self.state.begin(begun)
        return begun

    def _resume(self, held: Multipart) -> Multipart | None:
        try:
            there = self.bucket.list_parts(held.key, held.upload_id)
        except UploadGone:
            return None
        parts = tuple(
            part for part in held.parts if there.get(part.number) == (part.etag, part.size)
        )
        log.info(
            "object.resumed",
            extra={"key": held.key, "parts": len(parts), "lost": len(held.parts) - len(parts)},
        )
        return Multipart(
            key=held.key, upload_id=held.upload_id, part_size=held.part_size, parts=parts
        )

    def _abort(self, held: Multipart) -> None:
        """Another attempt's bytes were others: what it sent is of no use."""
        try:
            self.bucket.abort(held.key, held.upload_id)
        except BucketError as error:
            log.info("object.upload.left", extra={"key": held.key, "reason": str(error)})
        self.state.clear()

    def _send_parts(self, multipart: Multipart) -> "_SentParts":
        """Send the parts that are missing, several at the same time."""
        self._stopped = threading.Event()
        arrived = {part.number: part for part in multipart.parts}
        for part in multipart.parts:
            self.progress.report(part.number, part.size)
        missing = [span for span in self._spans() if span.number not in arrived]
        with ThreadPoolExecutor(self.threads, "part") as pool:
            futures = [pool.submit(self._send_part, multipart, span) for span in missing]
            try:
                ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
                failed = next((future for future in ended if future.exception()), None)
                if failed is not None:
                    failed.result()
            except BaseException:
                self._stopped.set()
                for future in futures:
                    future.cancel()
                raise
        for future in futures:
            part = future.result()
            arrived[part.number] = part
        return _SentParts(multipart, [arrived[number] for number in sorted(arrived)])

    def _send_part(self, multipart: Multipart, span: Span) -> Part:
        with self._reader(span) as body:
            part = self.bucket.put_part(multipart.key, multipart.upload_id, span.number, body)
        self.state.add(part)
        return part

    def _complete(self, sent: "_SentParts") -> None:
        """Whatever completing answers, or whether it does: the object tells."""
        multipart = sent.multipart
        try:
            self.bucket.complete(multipart.key, multipart.upload_id, sent.parts)
        except UploadGone:
            log.info("object.completed.before", extra={"key": self.key})
        found = self.bucket.head(self.key)
        self.state.clear()
        if found is None or not self._is_intact(found, sent.parts):
            self.bucket.delete(self.key)
            raise CorruptObject(f"{self.key}: the object is not what was sent")

    def _is_intact(self, found: ObjectInfo, parts: Sequence[Part]) -> bool:
        return found.size == self.size and self.bucket.checksum_matches(found, parts)


@dataclass(frozen=True, slots=True)
class _SentParts:
    """An upload all of whose parts arrived."""

    multipart: Multipart
    parts: Sequence[Part]
