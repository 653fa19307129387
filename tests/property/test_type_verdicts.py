"""The verdict on a file's type depends on its bytes and its name, never on the pieces they came in."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from file_types.corpus import entries
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tus import metadata
from support.uploads import UploadsInProcess

from tusd_py.domain.errors import TypeMismatch
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import UploadState

CONTENTS = {entry.name: entry.content for entry in entries()}
LONG_TEXT = CONTENTS["text: free"] * 100
PLACES = st.one_of(
    st.integers(1, 300_000), st.integers(1, 40), st.sampled_from([4095, 4096, 65535, 65536, 65537])
)
CASES = {
    "a long workbook": ("a.xlsx", CONTENTS["XLSX of 6,000 rows"], True),
    "a document whose list of contents is at its end": (
        "a.docx", CONTENTS["DOCX behind a large picture"], True),
    "a document with a password": ("a.docx", CONTENTS["XLSX with a password"], True),
    "sound behind a long tag": ("a.flac", CONTENTS["FLAC behind a long ID3"], True),
    "other sound behind a long tag": ("a.mp3", CONTENTS["FLAC behind a long ID3"], False),
    "a source text": ("a.ts", CONTENTS["TypeScript"] * 200, True),
    "a film": ("a.ts", CONTENTS["transport stream, cut"], True),
    "a text": ("a.txt", LONG_TEXT, True),
    "a text as a film": ("a.mp4", LONG_TEXT, False),
    "a film of an unknown brand": ("a.mp4", CONTENTS["MP4 of an unknown brand"], True),
    "a program as a film": ("a.mp4", CONTENTS["ELF program"], False),
    "a document behind a mark": ("a.pdf", CONTENTS["PDF behind a byte order mark"], True),
    "a workbook as a picture": ("a.jpg", CONTENTS["XLSX of 6,000 rows"], False),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=8)
@given(at=st.lists(PLACES, max_size=5), apart=st.booleans())
def test_a_file_is_judged_alike_however_it_is_cut(case: str, at: list[int], apart: bool) -> None:
    name, content, taken = CASES[case]
    cuts = sorted({cut % len(content) for cut in at} - {0})
    pieces = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    allowed = (name.rpartition(".")[2],)
    with (
        TemporaryDirectory() as folder,
        UploadsInProcess(Path(folder), allowed_extensions=allowed) as client,
    ):
        upload_id = client.create(
            len(content),
            metadata_header=metadata(filename=name),
            metadata={"filename": name.encode()},
        )
        assert _is_taken(client, upload_id, pieces, apart) is taken
        expected = UploadState.FINISHED if taken else UploadState.REJECTED
        assert client.state(upload_id) is expected


def _is_taken(
    client: UploadsInProcess, upload_id: UploadId, pieces: list[bytes], apart: bool
) -> bool:
    """Send the pieces in one request, or in a request each."""
    try:
        offset = 0
        for body in [[piece] for piece in pieces] if apart else [pieces]:
            offset = client.append(upload_id, offset, *body)
    except TypeMismatch:
        return False
    return True
