"""Packs finished uploads of a user into one zip archive, which is made while it is sent."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tusd_py.catalog.values import FileQuery, ListPosition
from tusd_py.domain.archive_names import unique_paths
from tusd_py.domain.errors import ArchiveTooLarge, TaskNotFound, UploadNotFound, UploadUnfinished
from tusd_py.domain.file import File, main_object
from tusd_py.domain.filenames import download_name, portable_name
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.relative_path import composed
from tusd_py.domain.rendition import ORIGINAL, Rendition
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.objects.port import ObjectStore
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.download import begin_reading, find_rendition, stored_pieces
from tusd_py.zip_stream import ZipEntry, zip_pieces, zip_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Selects files of a user: by their ids, or by what finds them in the list."""

    user_id: UserId
    chosen: Sequence[UploadId] | FileQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Holds an archive that is ready to be made; the size is in bytes."""

    size: int
    files: int
    unfinished: int
    """How many of the selected files are not in it, since their bytes have not all arrived."""
    begin: Callable[[], Awaitable[AsyncIterator[bytes]]]
    """Begins to make it, in pieces.

    A file that was deleted or replaced meanwhile ends it with an error, so that the answer is
    shorter than its length. Raises: UploadNotFound, RenditionNotFound, TransientError: of the
    first file.
    """


async def archive(
    context: UploadContext, objects: ObjectStore, selection: Selection, *, limit: int
) -> Archive:
    """Return the archive of a selection, in which each file is what a download of it gives.

    Args: limit: the largest number of files.
    Raises: ArchiveTooLarge; TaskNotFound: a chosen file is none of the user's, or nothing was
        found; UploadUnfinished: nothing that was selected is complete.
    """
    return await context.threads.call(_planned, context, objects, selection, limit)


def _planned(
    context: UploadContext, objects: ObjectStore, selection: Selection, limit: int
) -> Archive:
    """Return the archive. Blocks."""
    found = _selected(context, selection, limit)
    ready = [upload for upload in found if upload.state is UploadState.FINISHED]
    if not ready:
        raise UploadUnfinished if found else TaskNotFound
    identities = {upload.file_identity for upload in ready if upload.file_identity is not None}
    files = context.catalog.objects.files(identities)
    served = [(upload, _main(files, upload)) for upload in ready]
    planned = [(_path(*one), *one) for one in served]
    planned.sort(key=lambda one: (one[0], one[1].created_at, one[1].id))
    paths = unique_paths([path for path, _, _ in planned])
    entries = [
        _entry(context, objects, path, upload, main)
        for path, (_, upload, main) in zip(paths, planned, strict=True)
    ]
    return Archive(
        size=zip_size(entries),
        files=len(entries),
        unfinished=len(found) - len(ready),
        begin=lambda: begin_reading(context, lambda: zip_pieces(entries)),
    )


def _selected(context: UploadContext, selection: Selection, limit: int) -> list[Upload]:
    """Return the selected uploads of the user. Raises: ArchiveTooLarge, TaskNotFound."""
    chosen = selection.chosen
    if isinstance(chosen, FileQuery):
        ids = _found(context, selection.user_id, chosen, limit)
    else:
        ids = chosen
    if len(ids) > limit:
        raise ArchiveTooLarge(limit)
    uploads = [
        upload
        for upload in context.catalog.uploads.get_all(ids).values()
        if upload.user_id == selection.user_id
        and upload.kind is not UploadKind.PARTIAL
        and upload.state is not UploadState.TERMINATED
    ]
    # A file that was found may have been deleted meanwhile.
    if len(uploads) < len(set(ids)) and not isinstance(chosen, FileQuery):
        raise TaskNotFound
    return uploads


def _found(
    context: UploadContext, user_id: UserId, query: FileQuery, limit: int
) -> Sequence[UploadId]:
    """Return the ids of the files that the query finds, at most one more than the limit."""
    _, rows = context.catalog.uploads.files(user_id, query, ListPosition(), size=limit + 1)
    return [row.task_id for row in rows]


def _main(files: Mapping[str, File], upload: Upload) -> Rendition | None:
    """Return what a download of the upload gives; None: its own bytes, as they were sent."""
    file = files.get(upload.file_identity) if upload.file_identity is not None else None
    return None if file is None else main_object(file)


def _entry(
    context: UploadContext,
    objects: ObjectStore,
    path: str,
    upload: Upload,
    served: Rendition | None,
) -> ZipEntry:
    size, key = (upload.size, None) if served is None else (served.size, served.object_key)
    return ZipEntry(
        name=path,
        size=size,
        modified_at=upload.modified_at or upload.created_at,
        read=partial(_read, context, objects, upload.id, size, key),
    )


def _path(upload: Upload, served: Rendition | None) -> str:
    """Return the name of a download in the folder in which the file was sent."""
    folder, _, last = upload.relative_path.rpartition("/")
    ext, rendition = ("", None) if served is None else (served.ext, served.name)
    name = download_name(upload.filename or last, ext=ext, rendition=rendition)
    name = composed(portable_name(name)) or "file"
    return f"{folder}/{name}" if folder else name


def _read(
    context: UploadContext, objects: ObjectStore, upload_id: UploadId, size: int, key: str | None
) -> Iterator[bytes]:
    """Yield the bytes of an entry: of an object, or without ``key`` of the upload itself. Blocks.

    An archive holds this for each of its files, so it holds no more of them.
    Raises: UploadNotFound; RenditionNotFound: the file as it was sent is stored no longer;
        TransientError.
    """
    upload = context.catalog.uploads.get(upload_id)
    if upload is None or upload.state is not UploadState.FINISHED:
        raise UploadNotFound
    if key is None:
        # The pipeline may have moved the bytes to the object store.
        moved = find_rendition(context, upload, ORIGINAL)
        key = moved.object_key if moved is not None else None
    try:
        if key is None:
            yield from stored_pieces(context.stores.uploads, upload_id, 0, size)
        else:
            yield from objects.read(key, 0, size)
    except FileNotFoundError as error:
        raise UploadNotFound from error
