"""The project's code ends the event loop under a crawl: the crawl still ends itself, as `exited`."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from aioscrapy.ends import End
from aioscrapy.process import CrawlerProcess
from aioscrapy.spiders import Spider
from support.commands import aioscrapy
from support.crawling import QUIET, json_lines


async def leave() -> None:
    sys.exit(7)


def cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


class Ended(Spider):
    name = "ended"
    start_urls: ClassVar[list[str]] = ["data:,1"]
    act: Callable[[asyncio.AbstractEventLoop], Any]

    def parse(self, response: Any) -> Iterator[dict[str, str]]:
        loop = asyncio.get_running_loop()
        task = type(self).act(loop)
        yield {"url": response.url}
        self.task = task  # a task that nobody keeps may be lost


@pytest.mark.parametrize("loop_class", ["asyncio.SelectorEventLoop", "uvloop.Loop"])
@pytest.mark.parametrize(
    ("act", "status", "error"),
    [
        (lambda loop: loop.stop(), 1, "the project's code stopped the event loop"),
        (lambda loop: loop.call_soon(sys.exit, 0), 1, "SystemExit: 0"),
        (lambda loop: loop.create_task(leave()), 7, "SystemExit: 7"),
    ],
)
def test_what_ends_the_loop_ends_the_crawl_as_exited(
    tmp_path: Path, act: Any, status: int, error: str, loop_class: str
) -> None:
    file = tmp_path / "items.jsonl"
    process = CrawlerProcess({**QUIET, "FEEDS": {file: {}}, "ASYNCIO_EVENT_LOOP": loop_class})
    crawler = process.crawl(type("Acts", (Ended,), {"act": act}))
    process.start()
    assert crawler.end == End("exited", status, error)
    if isinstance(crawler.spider.task, asyncio.Task):
        crawler.spider.task.exception()  # else asyncio logs it when the task is forgotten
    assert json_lines(file) == [{"url": "data:,1"}]


def test_the_projects_code_cancels_all_tasks() -> None:
    process = CrawlerProcess(QUIET)
    crawler = process.crawl(type("Acts", (Ended,), {"act": cancel_all}))
    with pytest.raises(asyncio.CancelledError):
        process.start()
    assert (crawler.end.reason, crawler.end.exit_status) == ("exited", 1)


@pytest.mark.server
def test_a_worker_process_whose_loop_is_stopped_is_not_a_shutdown(tmp_path: Path) -> None:
    (tmp_path / "stops.py").write_text(
        "import asyncio\nfrom aioscrapy import Spider\n\n"
        "class Stops(Spider):\n    name = 'stops'\n    start_urls = ['data:,1']\n"
        "    async def parse(self, response):\n        asyncio.get_running_loop().stop()\n"
    )
    ended = aioscrapy(tmp_path, "runspider", "stops.py", "--processes", "2")
    assert "Spider closed (exited)" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 1
