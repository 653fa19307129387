from collections import Counter

import pytest

from tusd_py.domain.filetypes import MPEG_TS, TYPES, FileType
from tusd_py.domain.other_types import OTHER_TYPES, TEXT, by_media_type, claimed_by


def test_each_media_type_is_of_one_type() -> None:
    names = Counter(name for kind in OTHER_TYPES for name in kind.media_types)
    assert [name for name, count in names.items() if count > 1 or name != name.lower()] == []
    assert all(
        by_media_type(name.upper()) is kind for kind in OTHER_TYPES for name in kind.media_types
    )


def test_an_extension_may_mean_several_types() -> None:
    assert claimed_by("ts") == (MPEG_TS, TEXT)
    assert claimed_by("csv") == (TEXT,)
    assert claimed_by("foo") == claimed_by("") == ()


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_extension_of_a_type_may_mean_it(kind: FileType) -> None:
    families = {
        claim.family
        for ext in kind.extensions
        for claim in claimed_by(ext)
        if isinstance(claim, FileType)
    }
    assert kind.family in families
