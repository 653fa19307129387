"""Sets which uploads are accepted, and which need no bytes."""

from typing import Literal

from pydantic import Field

from tusd_py.settings.section import Section
from tusd_py.settings.values import (
    Extension,
    Size,
)


class WhitelistSettings(Section):
    """Sets which file types are accepted (requirements S3, S24)."""

    extensions: tuple[Extension, ...] = Field(
        (),
        description=(
            "Extensions without the dot, e.g. mp4, jpg; empty: every file is accepted, as opaque "
            "bytes"
        ),
    )


class InstantSettings(Section):
    """Sets instant uploads, whose content the pool already holds (秒传)."""

    scope: Literal["off", "owner", "tenant", "global"] = Field(
        "owner",
        description=(
            "Files that make an upload complete at once when its hash is declared: none (off); "
            "the owner's own files (owner); also those of the same tenant (tenant) or of all "
            "users (global), if the user gives an ownership proof"
        ),
    )
    min_size: Size = Field(
        1 << 20,
        description=(
            "Size below which files of other owners make no upload complete, even with a proof"
        ),
    )
    most_owners: int = Field(
        20,
        ge=0,
        description=(
            "With scope global, a file makes uploads of other users complete only if a secret "
            "number of owners have it, which is from 2 to this number; 0: one owner is enough, as "
            "with scope tenant"
        ),
    )
    challenges_per_hour: int = Field(
        60, ge=0, description="Number of proofs that one user may try within an hour"
    )
    patch: Literal["jump", "count", "refuse"] = Field(
        "jump",
        description=(
            "Answer to a PATCH of an instant upload: its full length (jump), the offset as if the "
            "bytes had been received (count), or 409 (refuse). Clients may choose by the metadata "
            "key instant"
        ),
    )
