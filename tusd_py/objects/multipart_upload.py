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
from tusd_py.objects.bucket import Bucket, BucketError, Found, UploadGone
from tusd_py.objects.parts import PartReader, Span, Stopped, part_size, spans
from tusd_py.objects.port import PartLedger
from tusd_py.objects.retry import Repeating

log = logging.getLogger(__name__)

WAIT_STEP_SECONDS: Final = 0.5
"""A pause between two tries is given up so soon after the put has ended."""


class Spoilt(Exception):
    """Raised when the object that came out is not the file: it was removed."""


class Progress:
    """Bytes that arrived, over all parts: never told backwards, never from two threads at once."""

    def __init__(self, told: Callable[[int], None] | None) -> None:
        self._tell = told
        self._mutex = threading.Lock()
        self._moving: dict[int, int] = {}
        self._most = -1

    def at(self, number: int, position: int) -> None:
        """A part is so far. Raises: what the listener raises."""
        with self._mutex:
            self._moving[number] = position
            done = sum(self._moving.values())
            self._most = max(self._most, done)
            if self._tell is not None:
                self._tell(self._most)


@dataclass(slots=True, kw_only=True)
class Sending:
    """One file on its way to one key."""

    bucket: Bucket
    key: str
    source: Path
    size: int
    content_type: str
    ledger: PartLedger
    progress: Progress
    smallest_part: int
    threads: int
    first_pause: float
    """Seconds; see ``Repeating``."""
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until the object is there, whole.

        Raises: BucketError, Spoilt; OSError: the source can't be read; what progress and ledger raise.
        """
        if self._is_there():
            self._forget_own()
            return
        if len(self._spans()) == 1:
            self._put()
            return
        try:
            parts = self._send(self._multipart())
        except UploadGone:
            # Completed by an attempt that was thought dead, or aborted: the object tells which.
            self.ledger.forget()
            if self._is_there():
                return
            parts = self._send(self._multipart())
        self._complete(parts)

    def _forget_own(self) -> None:
        """Forget what the ledger holds of this key; of another key of the same job it holds on."""
        held = self.ledger.held()
        if held is not None and held.key == self.key:
            self.ledger.forget()

    def _spans(self) -> Sequence[Span]:
        return spans(self.size, part_size(self.size, self.smallest_part))

    def _repeated(self) -> Repeating:
        return Repeating(wait=self._pause, first_seconds=self.first_pause)

    def _pause(self, seconds: float) -> None:
        """Wait while the attempt goes on. Raises: Stopped; what progress raises."""
        while True:
            self.progress.at(0, 0)
            if self._stopped.wait(min(seconds, WAIT_STEP_SECONDS)):
                raise Stopped
            seconds -= WAIT_STEP_SECONDS
            if seconds <= 0:
                return

    # -- what is there already

    def _is_there(self) -> bool:
        """Whether the key holds these bytes; reads the file when size alone can't tell."""
        found = self._repeated()(lambda: self.bucket.head(self.key), "head")
        if found is None or found.size != self.size:
            return False
        if not found.checksum:
            return True
        return self.bucket.agrees(found, [self._counted(span) for span in self._spans()])

    def _counted(self, span: Span) -> Part:
        """A part of the file that was not sent by us: its checksum counted here."""
        self.progress.at(0, 0)
        with self._reader(span, moved=False) as body:
            checksum = self.bucket.checksum(body)
        return Part(number=span.number, size=span.length, etag="", checksum=checksum)

    def _reader(self, span: Span, *, moved: bool = True) -> PartReader:
        told = (lambda position: self.progress.at(span.number, position)) if moved else None
        return PartReader(self.source, span, moved=told, stopped=self._stopped)

    # -- a small object

    def _put(self) -> None:
        (span,) = self._spans()

        def request() -> Part:
            with self._reader(span) as body:
                return self.bucket.put(self.key, body, self.content_type)

        self._repeated()(request, "put")

    # -- a large one

    def _multipart(self) -> Multipart:
        """The upload that was begun for this key, with the parts that both sides have; or a new one."""
        step = part_size(self.size, self.smallest_part)
        held = self.ledger.held()
        if held is not None and (held.key, held.part_size) != (self.key, step):
            self._drop(held)
            held = None
        if held is not None:
            known = self._known(held)
            if known is not None:
                return known
        begun = Multipart(
            key=self.key,
            upload_id=self._repeated()(
                lambda: self.bucket.begin(self.key, self.content_type), "begin"
            ),
            part_size=step,
        )
        self.ledger.begin(begun)
        return begun

    def _known(self, held: Multipart) -> Multipart | None:
        try:
            there = self._repeated()(lambda: self.bucket.parts(held.key, held.upload_id), "parts")
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

    def _drop(self, held: Multipart) -> None:
        """Another attempt's bytes were others: what it sent is of no use."""
        try:
            self.bucket.abort(held.key, held.upload_id)
        except BucketError as error:
            log.info("object.upload.left", extra={"key": held.key, "reason": str(error)})
        self.ledger.forget()

    def _send(self, multipart: Multipart) -> "_Sent":
        """Send the parts that are missing, several at the same time."""
        self._stopped = threading.Event()
        arrived = {part.number: part for part in multipart.parts}
        for part in multipart.parts:
            self.progress.at(part.number, part.size)
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
        return _Sent(multipart, [arrived[number] for number in sorted(arrived)])

    def _send_part(self, multipart: Multipart, span: Span) -> Part:
        def request() -> Part:
            with self._reader(span) as body:
                return self.bucket.put_part(multipart.key, multipart.upload_id, span.number, body)

        part = self._repeated()(request, "part")
        self.ledger.add(part)
        return part

    def _complete(self, sent: "_Sent") -> None:
        """Whatever completing answers, or whether it does: the object tells."""
        multipart = sent.multipart
        try:
            self._repeated()(
                lambda: self.bucket.complete(multipart.key, multipart.upload_id, sent.parts),
                "complete",
            )
        except UploadGone:
            log.info("object.completed.before", extra={"key": self.key})
        found = self._repeated()(lambda: self.bucket.head(self.key), "head")
        self.ledger.forget()
        if found is None or not self._whole(found, sent.parts):
            self._repeated()(lambda: self.bucket.delete(self.key), "delete")
            raise Spoilt(f"{self.key}: the object is not what was sent")

    def _whole(self, found: Found, parts: Sequence[Part]) -> bool:
        return found.size == self.size and self.bucket.agrees(found, parts)


@dataclass(frozen=True, slots=True)
class _Sent:
    """An upload all of whose parts arrived."""

    multipart: Multipart
    parts: Sequence[Part]
