"""Tests what an application may change of an upload."""

import pytest
from support.ids import fresh_id

from tusd_py.domain.hook import UploadChange
from tusd_py.domain.ids import UploadId


def test_an_upload_may_get_another_id() -> None:
    chosen = fresh_id()
    assert UploadChange(id=chosen).id == chosen


@pytest.mark.parametrize("text", ["", "42", "../../etc/passwd", "A" * 32, f"{'a' * 32}\n"])
def test_an_id_from_which_no_path_can_be_made_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="32 lower-case hexadecimal digits"):
        UploadChange(id=UploadId(text))
