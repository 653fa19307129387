"""Receives the file of a form as a body, in the way in which the form arrives."""

from collections.abc import Callable, Sequence

from tusd_py.chunks import first_bytes
from tusd_py.http.routes.form_content import NOT_WHOLE, FormContent, MalformedForm
from tusd_py.http.routes.form_file import FormFile
from tusd_py.threads import Threads
from tusd_py.uploads.body import Body, CancelToken, DrainEnd, DrainResult, Sink, Throttle


class FormBody:
    """Implements ``uploads.body.Body`` for the file of a form."""

    def __init__(self, form: FormFile, content: FormContent, rest: Body, threads: Threads) -> None:
        """``content`` is that of the form's file, ``rest`` what was not received yet."""
        self.form = form
        self._content = content
        self._rest = rest
        self._threads = threads
        self.problem: str | None = None
        """A sentence for the client, if the bytes that were received are no valid form."""

    def whole(self) -> None:
        """Return None: whether the file has arrived is not known before its end is found."""

    async def drain(
        self,
        sink: Sink,
        *,
        limit: int | None,
        idle_timeout: float,
        min_rate: float,
        cancel: CancelToken,
        on_progress: Callable[[int], None] | None = None,
        throttle: Throttle | None = None,
    ) -> DrainResult:
        """Receive the file; see ``uploads.body.Body.drain``. A malformed form has no end."""
        part = _Part(self._content, sink, limit)

        def progress(_: int) -> None:
            if on_progress is not None:
                on_progress(part.received)

        end = DrainEnd.COMPLETE
        try:
            await self._threads.body(part.write, (self.form.early,))
            if throttle is not None:
                await throttle.consume(len(self.form.early))
            if not self.form.is_received:
                drained = await self._rest.drain(
                    part.write,
                    limit=None,
                    idle_timeout=idle_timeout,
                    min_rate=min_rate,
                    cancel=cancel,
                    on_progress=progress,
                    throttle=throttle,
                )
                end = drained.end
        except _Enough as enough:
            end = enough.end
        except MalformedForm as error:
            self.problem = str(error)
            end = DrainEnd.DISCONNECTED
        if end is DrainEnd.COMPLETE and not self._content.is_whole:
            self.problem = NOT_WHOLE
            end = DrainEnd.DISCONNECTED
        elif end is DrainEnd.DISCONNECTED and self._content.is_whole and self.problem is None:
            end = DrainEnd.COMPLETE
        return DrainResult(part.received, end)


class _Enough(Exception):
    """Ends a form before the end of its bytes."""

    def __init__(self, end: DrainEnd) -> None:
        self.end = end


class _Part:
    """Passes the bytes of the file to the sink, as many as the limit allows."""

    def __init__(self, content: FormContent, sink: Sink, limit: int | None) -> None:
        self._content = content
        self._sink = sink
        self._limit = limit
        self.received = 0

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Take bytes of the form. Raises: MalformedForm, _Enough, and what the sink raises."""
        pieces = self._content.take(chunks)
        size = sum(len(piece) for piece in pieces)
        allowed = size if self._limit is None else min(size, self._limit - self.received)
        if allowed:
            self._sink(pieces if allowed == size else first_bytes(pieces, allowed))
            self.received += allowed
        if allowed < size:
            raise _Enough(DrainEnd.TOO_LONG)
        if self._content.is_over:
            raise _Enough(DrainEnd.COMPLETE)
