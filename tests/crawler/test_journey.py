"""How far one request travels: the files that it passes, and how often it goes from one to another."""

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import aioscrapy
from aioscrapy.core.memory_scheduler import MemoryScheduler
from aioscrapy.queue.base import Lease
from support.crawling import SiteSpider, crawl
from support.site import Site

PACKAGE = str(Path(aioscrapy.__file__).parent)

MOST_FILES = 22
MOST_MOVES = 55


class Journey:
    """The files of the package whose functions are called, from `begin` to `end`."""

    def __init__(self) -> None:
        self.files: list[str] = []

    def begin(self) -> None:
        self.files.clear()
        sys.setprofile(self._note)

    def end(self) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(PACKAGE):
            self.files.append(name.removeprefix(PACKAGE))


@pytest.fixture
def journey() -> Iterator[Journey]:
    """A journey; no profiler is left behind."""
    measured = Journey()
    yield measured
    measured.end()


class Two(SiteSpider):
    paths = ("/page/1", "/page/2")

    async def parse(self, response: Any) -> Any:
        yield {"path": self.path_of(response.url)}


async def test_a_request_passes_few_files_from_the_frontier_to_the_first_pipeline(
    site: Site, monkeypatch: pytest.MonkeyPatch, journey: Journey
) -> None:
    """The second of two pages of a crawl in memory with all default middlewares, over the network.

    A response that arrives in several pieces resumes the download as often: the shortest of some journeys
    counts.
    """

    class Last:
        def process_item(self, item: Any) -> Any:
            if item["path"] == "/page/2":
                journey.end()
            return item

    reserve, taken = MemoryScheduler.reserve, list[bool]()

    async def counting(scheduler: MemoryScheduler) -> Lease | None:
        taken.append(True)
        if len(taken) == 3:  # the first runs the start requests
            journey.begin()
        return await reserve(scheduler)

    monkeypatch.setattr(MemoryScheduler, "reserve", counting)
    settings = {"CONCURRENT_REQUESTS": 1, "ITEM_PIPELINES": {Last: 1}}
    journeys = []
    for _ in range(5):
        taken.clear()
        assert len((await crawl(Two, settings, site=site.url)).items) == 2
        journeys.append(list(journey.files))
    shortest = min(journeys, key=moves)
    assert len(set(shortest)) <= MOST_FILES, " ".join(sorted(set(shortest)))
    assert MOST_MOVES // 2 < moves(shortest) <= MOST_MOVES, shortest


def moves(files: list[str]) -> int:
    return sum(one != other for one, other in pairwise(files))
