"""Real files of many kinds, made by the programs that write them: see tests/file_types/README.md."""

import pytest
from file_types.corpus import Entry, entries

from tusd_py.domain.errors import TypeMismatch
from tusd_py.domain.signatures.head_reader import HEAD_BYTES, HeadReader
from tusd_py.domain.signatures.identify import identify
from tusd_py.domain.type_rules import check_content, check_name

pytestmark = pytest.mark.slow

CORPUS = entries()
WRONG_NAMES = ("jpg", "png", "mp4", "mp3", "pdf", "docx", "zip", "txt", "csv")
OF_MEDIA = ("video", "audio", "image")


def is_refused(ext: str, look: HeadReader) -> bool:
    try:
        check_content(f"a.{ext}", look, (ext,))
    except TypeMismatch:
        return True
    return False


def beginning(entry: Entry) -> HeadReader:
    return HeadReader(entry.content[:HEAD_BYTES])


def test_every_file_has_the_program_and_its_version_or_the_specification() -> None:
    assert len(CORPUS) > 500
    assert len({entry.extensions[0] for entry in CORPUS}) > 300
    by_program = [entry for entry in CORPUS if entry.program not in ("specification", "written")]
    assert len(by_program) > 350
    assert [entry.name for entry in by_program if not entry.version] == []
    by_word = [entry for entry in CORPUS if entry.program == "specification"]
    assert [entry.name for entry in by_word if not entry.source] == []


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.name)
def test_no_file_is_refused_under_a_name_that_it_may_have(entry: Entry) -> None:
    for ext in entry.extensions:
        check_name(f"a.{ext}", (ext,))
        assert not is_refused(ext, beginning(entry)), ext
        assert not is_refused(ext, entry.look()), ext


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.name)
def test_what_the_beginning_shows_the_whole_shows_too(entry: Entry) -> None:
    for ext in WRONG_NAMES:
        assert is_refused(ext, entry.look()) or not is_refused(ext, beginning(entry)), ext


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.name)
def test_the_worker_processes_each_film_picture_and_sound_as_such_and_nothing_else(
    entry: Entry,
) -> None:
    found = identify(entry.look())
    family = found.family if found is not None and found.family in OF_MEDIA else "none"
    assert family == entry.family


@pytest.mark.parametrize("ext", WRONG_NAMES)
def test_nearly_everything_is_refused_under_a_name_of_another_kind(ext: str) -> None:
    wrong = [entry for entry in CORPUS if ext not in entry.extensions]
    refused = {entry.name for entry in wrong if is_refused(ext, entry.look())}
    assert len(refused) > 0.55 * len(wrong)
    of_programs = {"ELF program", "Windows program", "Mach-O program", "Java class", "Flash"}
    of_others = {
        "MP4 of a phone",
        "PDF of Pillow",
        "HEIC",
        "tar",
        "SQLite",
        "OpenType",
        "DOC",
        "PPT",
    }
    if ext == "docx":
        of_others -= {"DOC", "PPT"}  # A compound file may be a document with a password.
    assert (of_programs | of_others) - {
        each.name for each in CORPUS if each not in wrong
    } <= refused
