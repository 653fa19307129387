"""Completes uploads by files of other owners, after an ownership proof (docs/instant-upload.md)."""

import asyncio
import math
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.commands import Append
from tusd_py.domain.ids import UserId
from tusd_py.domain.ownership_proof import (
    ANSWER_BYTES,
    NONCE_BYTES,
    Question,
    Terms,
    owners_needed,
)
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.instant import complete_without_bytes
from tusd_py.uploads.receive import AppendResult

TIMING_QUANTUM_SECONDS: Final = 0.05
"""Answers to challenges and proofs leave after a multiple of this time, so that it shows nothing.

It is twice the longest time that was measured with 64 requests at a time.
"""


@asynccontextmanager
async def padded_to_quantum(clock: Clock) -> AsyncIterator[None]:
    """Make the block last a multiple of ``TIMING_QUANTUM_SECONDS``, also if it raises.

    The duration then does not show what was found.
    """
    begun = clock.monotonic()
    try:
        yield
    finally:
        spent = clock.monotonic() - begun
        await asyncio.sleep(
            math.ceil(spent / TIMING_QUANTUM_SECONDS) * TIMING_QUANTUM_SECONDS - spent
        )


async def challenge(context: UploadContext, upload: Upload) -> bytes | None:
    """Challenge the upload's owner to prove that it has the declared content.

    Returns: the nonce, 32 bytes; None if the policy or the declaration excludes a proof. None does
        not depend on what other owners have.
    """
    terms = _terms(context, upload)
    if terms is None:
        return None
    decoy = Question(secrets.token_bytes(NONCE_BYTES), secrets.token_bytes(ANSWER_BYTES))
    return await context.threads.call(context.catalog.ownership.challenge, upload, terms, decoy)


def _terms(context: UploadContext, upload: Upload) -> Terms | None:
    policy = context.policy.ownership_proofs
    if (
        policy is None
        or upload.kind is not UploadKind.REGULAR
        or upload.state is not UploadState.RECEIVING
        or upload.declared_hash is None
        or upload.length is None
        or upload.length < policy.min_size
        or (policy.within_tenant and not upload.tenant)
    ):
        return None
    return Terms(
        tenant=upload.tenant if policy.within_tenant else None,
        owners=owners_needed(policy, upload.declared_hash),
        challenges_per_hour=policy.challenges_per_hour,
        filename=upload.filename if context.policy.allowed_extensions else None,
    )


async def prove(context: UploadContext, user_id: UserId, command: Append) -> AppendResult:
    """Check an answer to a challenge. The upload is complete if it is right, else it is unchanged.

    The result does not show why an answer was not accepted.

    Raises: UploadNotFound, UploadExpired, UploadTerminated, UploadLocked.
    """
    async with (
        padded_to_quantum(context.clock),
        context.locked(command.upload_id),
    ):
        return await context.threads.call(_prove, context, user_id, command)


def _prove(context: UploadContext, user_id: UserId, command: Append) -> AppendResult:
    upload = context.read(user_id, command.upload_id)
    offset = context.offset(upload)
    if upload.state is UploadState.FINISHED:
        return AppendResult(offset=offset, expires_at=None)
    terms = _terms(context, upload)
    if terms is not None:
        file = context.catalog.ownership.prove(upload, terms, command.proof or b"")
        if file is not None:
            complete_without_bytes(context, upload, file)
            return AppendResult(
                offset=upload.size, expires_at=None, skipped_bytes=upload.size - offset
            )
    return AppendResult(offset=offset, expires_at=context.expires_at(upload))
