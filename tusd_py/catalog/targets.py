"""Reads and writes the requests to targets, and the final answers to them."""

import json

from sqlalchemy import Connection, insert, select, update

from tusd_py.catalog.schema import target_requests
from tusd_py.domain.ids import UploadId
from tusd_py.domain.target import TargetAnswer, TargetRequest


def add_target(connection: Connection, upload_id: UploadId, target: TargetRequest) -> None:
    """Record the target of a new upload, in the transaction that records the upload."""
    connection.execute(
        insert(target_requests).values(
            upload_id=upload_id,
            method=target.method,
            path=target.path,
            content_type=target.content_type,
        )
    )


def find_target(connection: Connection, upload_id: UploadId) -> TargetRequest | None:
    """Return the request whose body an upload keeps."""
    table = target_requests
    statement = select(table).where(table.c.upload_id == upload_id)
    row = connection.execute(statement).first()
    if row is None:
        return None
    return TargetRequest(method=row.method, path=row.path, content_type=row.content_type)


def find_answer(connection: Connection, upload_id: UploadId) -> TargetAnswer | None:
    """Return the final answer to the request whose body an upload kept."""
    table = target_requests
    statement = select(table).where(table.c.upload_id == upload_id, table.c.status.is_not(None))
    row = connection.execute(statement).first()
    if row is None:
        return None
    fields = tuple((name, value) for name, value in json.loads(row.fields))
    return TargetAnswer(status=row.status, fields=fields, body=bytes(row.body))


def set_answer(connection: Connection, upload_id: UploadId, answer: TargetAnswer) -> None:
    """Record the final answer."""
    table = target_requests
    connection.execute(
        update(table)
        .where(table.c.upload_id == upload_id)
        .values(status=answer.status, fields=json.dumps(answer.fields), body=answer.body)
    )
