"""The crawls in Redis as `aioscrapy crawls`, `items` and `failed` show and change them."""

import asyncio
import csv
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.crawls.catalog import Crawls
from aioscrapy.exceptions import QueueError
from aioscrapy.open_crawls import open_crawls
from aioscrapy.settings import Settings
from support import child_environment
from support.commands import aioscrapy, fails, output, write_shop
from support.frontier import TAG, Worker, crawl_id, figures, numbers, page
from support.site import Site


@pytest.fixture
def shop(tmp_path: Path, redis_url: str) -> Path:
    return write_shop(tmp_path / "work", redis_url)


def listed(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(output(folder, "crawls", "--json", *arguments))
    return found


async def command(folder: Path, *arguments: str) -> str:
    """Run a command while the workers of this test go on."""
    return await asyncio.to_thread(output, folder, *arguments)


def test_a_crawl_is_listed_shown_exported_and_deleted(shop: Path, site: Site, redis: Any) -> None:
    assert output(shop, "crawls") == "No crawls\n"
    output(shop, "crawl", "tested", "-a", f"site={site.url}/", "--nolog")
    [told] = listed(shop)
    assert (told["project"], told["spider"], told["state"], told["current"]) == (
        "shop",
        "tested",
        "finished",
        True,
    )
    pages = len(site.urls)
    assert (told["done"], told["items"], told["ready"], told["leased"], told["workers"]) == (
        pages,
        pages,
        0,
        0,
        0,
    )
    assert told["rate"] > 0
    [header, row] = output(shop, "crawls").splitlines()
    assert header.split()[:3] == ["crawl", "spider", "state"]
    assert row.split()[:3] == [told["crawl"], "tested", "finished"]
    for as_json in (False, True):
        words = ["crawls", "--watch", "0.05", *(["--json"] if as_json else [])]
        with subprocess.Popen(
            [sys.executable, "-m", "aioscrapy", *words],
            cwd=shop,
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as watch:
            assert watch.stdout is not None
            lines = [watch.stdout.readline() for _ in range(4)]
            watch.send_signal(signal.SIGINT)
            _, errors = watch.communicate(timeout=30)
        assert (watch.returncode, errors) == (0, "")
        if as_json:
            assert all(json.loads(line)[0]["crawl"] == told["crawl"] for line in lines)
        else:
            assert [line.endswith(" 1 finished\n") for line in lines] == [True, False, False, True]
            assert lines[2].split()[:3] == [told["crawl"], "tested", "finished"]

    shown = json.loads(output(shop, "crawls", "show", "tested", "--json"))
    assert shown["counters"]["seq"] == pages
    assert (shown["filter"]["kind"], shown["filter"]["fingerprints"]) == ("set", pages)
    assert shown["bytes"] == sum(shown["bytes_by_key"].values()) > 0
    assert f"set of {pages} fingerprints" in output(shop, "crawls", "show", told["crawl"])

    urls = []
    for name, read in (("a.jl", _json_lines), ("b.json", json.loads), ("c.csv", _csv)):
        assert output(shop, "items", "tested", "-o", name) == f"{pages} items exported to {name}\n"
        rows = read((shop / name).read_text())
        urls.append(sorted(row["url"] for row in rows))
    assert urls == [sorted(site.urls)] * 3
    assert _json_lines(output(shop, "items", told["crawl"])) == _json_lines((shop / "a.jl").read_text())

    fails(aioscrapy(shop, "crawls", "delete", "tested"), "add --yes")
    assert "Deleted crawl" in output(shop, "crawls", "delete", "tested", "--yes")
    assert redis.keys() == []
    fails(aioscrapy(shop, "crawls", "show", "tested"), "no crawl", "'tested'")


def _json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def _csv(text: str) -> list[Any]:
    return list(csv.DictReader(text.splitlines()))


async def test_the_figures_of_a_crawl_at_work(
    shared: dict[str, Any], tmp_path: Path, redis_url: str, redis: Any
) -> None:
    async with Worker(shared) as worker:
        await worker.seed(*(page(number) for number in range(5)))
        entry = worker.entries([page(9)])[0]
        entry.delay_s = 60
        await worker.done(await worker.take_request(), entry)
        await worker.done(await worker.take_request(), failure="TimeoutError: late")
        await worker.take_request()
        while (
            figures(redis, worker).get("failed") != "1" or redis.zcard(f"{TAG}:{crawl_id(worker)}:ready") != 2
        ):
            await asyncio.to_thread(redis.ping)
        [told] = json.loads(await command(tmp_path, "crawls", "--redis", redis_url, "--json"))
        names = ("state", "ready", "leased", "delayed", "failed", "done", "workers")
        assert [told[name] for name in names] == ["open", 2, 1, 1, 1, 1, 1]
        text = await command(tmp_path, "crawls", "show", told["crawl"], "--redis", redis_url)
        assert f"{worker.scheduler._store.worker}, last contact " in text  # type: ignore[attr-defined]
        table = await command(tmp_path, "crawls", "--redis", redis_url)
        assert "aioscrapybot/tested" in table


async def test_stop_ends_idle_workers_at_once_and_resume_opens_the_crawl(
    shared: dict[str, Any], tmp_path: Path, redis_url: str, redis: Any
) -> None:
    slow = {**shared, "SCHEDULER_HEARTBEAT": 3000, "SCHEDULER_LEASE": 9000}
    async with Worker(slow) as busy, Worker(slow) as idle:
        await busy.seed(page(1), page(2))
        await busy.take_request()
        held = await idle.take_request()
        await idle.done(held)
        waits = asyncio.create_task(idle.take())
        while not redis.zcard(f"{TAG}:{crawl_id(idle)}:idle"):
            await asyncio.to_thread(redis.ping)
        id = crawl_id(idle)
        said = await command(tmp_path, "crawls", "stop", id, "--redis", redis_url)
        assert f"aioscrapy crawls resume {id}" in said
        assert await waits is None
        await idle.ended()
        await busy.fall_asleep()
        busy.wake_up()
    [told] = json.loads(await command(tmp_path, "crawls", "--redis", redis_url, "--json"))
    assert told["state"] == "stopped"
    assert "was stopped already" in await command(tmp_path, "crawls", "stop", id, "--redis", redis_url)
    said = await command(tmp_path, "crawls", "resume", "tested", "--redis", redis_url)
    assert f"aioscrapy crawl tested -a crawl={id}" in said
    assert "was not stopped" in await command(tmp_path, "crawls", "resume", id, "--redis", redis_url)
    async with Worker(shared, crawl=id) as worker:
        assert numbers(await worker.rest()) == [1]
    fails(aioscrapy(tmp_path, "crawls", "stop", id, "--redis", redis_url), "has finished")


async def test_a_crawl_with_live_workers_is_deleted_only_by_force(
    shared: dict[str, Any], tmp_path: Path, redis_url: str, redis: Any
) -> None:
    words = ("crawls", "delete", "tested", "--yes", "--redis", redis_url)
    async with Worker(shared) as worker:
        await worker.seed(page(1))
        await worker.take_request()
        fails(await asyncio.to_thread(aioscrapy, tmp_path, *words), "has 1 live workers", "--force")
        await command(tmp_path, *words, "--force")
        assert [key.rpartition(":")[2] for key in redis.scan_iter()] == ["deleted"]
        await worker.fall_asleep()
        worker._task = None


def test_on_a_terminal_delete_asks(shop: Path, site: Site, redis: Any) -> None:
    output(shop, "crawl", "tested", "-a", f"site={site.url}/page/1", "--nolog")
    before = set(redis.keys())
    for answer, status in ((b"n\n", 1), (b"\x04", 1), (b"yes\n", 0)):
        assert set(redis.keys()) == before
        ours, theirs = pty.openpty()
        os.write(ours, answer)
        done = subprocess.run(
            [sys.executable, "-m", "aioscrapy", "crawls", "delete", "tested"],
            cwd=shop,
            env=child_environment(),
            stdin=theirs,
            capture_output=True,
            timeout=60,
        )
        os.close(theirs)
        os.close(ours)
        assert done.returncode == status, done.stderr
        assert b"Delete it? [y/N]" in done.stdout
    assert redis.keys() == []


async def test_items_that_come_during_an_export_stay(
    shared: dict[str, Any], redis_url: str, tmp_path: Path, redis: Any
) -> None:
    async with Worker(shared) as worker:
        await worker.seed(page(1))
        key = f"{TAG}:{crawl_id(worker)}:items"
        redis.rpush(key, *(json.dumps({"n": number}) for number in range(2500)))
        async with open_crawls(Settings(), redis_url, bot="") as crawls:
            crawl = await crawls.find("tested")
            pages = []
            async for some in crawls.items(crawl):
                pages.append(some)
                redis.rpush(key, json.dumps({"n": 3000}))
            assert [len(each) for each in pages] == [1000, 1000, 500]
            await crawls.drop_items(crawl, 2500, pages[0][0], pages[-1][-1])
            assert redis.lrange(key, 0, -1) == ['{"n": 3000}'] * 3
            redis.lpush(key, "{}")
            with pytest.raises(QueueError, match="another program has removed items"):
                await crawls.drop_items(crawl, 1, pages[0][0], pages[0][0])
            assert redis.llen(key) == 4
        words = ("items", "tested", "-o", "x.jl", "--delete", "--redis", redis_url)
        assert await command(tmp_path, *words) == "4 items moved to x.jl\n"
        assert redis.llen(key) == 0
        assert len((tmp_path / "x.jl").read_text().splitlines()) == 4


async def test_an_export_that_fails_leaves_the_file_and_the_items_as_they_were(
    shared: dict[str, Any], redis_url: str, tmp_path: Path, redis: Any
) -> None:
    (tmp_path / "x.jl").write_text("mine\n")
    async with Worker(shared) as worker:
        await worker.seed(page(1))
        key = f"{TAG}:{crawl_id(worker)}:items"
        redis.rpush(key, *["{}"] * 1200, "{broken", "{}")
        words = ("items", "tested", "--delete", "--redis", redis_url)
        fails(await asyncio.to_thread(aioscrapy, tmp_path, *words, "-o", "x.jl"), "item 1201 of crawl")
    assert [path.name for path in tmp_path.iterdir()] == ["x.jl"]
    assert (tmp_path / "x.jl").read_text() == "mine\n"
    assert redis.llen(key) == 1202
    fails(aioscrapy(tmp_path, *words, "-o", "no/x.jl"), "there is no folder")
    fails(aioscrapy(tmp_path, *words, "-o", "x.txt"), "x.txt: the format is not known")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_an_export_that_is_interrupted_leaves_no_file(
    shared: dict[str, Any], redis_url: str, tmp_path: Path, redis: Any, number: signal.Signals, status: int
) -> None:
    async with Worker(shared) as worker:
        await worker.seed(page(1))
        key = f"{TAG}:{crawl_id(worker)}:items"
        for _ in range(20):
            redis.rpush(key, *['{"a": "b"}'] * 10_000)
        words = [sys.executable, "-m", "aioscrapy", "items", "tested", "-o", "x.json", "--redis", redis_url]
        with subprocess.Popen(
            words, cwd=tmp_path, env=child_environment(), stderr=subprocess.PIPE
        ) as process:
            while not list(tmp_path.iterdir()):
                await asyncio.to_thread(redis.ping)
            process.send_signal(number)
            assert process.wait(30) == status
    assert list(tmp_path.iterdir()) == []
    assert redis.llen(key) == 200_000


async def test_dead_letters_are_listed_and_tried_again_by_workers_that_wait(
    shared: dict[str, Any], redis_url: str, tmp_path: Path, redis: Any
) -> None:
    slow = {**shared, "SCHEDULER_HEARTBEAT": 3000, "SCHEDULER_LEASE": 9000}
    async with Worker(slow) as busy, Worker(slow) as idle:
        await busy.seed(page(1, priority=9), page(2, priority=5))
        await idle.done(await idle.take_request(), failure="TimeoutError:\nlate")
        kept = await busy.take_request()
        waits = asyncio.create_task(idle.take())
        while not redis.zcard(f"{TAG}:{crawl_id(idle)}:idle"):
            await asyncio.to_thread(redis.ping)
        words = ("failed", "tested", "--redis", redis_url)
        assert await command(tmp_path, *words) == "http://example.com/2\tTimeoutError: late\n"
        [letter] = json.loads(await command(tmp_path, *words, "--json"))
        assert (letter["url"], letter["reason"]) == ("http://example.com/2", "TimeoutError:\nlate")
        assert "1 requests of crawl" in await command(tmp_path, *words, "--retry")
        again = await waits
        assert again is not None
        assert again.request is not None
        assert (again.request.url, again.request.priority) == ("http://example.com/2", 5)
        await idle.done(again)
        await busy.done(kept)
    found = figures(redis, idle)
    assert (found["state"], found["done"], found["failed"]) == ("finished", "2", "0")
    assert json.loads(await command(tmp_path, *words, "--json")) == []
    assert "has no failed requests" in await command(tmp_path, *words, "--retry")
    assert figures(redis, idle)["state"] == "finished"


async def test_a_finished_crawl_is_opened_again_for_its_dead_letters(
    shared: dict[str, Any], redis_url: str, tmp_path: Path, redis: Any
) -> None:
    many = {**shared, "CONCURRENT_REQUESTS": 500}
    count = 2500
    async with Worker(many) as worker:
        await worker.seed(*(page(number, host=f"h{number % 7}") for number in range(count)))
        for _ in range(count):
            await worker.done(await worker.take_request(), failure="dead")
        assert await worker.take() is None
    id = crawl_id(worker)
    assert figures(redis, worker)["failed"] == str(count)
    assert redis.ttl(f"{TAG}:{id}:seen") > 0
    redis.set(f"{TAG}:current", "another")
    said = await command(tmp_path, "failed", id, "--retry", "--redis", redis_url)
    assert f"{count} requests" in said
    assert "is open again" in said
    assert f"aioscrapy crawl tested -a crawl={id}" in said
    found = figures(redis, worker)
    assert (found["state"], found["failed"], "finished_at" in found) == ("open", "0", False)
    keys = redis.keys()
    assert [key for key in keys if redis.ttl(key) != -1] == []
    assert redis.get(f"{TAG}:current") == "another"
    async with Worker(many, crawl=id) as second:
        assert numbers(await second.rest()) == list(range(count))
    assert figures(redis, worker)["state"] == "finished"


async def test_a_bloom_filter_tells_its_fill(shared: dict[str, Any], redis_url: str, tmp_path: Path) -> None:
    bloom = {**shared, "DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.BloomDupeFilter"}
    async with Worker(bloom) as worker:
        await worker.seed(*(page(number) for number in range(3000)))
        await worker.take_request()
        words = ("crawls", "show", "tested", "--redis", redis_url)
        told = json.loads(await command(tmp_path, *words, "--json"))["filter"]
        assert (told["kind"], sum(told["layers"]), len(told["layers"])) == ("bloom", 3000, 2)
        assert 0 < told["error_rate"] < 1e-6
        assert "bloom of 3,000 fingerprints" in await command(tmp_path, *words)


async def test_a_crawl_whose_keys_expired_is_listed_while_its_items_are_left(
    redis_url: str, redis: Any
) -> None:
    prefix = "aioscrapy:{we [x]*/a/b}"
    redis.zadd(f"{prefix}:crawls", {"gone": 1000, "left": 2000})
    redis.rpush(f"{prefix}:left:items", "{}")
    redis.zadd("aioscrapy:{we x/c}:crawls", {"left": 3000})
    async with open_crawls(Settings(), redis_url, bot="we [x]*") as crawls:
        from aioscrapy.crawls.progress import progress

        assert [crawl.spider for crawl in await crawls.all()] == ["a/b", "a/b"]
        [told] = await progress(crawls.redis, await crawls.all())
        assert (told.crawl, told.state, told.items) == ("left", "expired", 1)
        assert await crawls.delete(await crawls.find("left")) == 1
    assert redis.zrange(f"{prefix}:crawls", 0, -1) == ["gone"]


async def test_a_name_of_several_crawls_is_refused_with_the_names_to_say(redis_url: str, redis: Any) -> None:
    for spider in ("a", "b"):
        redis.zadd(f"aioscrapy:{{shop/{spider}}}:crawls", {"monday": 1000})
        redis.set(f"aioscrapy:{{shop/{spider}}}:current", "monday")
    async with open_crawls(Settings(), redis_url, bot="") as crawls:
        with pytest.raises(Exception, match=r"several crawls .* use shop/a/monday or shop/b/monday"):
            await crawls.find("monday")
        for name in ("a", "a/monday", "shop/a", "shop/a/monday"):
            found = await crawls.find(name)
            assert (found.spider, found.id, found.current) == ("a", "monday", True)
        assert isinstance(crawls, Crawls)


def test_what_cannot_be_done_is_one_line(tmp_path: Path, redis_url: str) -> None:
    fails(aioscrapy(tmp_path, "crawls"), "no Redis is named", "--redis URL")
    fails(aioscrapy(tmp_path, "crawls", "--redis", "http://x"), "--redis can't be used", "redis://")
    fails(aioscrapy(tmp_path, "crawls", "--redis", "redis://127.0.0.1:1/0"), "Redis: Error", "127.0.0.1:1")
    fails(aioscrapy(tmp_path, "crawls", "show", "--redis", redis_url), "crawls show takes a CRAWL")
    fails(aioscrapy(tmp_path, "items", "none", "--redis", redis_url), "no crawl", "'none'")
    fails(aioscrapy(tmp_path, "failed", "none", "--redis", redis_url), "no crawl", "'none'")
