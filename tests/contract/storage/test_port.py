"""What every upload store must promise (``storage.port``). A second adapter is one more line."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from support.ids import fresh_id

from tusd_py.domain.errors import StorageFull, UploadNotFound
from tusd_py.domain.ids import UploadId
from tusd_py.storage.disk import DiskStore
from tusd_py.storage.port import (
    ChunkVerification,
    Concatenation,
    Stores,
    UploadExists,
    UploadStore,
    Writer,
)


def disk(root: Path) -> Stores:
    store = DiskStore(root / "uploads", durability="off")
    return Stores(uploads=store, verification=store, concatenation=store)


ADAPTERS: Final[dict[str, Callable[[Path], Stores]]] = {
    "disk": disk,
}


class Opened:
    """A store, and what is left of it when the process that opened it is gone."""

    def __init__(self, adapter: Callable[[Path], Stores], root: Path) -> None:
        self._adapter = adapter
        self._root = root
        self.stores = adapter(root)

    @property
    def uploads(self) -> UploadStore:
        return self.stores.uploads

    @property
    def verification(self) -> ChunkVerification:
        assert self.stores.verification is not None
        return self.stores.verification

    @property
    def concatenation(self) -> Concatenation:
        assert self.stores.concatenation is not None
        return self.stores.concatenation

    def reopen(self) -> None:
        self.stores = self._adapter(self._root)

    def holding(self, content: bytes) -> UploadId:
        upload_id = fresh_id()
        self.uploads.create(upload_id)
        with self.uploads.writer(upload_id, length=len(content)) as writer:
            writer.write([content])
        return upload_id

    def content(self, upload_id: UploadId) -> bytes:
        with self.uploads.reader(upload_id) as reader:
            return reader.read(0, 1 << 20)


@pytest.fixture(params=ADAPTERS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    return Opened(ADAPTERS[request.param], tmp_path)


class TestCore:
    def test_a_new_upload_is_empty(self, opened: Opened) -> None:
        upload_id = fresh_id()
        opened.uploads.create(upload_id)
        assert opened.uploads.offset(upload_id) == 0
        assert opened.content(upload_id) == b""

    def test_one_that_is_begun_takes_its_first_bytes_at_once(self, opened: Opened) -> None:
        upload_id = fresh_id()
        with opened.uploads.begin(upload_id, length=8 << 20) as writer:
            assert writer.offset == 0
            assert opened.uploads.offset(upload_id) == 0
            writer.write([b"abc"])
        assert opened.content(upload_id) == b"abc"

    def test_what_is_there_is_not_begun_again(self, opened: Opened) -> None:
        upload_id = opened.holding(b"abc")
        with pytest.raises(UploadExists):
            opened.uploads.begin(upload_id, length=None)
        assert opened.content(upload_id) == b"abc"

    def test_chunks_are_kept_in_order_and_the_offset_is_their_sum(self, opened: Opened) -> None:
        upload_id = fresh_id()
        opened.uploads.create(upload_id)
        with opened.uploads.writer(upload_id, length=None) as writer:
            writer.write([b"ab", memoryview(b"xcdx")[1:3], b"", memoryview(bytearray(b"e"))])
            assert writer.offset == 5
            assert opened.uploads.offset(upload_id) == 5
            writer.write([b"f"])
        assert opened.content(upload_id) == b"abcdef"

    def test_a_later_writer_goes_on_where_the_last_one_ended(self, opened: Opened) -> None:
        upload_id = opened.holding(b"abc")
        opened.reopen()
        with opened.uploads.writer(upload_id, length=6) as writer:
            assert writer.offset == 3
            writer.write([b"def"])
        assert opened.content(upload_id) == b"abcdef"

    def test_bytes_are_there_before_anything_is_synced_or_closed(self, opened: Opened) -> None:
        upload_id = fresh_id()
        opened.uploads.create(upload_id)
        writer = opened.uploads.writer(upload_id, length=None)
        writer.write([b"abc"])
        opened.reopen()
        assert opened.uploads.offset(upload_id) == 3
        writer.close()

    def test_thousands_of_chunks_in_one_write_are_all_kept(self, opened: Opened) -> None:
        upload_id = fresh_id()
        opened.uploads.create(upload_id)
        chunks = [bytes([number % 251]) * (number % 7) for number in range(5000)]
        with opened.uploads.writer(upload_id, length=None) as writer:
            writer.write(chunks)
        assert opened.content(upload_id) == b"".join(chunks)

    def test_reserving_space_does_not_move_the_offset(self, opened: Opened) -> None:
        upload_id = fresh_id()
        opened.uploads.create(upload_id)
        for _ in range(2):
            with opened.uploads.writer(upload_id, length=8 << 20) as writer:
                assert writer.offset == 0
        assert opened.uploads.offset(upload_id) == 0
        assert opened.content(upload_id) == b""

    def test_truncate_cuts_back_and_writing_goes_on_there(self, opened: Opened) -> None:
        upload_id = opened.holding(b"abcdef")
        with opened.uploads.writer(upload_id, length=None) as writer:
            writer.truncate(2)
            assert writer.offset == 2
            writer.write([b"X"])
        assert opened.content(upload_id) == b"abX"

    def test_a_writer_can_be_synced_and_closed_twice(self, opened: Opened) -> None:
        upload_id = opened.holding(b"abc")
        writer = opened.uploads.writer(upload_id, length=None)
        writer.sync()
        writer.sync()
        writer.close()
        writer.close()
        assert opened.uploads.offset(upload_id) == 3

    def test_an_unknown_upload_is_not_found(self, opened: Opened) -> None:
        unknown = fresh_id()
        for operation in (
            opened.uploads.offset,
            opened.uploads.modified_at,
            opened.uploads.reader,
            lambda upload_id: opened.uploads.writer(upload_id, length=None),
        ):
            with pytest.raises(UploadNotFound):
                operation(unknown)

    def test_a_write_moves_the_time_of_the_last_write(self, opened: Opened) -> None:
        upload_id = opened.holding(b"abc")
        before = opened.uploads.modified_at(upload_id)
        with opened.uploads.writer(upload_id, length=None) as writer:
            writer.write([b"d"])
        assert opened.uploads.modified_at(upload_id) >= before > 1.6e9

    def test_delete_removes_everything_and_returns_whether_there_was_anything(
        self, opened: Opened
    ) -> None:
        upload_id = opened.holding(b"abc")
        other = opened.holding(b"other")
        assert opened.uploads.delete(upload_id) is True
        assert opened.uploads.delete(upload_id) is False
        with pytest.raises(UploadNotFound):
            opened.uploads.offset(upload_id)
        assert list(opened.uploads.ids()) == [other]

    def test_ids_lists_every_upload(self, opened: Opened) -> None:
        assert list(opened.uploads.ids()) == []
        held = {opened.holding(b"x") for _ in range(20)}
        opened.reopen()
        assert sorted(opened.uploads.ids()) == sorted(held)

    def test_there_is_room_for_what_fits(self, opened: Opened) -> None:
        opened.uploads.check_room(1, new=True)
        with pytest.raises(StorageFull):
            opened.uploads.check_room(1 << 60)


class TestReading:
    def test_any_place_can_be_read(self, opened: Opened) -> None:
        with opened.uploads.reader(opened.holding(b"abcdef")) as reader:
            assert [reader.read(2, 3), reader.read(0, 1), reader.read(4, 9)] == [
                b"cde",
                b"a",
                b"ef",
            ]
            assert [reader.read(6, 1), reader.read(9, 1), reader.read(0, 0)] == [b"", b"", b""]

    def test_bytes_can_be_read_into_a_buffer(self, opened: Opened) -> None:
        buffer = bytearray(b"......")
        with opened.uploads.reader(opened.holding(b"abcd")) as reader:
            assert reader.read_into(1, memoryview(buffer)[:2]) == 2
            assert buffer == b"bc...."
            assert reader.read_into(1, memoryview(buffer)) == 3
            assert buffer == b"bcd..."
            assert reader.read_into(4, memoryview(buffer)) == 0

    def test_an_open_reader_sees_what_is_written_meanwhile(self, opened: Opened) -> None:
        upload_id = opened.holding(b"abc")
        with (
            opened.uploads.reader(upload_id) as reader,
            opened.uploads.writer(upload_id, length=None) as writer,
        ):
            writer.write([b"def"])
            assert reader.read(2, 9) == b"cdef"

    def test_it_reads_a_chunk_that_is_not_verified_yet(self, opened: Opened) -> None:
        upload_id = opened.holding(b"abc")
        with opened.uploads.writer(upload_id, length=None) as writer:
            opened.verification.begin_chunk(writer)
            writer.write([b"def"])
            assert opened.content(upload_id) == b"abcdef"

    def test_after_a_delete_it_reads_the_same_bytes_or_says_that_they_are_gone(
        self, opened: Opened
    ) -> None:
        upload_id = opened.holding(b"abc")
        with opened.uploads.reader(upload_id) as reader:
            opened.uploads.delete(upload_id)
            with suppress(UploadNotFound):
                assert reader.read(0, 3) == b"abc"

    def test_a_reader_can_be_closed_twice(self, opened: Opened) -> None:
        reader = opened.uploads.reader(opened.holding(b"abc"))
        reader.close()
        reader.close()

    def test_a_program_gets_a_file_with_all_bytes(self, opened: Opened, tmp_path: Path) -> None:
        upload_id, copy = opened.holding(b"abc"), tmp_path / "new" / "copy"
        assert opened.uploads.local_file(upload_id, copy).read_bytes() == b"abc"
        shutil.rmtree(copy.parent, ignore_errors=True)
        assert opened.content(upload_id) == b"abc"

    def test_there_is_no_file_of_an_unknown_upload(self, opened: Opened, tmp_path: Path) -> None:
        with pytest.raises(UploadNotFound):
            opened.uploads.local_file(fresh_id(), tmp_path / "new" / "copy")

    def test_the_location_is_known_before_the_upload_and_never_changes(
        self, opened: Opened
    ) -> None:
        upload_id = fresh_id()
        before = opened.uploads.location(upload_id)
        opened.uploads.create(upload_id)
        opened.reopen()
        assert opened.uploads.location(upload_id) == before
        assert 0 < len(before) <= 512


class TestRewind:
    def begun(self, opened: Opened) -> tuple[UploadId, Writer]:
        """Return an upload of verified ``abc``, which unverified ``wrong`` follows."""
        upload_id = opened.holding(b"abc")
        writer = opened.uploads.writer(upload_id, length=None)
        opened.verification.begin_chunk(writer)
        writer.write([b"wro", b"ng"])
        return upload_id, writer

    def test_unverified_bytes_do_not_count(self, opened: Opened) -> None:
        upload_id, writer = self.begun(opened)
        assert opened.uploads.offset(upload_id) == 3
        writer.close()

    def test_kept_bytes_count(self, opened: Opened) -> None:
        upload_id, writer = self.begun(opened)
        opened.verification.commit_chunk(writer)
        writer.close()
        assert opened.uploads.offset(upload_id) == 8
        opened.reopen()
        assert opened.uploads.offset(upload_id) == 8

    def test_discarded_bytes_are_gone_and_the_writer_stands_at_the_mark(
        self, opened: Opened
    ) -> None:
        upload_id, writer = self.begun(opened)
        opened.verification.rollback_chunk(writer)
        assert writer.offset == 3
        writer.write([b"de"])
        writer.close()
        assert opened.uploads.offset(upload_id) == 5
        assert opened.content(upload_id) == b"abcde"

    def test_a_death_inside_the_chunk_leaves_only_verified_bytes(self, opened: Opened) -> None:
        upload_id, writer = self.begun(opened)
        writer.close()
        opened.reopen()
        assert opened.uploads.offset(upload_id) == 3
        with opened.uploads.writer(upload_id, length=None) as again:
            assert again.offset == 3
            assert opened.content(upload_id) == b"abc"
            again.write([b"def"])
        assert opened.uploads.offset(upload_id) == 6

    def test_the_first_chunk_can_be_discarded_too(self, opened: Opened) -> None:
        upload_id = fresh_id()
        opened.uploads.create(upload_id)
        with opened.uploads.writer(upload_id, length=None) as writer:
            opened.verification.begin_chunk(writer)
            writer.write([b"wrong"])
            opened.verification.rollback_chunk(writer)
        assert opened.uploads.offset(upload_id) == 0
        assert opened.content(upload_id) == b""

    def test_a_second_mark_does_not_verify_what_lies_behind_the_first(self, opened: Opened) -> None:
        upload_id, writer = self.begun(opened)
        opened.verification.begin_chunk(writer)
        assert opened.uploads.offset(upload_id) == 3
        writer.close()

    def test_an_upload_is_deleted_with_its_mark(self, opened: Opened) -> None:
        upload_id, writer = self.begun(opened)
        writer.close()
        assert opened.uploads.delete(upload_id) is True
        opened.uploads.create(upload_id)
        with opened.uploads.writer(upload_id, length=None) as again:
            again.write([b"whole"])
        assert opened.uploads.offset(upload_id) == 5

    def test_a_marked_upload_is_listed_once(self, opened: Opened) -> None:
        upload_id, writer = self.begun(opened)
        writer.close()
        assert list(opened.uploads.ids()) == [upload_id]


class TestConcatenation:
    def test_the_parts_are_put_together_in_the_order_given(self, opened: Opened) -> None:
        parts = [opened.holding(content) for content in (b"one" * 5000, b"", b"two", b"three")]
        into = opened.holding(b"")
        order = [parts[2], parts[0], parts[1], parts[3], parts[2]]
        expected = b"two" + b"one" * 5000 + b"three" + b"two"
        assert sum(opened.concatenation.concatenate(into, order)) == len(expected)
        assert opened.content(into) == expected
        assert opened.uploads.offset(into) == len(expected)

    def test_the_parts_stay_as_they_were(self, opened: Opened) -> None:
        parts = [opened.holding(b"one"), opened.holding(b"two")]
        into = opened.holding(b"")
        sum(opened.concatenation.concatenate(into, parts))
        with opened.uploads.writer(into, length=None) as writer:
            writer.write([b"more"])
        assert [opened.content(part) for part in parts] == [b"one", b"two"]

    def test_doing_it_again_starts_from_zero(self, opened: Opened) -> None:
        parts = [opened.holding(b"one"), opened.holding(b"two")]
        into = opened.holding(b"left by a broken attempt")
        for _ in range(2):
            assert sum(opened.concatenation.concatenate(into, parts)) == 6
        assert opened.content(into) == b"onetwo"

    def test_a_missing_part_changes_nothing(self, opened: Opened) -> None:
        into = opened.holding(b"before")
        with pytest.raises(UploadNotFound):
            sum(opened.concatenation.concatenate(into, [opened.holding(b"one"), fresh_id()]))
        assert opened.content(into) == b"before"

    def test_an_upload_that_is_gone_is_not_made_again(self, opened: Opened) -> None:
        into, part = fresh_id(), opened.holding(b"one")
        with pytest.raises(UploadNotFound):
            sum(opened.concatenation.concatenate(into, [part]))
        assert list(opened.uploads.ids()) == [part]
