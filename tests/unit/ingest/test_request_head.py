"""Tests the head fields of a request that concern its connection."""

import pytest

from tusd_py.ingest.refusals import Refusal, TransferCodingRefused
from tusd_py.ingest.request_head import (
    check_transfer_coding,
    is_websocket_handshake,
    take_host_of_target,
)

UPGRADE = (b"upgrade", b" WebSocket ")


@pytest.mark.parametrize("value", [b"chunked", b" Chunked\t"])
def test_one_transfer_coding_is_taken(value: bytes) -> None:
    check_transfer_coding(value, [(b"host", b"x")], "1.1")


@pytest.mark.parametrize(
    "value", [b"", b"gzip", b"gzip, chunked", b"chunked, chunked", b"chunked;q=1"]
)
def test_any_other_transfer_coding_is_refused(value: bytes) -> None:
    with pytest.raises(TransferCodingRefused):
        check_transfer_coding(value, [], "1.1")


def test_a_second_transfer_coding_is_refused() -> None:
    with pytest.raises(TransferCodingRefused):
        check_transfer_coding(b"chunked", [(b"transfer-encoding", b"chunked")], "1.1")


def test_an_older_version_has_no_transfer_coding() -> None:
    with pytest.raises(Refusal):
        check_transfer_coding(b"chunked", [], "1.0")


@pytest.mark.parametrize(
    ("target", "host"),
    [
        (b"http://a.example/x", b"a.example"),
        (b"HTTP://a.example:8080?x", b"a.example:8080"),
        (b"http://user@a.example/", b"user@a.example"),
        (b"http:///x", b""),
        (b"a.example:443", b""),
    ],
)
def test_a_target_in_absolute_form_names_the_host(target: bytes, host: bytes) -> None:
    fields = [(b"host", b"one"), (b"x", b"y"), (b"host", b"two")]
    take_host_of_target(target, fields)
    assert fields == [(b"x", b"y"), (b"host", host)]


@pytest.mark.parametrize(
    ("method", "version", "fields", "expected"),
    [
        (b"GET", "1.1", [UPGRADE], True),
        (b"POST", "1.1", [UPGRADE], False),
        (b"GET", "1.0", [UPGRADE], False),
        (b"GET", "1.1", [], False),
        (b"GET", "1.1", [UPGRADE, UPGRADE], False),
        (b"GET", "1.1", [(b"upgrade", b"h2c")], False),
        (b"GET", "1.1", [UPGRADE, (b"content-length", b"0")], False),
        (b"GET", "1.1", [UPGRADE, (b"transfer-encoding", b"chunked")], False),
    ],
)
def test_a_handshake_is_a_get_without_a_body(
    method: bytes, version: str, fields: list[tuple[bytes, bytes]], expected: bool
) -> None:
    assert is_websocket_handshake(method, version, fields) is expected
