"""Fetches the original from the object store for a job that processes a file again."""

import os
from typing import Final

import blake3

from tusd_py.domain.errors import OutOfResources, PermanentError, StorageFull, TransientError
from tusd_py.domain.file import main_object
from tusd_py.domain.rendition import ORIGINAL, Rendition
from tusd_py.private_files import make_private_directory
from tusd_py.worker.pipeline.attempt import Attempt

_MISSING: Final = "The file as it was sent is not kept."


def fetch_source(attempt: Attempt) -> None:
    """Write the original to ``attempt.source``, and compare its hash with the upload's.

    Raises: PermanentError: the original is not stored, or differs from the uploaded file;
        OutOfResources: there is no space; TransientError; LeaseLost, WorkerStopping.
    """
    job, ports = attempt.job, attempt.ports
    original = _original(attempt)
    try:
        ports.space.check(job.file_size)
    except StorageFull as error:
        raise OutOfResources("The worker's disk is too full to process this file again.") from error
    make_private_directory(attempt.source.parent)
    hasher = blake3.blake3()
    try:
        with attempt.source.open("wb") as file:
            for piece in ports.objects.read(original.object_key, 0, original.size):
                attempt.lease.check()
                hasher.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError as error:
        # Another job may have replaced the object after the catalog was read: the next attempt
        # reads the catalog again.
        raise TransientError("The stored file is gone from the object store.") from error
    if hasher.hexdigest() != job.file_hash:
        raise PermanentError("The stored file is not what was sent.", code="corrupt")


def _original(attempt: Attempt) -> Rendition:
    catalog, job = attempt.ports.catalog, attempt.job
    file = catalog.objects.file_by_hash(job.scope, job.file_hash)
    if file is None:
        raise PermanentError(_MISSING, code="original_missing")
    for rendition in (main_object(file), *catalog.objects.renditions(file.identity)):
        if rendition.name == ORIGINAL:
            return rendition
    raise PermanentError(_MISSING, code="original_missing")
