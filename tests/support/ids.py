"""Ids of users and of uploads, for tests that need some."""

import secrets

from tusd_py.domain.ids import UploadId, UserId

ME, OTHER = UserId(7), UserId(8)


def fresh_id() -> UploadId:
    return UploadId(secrets.token_hex(16))
