import pytest

from tusd_py.protocol.encodings import accepts_gzip
from tusd_py.protocol.fields import Fields


@pytest.mark.parametrize(
    ("sent", "accepts"),
    [
        ([], False),
        ([""], False),
        (["gzip"], True),
        (["br, GZIP ;q=0.5, zstd"], True),
        (["br", "gzip"], True),
        (["*"], True),
        (["*, gzip;q=0"], False),
        (["gzip;q=0.000"], False),
        (["*;q=0"], False),
        (["identity, x-gzip, gzipped"], False),
        (["gzip;q=much"], False),
    ],
)
def test_gzip_is_sent_to_who_takes_it(sent: list[str], accepts: bool) -> None:
    fields = Fields((b"Accept-Encoding", value.encode()) for value in sent)
    assert accepts_gzip(fields) is accepts
