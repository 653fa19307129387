"""Tests which keys of a bucket are ours."""

import pytest

from tusd_py.objects.keys import OWNER_KEY, check_key, is_key, object_key

HASH = "0a" * 32


def test_equal_bytes_have_one_key() -> None:
    assert object_key(HASH, ".mp4") == f"pool/0a/{HASH}.mp4"
    assert is_key(object_key(HASH, ""))


@pytest.mark.parametrize(
    "key",
    [
        "", OWNER_KEY, f"pool/{HASH}", f"/pool/0a/{HASH}", f"pool/0a/{HASH}/x", f"pool/0a/{HASH}.", f"pool/0a/{HASH}\n",
        f"pool/0A/{HASH}", f"pool/0a/{HASH[:-1]}", f"pool/0a/{HASH}.MP4", f"pool/0a/{HASH}.a/b", f"pool/0a/{HASH}.tar.gz",
    ],
)  # fmt: skip
def test_what_is_not_ours_is_not_touched(key: str) -> None:
    assert not is_key(key)
    with pytest.raises(ValueError, match="not an object key"):
        check_key(key)


@pytest.mark.parametrize(("stored_hash", "ext"), [("x", ""), (HASH, "mp4"), (HASH, ".a" * 9)])
def test_no_other_key_is_made(stored_hash: str, ext: str) -> None:
    with pytest.raises(ValueError, match="not an object key"):
        object_key(stored_hash, ext)
