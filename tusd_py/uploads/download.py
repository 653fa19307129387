"""Giving finished bytes back to their owner."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tusd_py.domain.commands import Download
from tusd_py.domain.errors import UploadNotFound, UploadUnfinished
from tusd_py.domain.ids import UserId
from tusd_py.domain.upload import Upload, UploadState
from tusd_py.objects.port import ObjectStore
from tusd_py.uploads.room import UploadRoom

PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Bytes to be read: ``size`` in bytes, ``etag`` the BLAKE3 of what is served."""

    upload: Upload
    size: int
    etag: str
    read: Callable[[int, int], AsyncIterator[bytes]]
    """Bytes from a start for a length, in pieces; raises UploadNotFound when they went away."""


async def download(
    room: UploadRoom, objects: ObjectStore, user_id: UserId, command: Download
) -> Content:
    """The finished upload's content: what was sent, or what the pipeline made of it.

    Raises: UploadNotFound, UploadExpired, UploadTerminated, UploadUnfinished.
    """
    upload = await room.find(user_id, command.upload_id)
    if upload.state is not UploadState.FINISHED:
        raise UploadUnfinished
    if upload.file_identity is not None:
        file = await room.threads.call(room.catalog.file, upload.file_identity)
        if file is not None:
            key = file.object_key
            return Content(
                upload=upload,
                size=file.stored_size,
                etag=file.stored_hash,
                read=lambda start, length: _pieces(room, lambda: objects.read(key, start, length)),
            )
    path = room.stores.core.path(upload.id)
    if not await room.threads.call(path.exists):
        raise UploadNotFound
    return Content(
        upload=upload,
        size=upload.size,
        etag=upload.file_hash or "",
        read=lambda start, length: _pieces(room, lambda: _file_pieces(path, start, length)),
    )


async def _pieces(room: UploadRoom, begin: Callable[[], Iterator[bytes]]) -> AsyncIterator[bytes]:
    """The iterator's pieces, each fetched in a thread."""
    pieces = await room.threads.body(begin)
    try:
        while (piece := await room.threads.body(next, pieces, None)) is not None:
            yield piece
    except FileNotFoundError as error:
        raise UploadNotFound from error
    finally:
        with suppress(AttributeError):
            await room.threads.body(pieces.close)  # type: ignore[attr-defined]


def _file_pieces(path: os.PathLike[str], start: int, length: int) -> Iterator[bytes]:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        file.seek(start)
        while length > 0 and (piece := file.read(min(PIECE_BYTES, length))):
            length -= len(piece)
            yield piece
