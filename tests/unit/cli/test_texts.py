"""Texts are shown in the language of the reader."""

import pytest

from tusd_py.cli.texts import reader_language, text, translated


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LC_ALL": "", "LANG": "zh_CN"}, "zh"),
    ],
)
def test_the_locale_chooses_the_language(environ: dict[str, str], language: str) -> None:
    assert reader_language(environ) == language


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")


def test_a_text_is_filled_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert text("{count} of {total}", count=1, total=2) == "1 of 2"
    assert translated("There is no such upload.") == "There is no such upload."
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert text("{count} of {total}", count=1, total=2) == "1 / 2 个文件"
    assert text("a text without a translation") == "a text without a translation"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("There is no such upload.", "没有此上传。"),
        ("the server answered 502", "服务器返回 502"),
        ("no server answers there: Connection refused", "该地址没有服务器响应：连接被拒绝"),
        ("the certificate is not trusted: self-signed certificate", "证书不受信任：自签名证书"),
        ("Server disconnected without sending a response.", "服务器未作响应就断开了连接"),
        ("Invalid value for '--size': Input should be greater than or equal to 1",
         "'--size' 的值无效：应不小于 1"),
        ("the server answered {secret} \n 5", "服务器返回 {secret} \n 5"),
        ("a sentence of a hook", "a sentence of a hook"),
    ],
)  # fmt: skip
def test_a_foreign_sentence_is_found_by_its_pattern(
    chinese: None, sentence: str, expected: str
) -> None:
    assert translated(sentence) == expected
