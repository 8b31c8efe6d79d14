"""The pipelines that write to CSV files and to Redis."""

import json
from pathlib import Path

import pytest
from redis import Redis

from aioscrapy.db import db_manager
from aioscrapy.exceptions import SerializeError, SettingError
from aioscrapy.pipelines.csv import CsvPipeline
from aioscrapy.pipelines.redis import RedisPipeline
from aioscrapy.settings import Settings
from support.context import context


def test_items_go_to_the_files_that_they_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    spider = context().spider
    pipeline = CsvPipeline()
    first = {"a": 1, "b": 'with "quotes", and\nlines', "__csv__": {"filename": "one"}}
    assert pipeline.process_item(first, spider) == {"a": 1, "b": 'with "quotes", and\nlines'}
    pipeline.process_item({"b": "\u00fc", "c": 3, "__csv__": {"filename": "one.csv"}}, spider)
    pipeline.process_item({"x": 1, "__csv__": {}}, spider)
    pipeline.process_item({"not": "stored"}, spider)
    pipeline.close_spider()
    one = (tmp_path / "one.csv").read_bytes().decode("utf-8")
    assert one == 'a,b\r\n1,"with ""quotes"", and\nlines"\r\n,\u00fc\r\n'
    assert (tmp_path / "tested.csv").read_bytes() == b"x\r\n1\r\n"
    assert "without a column in the CSV file: c" in caplog.text
    assert "without __csv__" in caplog.text


def test_odd_items_leave_a_csv_file_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pipeline, spider = CsvPipeline(), context().spider
    for item in ({}, {"a": "\ud800"}, {"a": 1, 2: 3}, {"a": 4}):
        pipeline.process_item({**item, "__csv__": {"filename": "one"}}, spider)
    pipeline.process_item({"a": 5, "__csv__": {"filename": "./x/../one.csv"}}, spider)  # the same file
    pipeline.close_spider()
    assert (tmp_path / "one.csv").read_text() == "a\n\\ud800\n1\n4\n5\n"


def test_a_csv_file_that_can_not_be_written_leaves_the_others(tmp_path: Path) -> None:
    pipeline, spider = CsvPipeline(), context().spider
    (tmp_path / "full.csv").symlink_to("/dev/full")
    for name in ("full", "good"):
        pipeline.process_item({"a": 1, "__csv__": {"filename": str(tmp_path / name)}}, spider)
    with pytest.raises(OSError, match="No space left"):
        pipeline.close_spider()
    assert (tmp_path / "good.csv").read_text() == "a\n1\n"


async def test_items_go_to_the_keys_that_they_name(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    await db_manager.from_settings(
        Settings({"REDIS_ARGS": {"default": {"url": redis_url}, "two": {"url": redis_url}}})
    )
    pipeline = RedisPipeline()
    try:
        target = {"key_name": "k", "insert_method": "rpush"}
        assert await pipeline.process_item({"n": 1, "__redis__": target}) == {"n": 1}
        await pipeline.process_item({"n": "\u00fc", "__redis__": {**target, "db_alias": ["default", "two"]}})
        for _ in range(2):
            await pipeline.process_item({"n": 3, "__redis__": {"key_name": "s", "insert_method": "sadd"}})
        await pipeline.process_item({"not": "stored"})
    finally:
        await db_manager.close()
    with Redis.from_url(redis_url) as client:
        assert [json.loads(text) for text in client.lrange("k", 0, -1)] == [
            {"n": 1},
            {"n": "\u00fc"},
            {"n": "\u00fc"},
        ]
        assert client.smembers("s") == {b'{"n": 3}'}
    assert "without __redis__" in caplog.text


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({"__redis__": {"insert_method": "rpush"}}, SerializeError),
        ({"__redis__": {"key_name": "k", "insert_method": "flushall"}}, SerializeError),
        ({"x": object(), "__redis__": {"key_name": "k", "insert_method": "rpush"}}, SerializeError),
        ({"__redis__": {"key_name": "k", "insert_method": "rpush", "db_alias": "unknown"}}, SettingError),
    ],
)
async def test_an_item_that_cannot_be_stored_says_why(
    item: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await RedisPipeline().process_item(item)
