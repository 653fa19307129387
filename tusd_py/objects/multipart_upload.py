"""Send a file to a bucket, from where an earlier attempt stopped.

It meets requirement S19 and handles faults 28 to 32.

A part that the job's state names and the store has is not sent again. When the store no longer
knows an upload, another attempt may have completed it with the same bytes; so the object is checked
before a new upload begins. An object is accepted only if its size and checksum are those of the
file.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
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
"""A pause between two tries ends at most this long after the put has ended."""


class CorruptObject(Exception):
    """Raised when the stored object differs from the file; the object was removed."""


class UploadProgress:
    """Reports the bytes that arrived, over all parts. The number never falls.

    Only one thread at a time makes a report.
    """

    def __init__(self, report: Callable[[int], None] | None) -> None:
        self._report = report
        self._mutex = threading.Lock()
        self._positions: dict[int, int] = {}
        self._reported = -1

    def report(self, number: int, position: int) -> None:
        """Report the position in a part. Raises: what the callback raises."""
        with self._mutex:
            self._positions[number] = position
            done = sum(self._positions.values())
            self._reported = max(self._reported, done)
            if self._report is not None:
                self._report(self._reported)


@dataclass(slots=True, kw_only=True)
class MultipartUpload:
    """Sends one file to one key."""

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
        """Send what is missing until the object is complete.

        Raises: BucketError, CorruptObject; OSError: the source can't be read; what ``progress`` and
            ``state`` raise.
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
            # An attempt that seemed to be dead completed the upload, or it was aborted. If the
            # object exists, it was completed.
            exists = self._exists()
            self.state.clear()
            if exists:
                return
            parts = self._send_parts(self._open_upload())
        self._complete(parts)

    def _clear_own_state(self) -> None:
        """Clear the state if it is of this key; the state of another key of the same job stays."""
        held = self.state.load()
        if held is not None and held.key == self.key:
            self.state.clear()

    def _part_size(self) -> int:
        return part_size(self.size, self.smallest_part)

    def _spans(self) -> Sequence[Span]:
        return spans(self.size, self._part_size())

    def _pause(self, seconds: float) -> None:
        """Wait while the attempt continues. Raises: UploadStopped; what ``progress`` raises."""
        while True:
            self.progress.report(0, 0)
            if self._stopped.wait(min(seconds, WAIT_STEP_SECONDS)):
                raise UploadStopped
            seconds -= WAIT_STEP_SECONDS
            if seconds <= 0:
                return

    # -- the existing object

    def _exists(self) -> bool:
        """Return whether the key holds these bytes; reads the file if the size is equal."""
        found = self.bucket.head(self.key)
        if found is None or found.size != self.size:
            return False
        if not found.checksum:
            return True
        tags = self._known_tags()
        return self.bucket.checksum_matches(
            found, [self._local_part(span, tags.get(span.number, "")) for span in self._spans()]
        )

    def _known_tags(self) -> Mapping[int, str]:
        """Return the ETags of the parts that were sent, which show how this store makes them."""
        held = self.state.load()
        if held is None or held.key != self.key or held.part_size != self._part_size():
            return {}
        return {part.number: part.etag for part in held.parts}

    def _local_part(self, span: Span, etag: str) -> Part:
        """Return a part of the file with its checksum, without sending it."""
        self.progress.report(0, 0)
        with self._reader(span, moved=False) as body:
            checksum = self.bucket.checksum(body)
        return Part(number=span.number, size=span.length, etag=etag, checksum=checksum)

    def _reader(self, span: Span, *, moved: bool = True) -> PartReader:
        report = (lambda position: self.progress.report(span.number, position)) if moved else None
        return PartReader(self.source, span, on_progress=report, stopped=self._stopped)

    # -- a small object

    def _put(self) -> None:
        (span,) = self._spans()
        with self._reader(span) as body:
            self.bucket.put(self.key, body, self.content_type)

    # -- a large one

    def _open_upload(self) -> Multipart:
        """Return the upload of this key, with the parts that both sides have; or begin one."""
        step = self._part_size()
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
        """Abort the upload of another key or part size, and clear the state."""
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
        """Complete the upload.

        The answer may be lost or wrong, so the object itself is checked afterwards.
        """
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
    """An upload of which all parts arrived."""

    multipart: Multipart
    parts: Sequence[Part]
