"""The parts of a crawl by several processes, each by itself."""

import contextlib
import itertools
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.ends import End
from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.settings import Settings
from aioscrapy.spiders import Spider
from aioscrapy.workers import process_count
from aioscrapy.workers.pipe import MessageReader, MessageType, MessageWriter
from aioscrapy.workers.pool import first_end
from aioscrapy.workers.pool_settings import move_to_redis, worker_settings
from aioscrapy.workers.pool_stats import MergeableStats, PoolStats


class Slow(Spider):
    name = "slow"


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5", "257"])
def test_a_number_of_processes_that_cant_be_is_one_line(count: str) -> None:
    with pytest.raises(SettingError, match="setting CRAWL_PROCESSES: ") as told:
        process_count(Settings({"CRAWL_PROCESSES": count}))
    assert "\n" not in str(told.value)


def test_frames_arrive_whole_however_the_pipe_cuts_them() -> None:
    down, up = os.pipe()
    reader, writer = MessageReader(down), MessageWriter(up)
    writer.send(MessageType.LOG, b"one\n")
    writer.send(MessageType.STOP)
    first = reader.read()
    os.write(up, b"\x01\x00\x00")
    second = reader.read()
    os.write(up, b"\x00\x03two")
    third = reader.read()
    writer.close()
    assert first == [(MessageType.LOG, b"one\n"), (MessageType.STOP, b"")]
    assert (second, third, reader.read()) == ([], [(MessageType.LOG, b"two")], None)
    os.close(down)


def test_the_stats_of_workers_become_one_table() -> None:
    totals = PoolStats()
    totals.set_value("start_time", "the crawl's")
    for number, (depth, least, size) in enumerate([(3, 5, 10), (7, 2, 20)], 1):
        stats = MergeableStats()
        stats.set_value("start_time", datetime.now(UTC))
        stats.inc_value("pages", number)
        stats.max_value("depth", depth)
        stats.min_value("least", least)
        stats.set_value("size", size)
        stats.set_value("begun", 0)
        stats.inc_value("begun")
        stats.set_value("name", "x")
        totals.update(number, stats.snapshot(number * 10))
    assert totals.get_stats() == {
        "start_time": "the crawl's",
        "pages": 3,
        "depth": 7,
        "least": 2,
        "size": 20,
        "begun": 2,
        "name": "x",
    }
    assert totals.get_value("pages") == 3
    assert totals.waiting() == 20


def test_the_newest_figures_of_a_worker_take_the_place_of_its_earlier_ones() -> None:
    totals, stats = PoolStats(), MergeableStats()
    for _ in range(2):
        stats.inc_value("pages")
        totals.update(1, stats.snapshot(0))
    totals.inc_value("pages", 5)
    assert totals.get_value("pages") == 7


@pytest.mark.parametrize(
    ("queue", "shared"),
    [("SpiderPriorityQueue", "SpiderPriorityQueue"), ("SpiderQueue", "SpiderQueue"), ("SpiderStack",) * 2],
)
def test_a_queue_in_memory_becomes_that_of_redis_with_the_same_order(queue: str, shared: str) -> None:
    settings = Settings({"SCHEDULER_QUEUE_CLASS": f"aioscrapy.queue.memory.{queue}"})
    move_to_redis(settings, Slow)
    assert settings["SCHEDULER_QUEUE_CLASS"] == f"aioscrapy.queue.redis.{shared}"
    assert settings["CRAWL_ID"]


@pytest.mark.parametrize(
    ("given", "became"),
    [
        ("aioscrapy.dupefilters.memory.RFPDupeFilter", "aioscrapy.dupefilters.redis.RFPDupeFilter"),
        ("aioscrapy.dupefilters.disk.RFPDupeFilter", "aioscrapy.dupefilters.redis.RFPDupeFilter"),
        ("aioscrapy.dupefilters.memory.BaseDupeFilter", "aioscrapy.dupefilters.redis.BaseDupeFilter"),
        ("aioscrapy.dupefilters.redis.BloomDupeFilter", "aioscrapy.dupefilters.redis.BloomDupeFilter"),
    ],
)
def test_a_filter_in_memory_becomes_that_of_redis(given: str, became: str) -> None:
    settings = Settings({"DUPEFILTER_CLASS": given})
    move_to_redis(settings, Slow)
    assert settings["DUPEFILTER_CLASS"] == became


def test_a_crawl_in_redis_stays_as_it_is() -> None:
    chosen = {
        "SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderStack",
        "DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.RedisBloomDupeFilter",
    }
    settings = Settings(chosen)
    move_to_redis(settings, Slow)
    assert {name: settings[name] for name in [*chosen, "CRAWL_ID"]} == {**chosen, "CRAWL_ID": None}


@pytest.mark.parametrize(
    ("given", "scope"),
    [
        ({}, "worker"),
        ({"DOWNLOAD_DELAY": "0.5"}, "crawl"),
        ({"ROBOTSTXT_OBEY": True}, "crawl"),
        ({"DOWNLOAD_DELAY": 1, "POLITENESS_SCOPE": "worker"}, "worker"),
    ],
)
def test_several_processes_ask_a_host_no_oftener_than_one(given: dict[str, Any], scope: str) -> None:
    settings = Settings(given)
    move_to_redis(settings, Slow)
    assert settings["POLITENESS_SCOPE"] == scope


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"JOBDIR": "job"}, "JOBDIR"),
        ({"DUPEFILTER_CLASS": "crawler.test_workers.OwnFilter"}, "works in one process"),
    ],
)
def test_what_belongs_to_one_process_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        move_to_redis(Settings(given), Slow)


class OwnFilter:
    shared = False


def test_a_worker_begins_no_crawl_and_reports_no_stats_of_its_own() -> None:
    own = worker_settings(Settings({"CRAWL_PROCESSES": 3, "CRAWL_FRESH": True}))
    assert (own["CRAWL_PROCESSES"], own["CRAWL_FRESH"], own["STATS_DUMP"]) == (1, False, False)


def test_the_exit_of_one_worker_is_the_end_of_the_crawl_whatever_the_others_see() -> None:
    exited = End("exited", 7, "SystemExit: 7")
    others = [End("all_failed", 1, "all 1 requests failed"), End("finished", 0), End("late", 0)]
    for ends in itertools.permutations([exited, *others]):
        assert first_end(ends) is exited
    assert first_end(others) is others[0]
    assert first_end(reversed(others[1:])) is others[1]
    assert first_end([]) is None


def test_of_the_workers_that_exited_the_one_that_knows_why_is_the_end() -> None:
    exited = End("exited", 7, "SystemExit: 7")
    stopped = End("exited", 1)
    assert first_end([stopped, exited]) is first_end([exited, stopped]) is exited


CONTROLS = """
from aioscrapy import Spider

EVIL = "\x1b]0;evil\x07\x9b31m\u202e größer"


class S(Spider):
    name = "s"
    start_urls = ["data:,x"]

    def parse(self, response):
        self.logger.warning("of the site: %s", EVIL)
        yield {"title": EVIL}
"""


@pytest.mark.server
@pytest.mark.parametrize("options", [("-o", "-:jsonlines"), ("-o", "-:csv", "--processes", "2")])
def test_a_terminal_gets_no_control_characters_of_sites(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "s.py").write_text(CONTROLS, "utf-8")
    command = [sys.executable, "-m", "aioscrapy", "runspider", "s.py", *options]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = _all_of(ours)
    assert process.returncode == 0, written
    assert rb"of the site: \x1b]0;evil\x07\x9b31m\u202e" in written
    assert rb"\u001b]0;evil\u0007\u009b31m\u202e" in written
    assert not set(written.decode()) & set("\x07\x9b\u202e")


def _all_of(terminal: int) -> bytes:
    """Return what is written to a terminal until it is closed."""
    parts = []
    with os.fdopen(terminal, "rb", 0) as stream, contextlib.suppress(OSError):  # EIO is its end
        while part := stream.read(65536):
            parts.append(part)
    return b"".join(parts)
