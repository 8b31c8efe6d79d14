"""The spider's notes from one run to the next."""

import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.exceptions import NotConfigured
from aioscrapy.extensions.spiderstate import SpiderState
from support.context import context


async def run(folder: Path, **notes: Any) -> dict[str, Any]:
    """Run a crawl whose spider takes these notes; returns those that it found at its start."""
    crawler = context({"JOBDIR": str(folder)})
    SpiderState.from_crawler(crawler)
    await crawler.signals.send(signals.spider_opened, spider=crawler.spider)
    found = dict(crawler.spider.state)
    crawler.spider.state.update(notes)
    await crawler.signals.send(signals.spider_closed, spider=crawler.spider, reason="shutdown")
    return found


async def test_notes_are_there_in_the_next_run(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "job"
    assert await run(folder, seen=3, name="\u00fc") == {}
    assert await run(folder, more=[1]) == {"seen": 3, "name": "\u00fc"}
    assert await run(folder) == {"seen": 3, "name": "\u00fc", "more": [1]}
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert await run(folder, at=noon, ids={1, 2}) == {"seen": 3, "name": "\u00fc", "more": [1]}
    assert await run(folder) == {"seen": 3, "name": "\u00fc", "more": [1], "at": noon, "ids": {1, 2}}
    assert [path.name for path in folder.iterdir()] == ["spider.state"]


async def test_notes_stay_in_their_folder_when_the_spider_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    crawler = context({"JOBDIR": "job"})
    SpiderState.from_crawler(crawler)
    await crawler.signals.send(signals.spider_opened, spider=crawler.spider)
    crawler.spider.state["odd"] = "\\ \ud800"
    (tmp_path / "other").mkdir()
    monkeypatch.chdir("other")
    await crawler.signals.send(signals.spider_closed, spider=crawler.spider, reason="shutdown")
    assert await run(tmp_path / "job") == {"odd": "\\ \ud800"}


async def test_notes_that_json_cannot_hold_leave_the_old_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await run(tmp_path, good=1)
    await run(tmp_path, bad=object())
    assert "can't be written as JSON" in caplog.text
    assert await run(tmp_path) == {"good": 1}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", pickle.dumps({"a": 1})])
async def test_a_file_that_cannot_be_read_is_put_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "spider.state").write_bytes(content)
    assert await run(tmp_path, fresh=1) == {}
    assert (tmp_path / "spider.state.unreadable").read_bytes() == content
    assert "can't be read" in caplog.text
    assert await run(tmp_path) == {"fresh": 1}


def test_no_folder_no_state() -> None:
    with pytest.raises(NotConfigured):
        SpiderState.from_crawler(context())
