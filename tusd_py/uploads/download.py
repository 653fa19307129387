"""Returns the content of finished uploads to their owners."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass

from tusd_py.domain.commands import Download
from tusd_py.domain.errors import RenditionNotFound, UploadNotFound, UploadUnfinished
from tusd_py.domain.file import main_object
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.rendition import ORIGINAL, Rendition
from tusd_py.domain.upload import Upload, UploadState
from tusd_py.file_pieces import pieces_of
from tusd_py.objects.port import ObjectStore
from tusd_py.storage.port import UploadStore
from tusd_py.uploads.context import UploadContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Holds content that is ready to be read.

    ``size`` is in bytes; ``etag`` is the BLAKE3 of the content.
    """

    upload: Upload
    rendition: Rendition | None
    """The rendition that is served; None: the file as it was sent, which is not in the pool yet."""
    size: int
    etag: str
    begin: Callable[[int, int], Awaitable[AsyncIterator[bytes]]]
    """Begins to read from a start for a length, in pieces. Raises: UploadNotFound: the pipeline has
    just moved the bytes, so the upload must be found again; TransientError."""
    link: Callable[[str, float], Awaitable[str | None]]
    """Returns a signed address of the whole content, with this Content-Disposition and valid for
    this number of seconds; None: the store has no such address."""


async def _no_link(_disposition: str, _seconds: float) -> str | None:
    return None


async def download(
    context: UploadContext, objects: ObjectStore, user_id: UserId, command: Download
) -> Content:
    """Return the content of a finished upload.

    This is the rendition that the command names, else the main object of its file, else the file as
    it was sent.

    Raises: UploadNotFound, UploadExpired, UploadTerminated, UploadUnfinished, RenditionNotFound.
    """
    upload = await context.find(user_id, command.upload_id)
    if upload.state is not UploadState.FINISHED:
        raise UploadUnfinished
    found = await context.threads.call(find_rendition, context, upload, command.rendition)
    if found is None:
        return Content(
            upload=upload,
            rendition=None,
            size=upload.size,
            etag=upload.file_hash or "",
            begin=lambda start, length: begin_reading(
                context, lambda: stored_pieces(context.stores.uploads, upload.id, start, length)
            ),
            link=_no_link,
        )
    key = found.object_key
    return Content(
        upload=upload,
        rendition=found,
        size=found.size,
        etag=found.hash,
        begin=lambda start, length: begin_reading(
            context, lambda: objects.read(key, start, length)
        ),
        link=lambda disposition, seconds: context.threads.read(
            objects.link, key, disposition=disposition, seconds=seconds
        ),
    )


def entity_tag(context: UploadContext, upload: Upload) -> str | None:
    """Return the tag of what a download without a name gives; None: nothing yet. Blocks."""
    if upload.state is not UploadState.FINISHED:
        return None
    found = find_rendition(context, upload, None)
    return f'"{upload.file_hash if found is None else found.hash}"'


def find_rendition(context: UploadContext, upload: Upload, name: str | None) -> Rendition | None:
    """Return the rendition of this name; for None, the main object. Blocks.

    Returns: None if the upload's file is not in the pool yet: its own bytes are served.
    Raises: RenditionNotFound.
    """
    identity = upload.file_identity
    file = context.catalog.objects.file(identity) if identity is not None else None
    if file is None:
        if name not in (None, ORIGINAL):
            raise RenditionNotFound
        return None
    main = main_object(file)
    if name in (None, main.name):
        return main
    for rendition in context.catalog.objects.renditions(file.identity):
        if rendition.name == name:
            return rendition
    raise RenditionNotFound


def stored_pieces(
    store: UploadStore, upload_id: UploadId, start: int, length: int
) -> Iterator[bytes]:
    """Yield bytes of an upload as it was sent. Blocks. Raises: FileNotFoundError."""
    with store.reader(upload_id) as reader:
        yield from pieces_of(reader.read, start, length)


async def begin_reading(
    context: UploadContext, open_content: Callable[[], Iterator[bytes]]
) -> AsyncIterator[bytes]:
    """Read the first piece before the client gets an answer, and return all pieces.

    Each piece is read by a thread when the client has taken the one before it: a client that reads
    nothing holds no thread.
    Raises: UploadNotFound: there are no such bytes; what ``open_content`` raises.
    """
    pieces = open_content()
    try:
        first = await context.threads.read(next, pieces, b"")
    except FileNotFoundError as error:
        raise UploadNotFound from error
    return _rest(context, first, pieces)


async def _rest(
    context: UploadContext, first: bytes, pieces: Iterator[bytes]
) -> AsyncIterator[bytes]:
    try:
        piece = first
        while piece:
            yield piece
            piece = await context.threads.read(next, pieces, b"")
    finally:
        if isinstance(pieces, Generator):
            await context.threads.read(pieces.close)
