import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.domain.errors import MalformedHeader, MetadataTooLarge, UnsupportedChecksumAlgorithm
from tusd_py.protocol.fields import (
    MAX_METADATA_KEYS,
    Fields,
    http_date,
    media_type,
    parse_checksum,
    parse_defer_length,
    parse_metadata,
    parse_number,
    parse_upload_hash,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "-1",
        "+0",
        "0x0",
        "0.0",
        "1e3",
        "1_0",
        "0 0",
        "0,0",
        "²",
        "٣",
        str(2**63),
        "1" * 40,
    ],
)
def test_numbers_are_ascii_digits_below_2_to_the_63(text: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_number("Upload-Offset", text)


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_every_number_in_range_is_read_back(number: int) -> None:
    assert parse_number("Upload-Length", str(number)) == number


def test_a_repeated_field_is_refused_rather_than_guessed() -> None:
    fields = Fields([(b"upload-offset", b"0"), (b"Upload-Offset", b"5")])
    with pytest.raises(MalformedHeader, match="repeated"):
        fields.one("Upload-Offset")


def test_a_list_field_may_be_spread_over_several_lines() -> None:
    fields = Fields([(b"upload-metadata", b"a YQ=="), (b"upload-metadata", b"b Yg==")])
    assert parse_metadata(fields.joined("Upload-Metadata") or "") == {"a": b"a", "b": b"b"}


@pytest.mark.parametrize("text", ["", "0", "2", "01", "-1", "true"])
def test_defer_length_is_one_or_nothing(text: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_defer_length(text)


def test_metadata_values_are_bytes_and_may_be_missing() -> None:
    assert parse_metadata("filename 6KeG6aKRLm1wNA==,flag,empty ") == {
        "filename": "视频.mp4".encode(),
        "flag": b"",
        "empty": b"",
    }


@pytest.mark.parametrize(
    "text",
    ["key !!!!", "key YQ", "key YQ=", "key Y Q==", "a YQ==,a Yg==", "a YQ==,,b Yg==", ",a YQ==", "a YQ==,"],
)  # fmt: skip
def test_malformed_metadata_is_refused(text: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_metadata(text)


@given(st.text(max_size=200))
def test_any_text_is_metadata_or_a_clear_error(text: str) -> None:
    try:
        parse_metadata(text)
    except (MalformedHeader, MetadataTooLarge) as error:
        assert error.detail


def test_metadata_has_limits() -> None:
    with pytest.raises(MetadataTooLarge):
        parse_metadata(",".join(f"k{n}" for n in range(MAX_METADATA_KEYS + 1)))
    with pytest.raises(MetadataTooLarge):
        parse_metadata("k " + "A" * (1 << 20))


SIZES = {"sha1": 20, "crc32": 4}


def test_a_checksum_is_an_algorithm_and_a_digest_of_its_size() -> None:
    checksum = parse_checksum("crc32 AAAAAA==", SIZES)
    assert (checksum.algorithm, checksum.digest) == ("crc32", bytes(4))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", MalformedHeader),
        ("sha1", MalformedHeader),
        ("sha1 !!!", MalformedHeader),
        ("sha1 AAAA", MalformedHeader),
        ("SHA1 AAAA", UnsupportedChecksumAlgorithm),
        ("nosuchhash AAAA", UnsupportedChecksumAlgorithm),
    ],
)
def test_a_bad_checksum_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_checksum(text, SIZES)


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (None, None),
        (f"blake3=:{'A' * 43}=:", "00" * 32),
        (f"sha-256=:AAAA:, blake3=:{'A' * 43}=:", "00" * 32),
        ("sha-256=:AAAA:", None),
    ],
)
def test_the_hash_of_the_file_is_declared_by_a_header(text: str | None, digest: str | None) -> None:
    assert parse_upload_hash(text) == digest


@pytest.mark.parametrize(
    "value", ["", "AAAA", ":", "::", ":AAAA:", f":{'!' * 44}:", f":{'A' * 43}="]
)
def test_a_malformed_hash_is_refused(value: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_upload_hash(f"blake3={value}")


def test_media_types_are_compared_without_case_and_parameters() -> None:
    assert media_type("Application/Offset+Octet-Stream; a=b") == "application/offset+octet-stream"
    assert media_type(None) == ""


def test_dates_are_imf_fixdates() -> None:
    assert http_date(1403712000.0) == "Wed, 25 Jun 2014 16:00:00 GMT"
