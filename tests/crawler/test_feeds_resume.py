"""A feed that goes on where a killed process left it: the file is cut to its recorded length."""

import io
from pathlib import Path

import pytest

from aioscrapy.exceptions import SettingError
from aioscrapy.feeds.feed import Feed
from aioscrapy.feeds.file import FeedFile
from aioscrapy.feeds.options import feed_of
from aioscrapy.settings import Settings

FORMATS = ["jl", "json", "csv", "xml"]
OPTIONS = {"plain": {}, "utf-16": {"encoding": "utf-16"}, "indented": {"indent": 2}}
ITEMS = [{"a": "1", "b": "é"}, {"a": "2"}, {"b": "x\ny", "a": "3"}, {"a": "4", "b": ""}]


def feed_at(path: Path, **options: object) -> Feed:
    feed = feed_of(str(path), options, Settings({"FEED_EXPORT_FIELDS": "a,b"}))
    feed.prepare(None)
    return feed


def records_of(feed: Feed) -> list[bytes]:
    return [record for item in ITEMS if (record := feed.pack(item)) is not None]


def written(path: Path, count: int = len(ITEMS), *, closed: bool = True, **options: object) -> list[int]:
    """Write the first items; return the length of the file behind each of them, the first for none."""
    feed = feed_at(path, **options)
    feed.begin()
    lengths = [0]
    for record in records_of(feed)[:count]:
        feed.write(record)
        lengths.append(feed.file.size)
    if closed:
        feed.finish()
    feed.file.close()
    return lengths


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_cut_anywhere_is_completed(tmp_path: Path, ending: str, options: dict[str, object]) -> None:
    whole = tmp_path / f"whole.{ending}"
    lengths = written(whole, **options)
    expected = whole.read_bytes()
    path = tmp_path / f"items.{ending}"
    for saved in range(len(ITEMS) + 1):
        for size in {*range(lengths[saved], len(expected), 1 if not options else 7), len(expected)}:
            path.write_bytes(expected[:size])
            feed = feed_at(path, **options)
            pending = records_of(feed)[saved:]
            feed.resume(lengths[saved], saved, pending)
            for record in pending:
                feed.write(record)
            feed.finish()
            feed.file.close()
            assert path.read_bytes() == expected, (saved, size)
    assert sorted(tmp_path.iterdir()) == [path, whole]  # nothing was taken for foreign bytes


@pytest.mark.parametrize("ending", FORMATS)
def test_bytes_of_another_program_are_kept_beside_the_file(
    tmp_path: Path, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"items.{ending}"
    lengths = written(path, 2, closed=False)
    with path.open("ab") as file:
        file.write(b"foreign\n")
    feed = feed_at(path)
    feed.resume(lengths[1], 1, records_of(feed)[1:2])
    feed.file.close()
    assert path.stat().st_size == lengths[1]
    [moved] = tmp_path.glob(f"items.{ending}.tail-*")
    assert moved.read_bytes().endswith(b"foreign\n")
    assert str(moved) in caplog.text


@pytest.mark.parametrize("ending", ["jl", "csv"])
def test_a_file_of_lines_that_was_emptied_meanwhile_goes_on(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"items.{ending}"
    lengths = written(path, 2)
    path.write_bytes(b"")
    feed = feed_at(path)
    feed.resume(lengths[2], 2, records_of(feed)[2:])
    for record in records_of(feed)[2:]:
        feed.write(record)
    feed.finish()
    feed.file.close()
    assert feed.count == len(ITEMS)
    assert b"4" in path.read_bytes()


@pytest.mark.parametrize("ending", ["json", "xml"])
def test_a_document_that_has_lost_bytes_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"items.{ending}"
    lengths = written(path, 2)
    path.write_bytes(path.read_bytes()[: lengths[1]])
    feed = feed_at(path)
    with pytest.raises(SettingError, match="bytes that were written to it are missing"):
        feed.resume(lengths[2], 2, [])
    feed.file.close()


def test_one_process_writes_a_file_until_it_ends(tmp_path: Path) -> None:
    first, second = FeedFile(tmp_path / "a.jl"), FeedFile(tmp_path / "a.jl")
    assert first.lock()
    assert not second.lock()
    first.close()
    assert second.lock()
    second.close()


def test_a_lock_of_a_file_that_was_replaced_is_not_taken_for_that_of_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jl"
    file = FeedFile(path)
    file.open()
    old = file.inode
    path.rename(tmp_path / "b.jl")
    path.write_bytes(b"")
    assert file.lock()
    assert file.inode == path.stat().st_ino != old
    file.close()


def test_a_packed_item_is_the_same_bytes_in_any_place() -> None:
    for ending in FORMATS:
        feed = feed_of(f"x.{ending}", {}, Settings())
        once = [feed.pack(item) for item in ITEMS]
        assert [feed.pack(item) for item in reversed(ITEMS)] == once[::-1]


def test_the_columns_of_a_csv_are_those_of_the_first_item_that_is_written() -> None:
    feed = feed_of("x.csv", {}, Settings())
    records = [feed.pack(item) for item in ({"a": 1, "b": 2}, {"b": 3, "a": 4})]
    file = io.BytesIO()
    exporter = feed.form.export(file)
    for record in reversed(records):
        exporter.write(record)
    assert file.getvalue() == b"b,a\r\n3,4\r\n2,1\r\n"
