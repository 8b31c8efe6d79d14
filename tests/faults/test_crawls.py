"""Workers that come together, one after the other, and on two machines: each page once, and all end."""

import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from faults.fleet import ITEMS, Fleet

NO_WINDOW = {"CRAWL_ID": "", "CRAWL_JOIN_WINDOW": 0}
STARTS = """
    async def start_requests(self):
        for number in range(1, 51):
            yield Request(f"{START}page/{number}")
"""

GATED = """
    async def start_requests(self):
        while not os.path.exists("both are there"):
            await asyncio.sleep(0.01)
        yield Request(START)
        yield Request(START + "page/1")
"""


def change_spider(folder: Path, **parts: str) -> None:
    """Replace methods of the spider in a folder: start_requests or parse."""
    path = folder / "spider.py"
    head, _, rest = path.read_text("utf-8").partition("    async def start_requests(self):\n")
    seeding, _, parsing = rest.partition("    async def parse(self, response):\n")
    seeding = parts.get("start_requests", "    async def start_requests(self):\n" + seeding)
    path.write_text(f"{head}{seeding}\n    async def parse(self, response):\n{parsing}", "utf-8")


def all_items(fleet: Fleet) -> dict[str, list[str]]:
    """Return the URLs of the items of each crawl, by its id."""
    found = {}
    with fleet.redis.client(decode_responses=True) as client:
        for key in client.scan_iter("*:items"):
            found[key.split(":")[-2]] = [json.loads(item)["url"] for item in client.lrange(key, 0, -1)]
    return found


def test_two_workers_on_each_of_two_machines_end_together(tmp_path: Path) -> None:
    """Two folders with a copy of the project each; nothing but Redis is shared."""
    with Fleet(tmp_path, pages=300, delay_s=0.02, lease_s=15.0) as fleet:
        change_spider(tmp_path, start_requests=STARTS)
        other = tmp_path / "other"
        other.mkdir()
        (other / "spider.py").write_text((tmp_path / "spider.py").read_text("utf-8"), "utf-8")
        fleet.start(2)
        fleet.folder = other
        fleet.start(2)
        ends: dict[int, float] = {}

        def all_have_ended() -> bool:
            for worker in fleet.workers:
                if worker.pid not in ends and worker.poll() is not None:
                    ends[worker.pid] = time.time()
            return len(ends) == 4

        fleet.until(all_have_ended, "the end of all four")
        with fleet.redis.client() as client:
            finished = int(client.hget(ITEMS.replace(":items", ":meta"), "finished_at")) / 1000
        assert max(ends.values()) - finished < 2.0
        fleet.join()
        counts = fleet.site.counts()
        items = Counter(fleet.items())
        pages = {f"{fleet.site.url}/page/{number}" for number in range(1, 301)}
        assert pages <= set(items) <= fleet.site.urls
        assert set(items.values()) == set(counts.values()) == {1}


def run_two_together(fleet: Fleet) -> None:
    """Start two workers of a spider with GATED, open the gate once both have found the crawl, and wait."""
    gate = fleet.folder / "both are there"
    gate.unlink(missing_ok=True)
    fleet.start(2)
    for worker in fleet.workers:
        fleet.until(lambda worker=worker: " crawl " in fleet.log_of(worker), "a worker has found the crawl")
    gate.touch()
    fleet.join()


def test_one_run_after_the_other_and_a_third_with_the_filter_kept(tmp_path: Path) -> None:
    """The second keeps its filter for the third, which finds only what has come since."""
    with Fleet(tmp_path, pages=100, delay_s=0.0, settings=NO_WINDOW) as fleet:
        change_spider(tmp_path, start_requests=GATED)
        path = tmp_path / "spider.py"
        path.write_text("import os\n" + path.read_text("utf-8"), "utf-8")
        keep = 'SETTINGS = {"KEEP_DUPEFILTER_DATA_ON_CLOSE": True, '
        pushed = [f"{fleet.site.url}/private/{number}" for number in range(5)]
        lines = "".join(f"        yield Request({url!r})\n" for url in pushed)
        for number in (1, 2):
            run_two_together(fleet)
            found = all_items(fleet)
            assert len(found) == number
            assert all(sorted(urls) == sorted(fleet.site.urls) for urls in found.values())
            if number == 1:
                path.write_text(path.read_text("utf-8").replace("SETTINGS = {", keep), "utf-8")
        path.write_text(
            path.read_text("utf-8").replace("        yield {", lines + "        yield {"), "utf-8"
        )
        run_two_together(fleet)
        (third,) = [urls for crawl, urls in all_items(fleet).items() if crawl not in found]
        # The start requests are asked again, for what has come to their pages since.
        assert set(pushed) < set(third)
        assert len(third) == len(set(third)) <= len(pushed) + 2


def test_workers_that_come_late_do_no_page_again(tmp_path: Path) -> None:
    """They come 0, 2 and 10 s after the first, to a crawl that is done within the first second or so."""
    with Fleet(tmp_path, pages=60, delay_s=0.0, settings={"CRAWL_ID": ""}) as fleet:
        fleet.start()
        began = time.monotonic()
        for after_s in (2.0, 10.0):
            fleet.until(lambda due=began + after_s: time.monotonic() >= due, "the time passes")
            fleet.start()
        fleet.join()
        assert not any(fleet._ended)
        assert set(fleet.site.counts().values()) == {1}
        (urls,) = all_items(fleet).values()
        assert sorted(urls) == sorted(fleet.site.urls)


def test_two_crawls_at_the_same_time_dont_mix(tmp_path: Path) -> None:
    with Fleet(tmp_path, pages=100, delay_s=0.01) as fleet:
        path = tmp_path / "spider.py"
        source = path.read_text("utf-8")
        for name in ("one", "two"):
            path.write_text(source.replace("'CRAWL_ID': 'fault'", f"'CRAWL_ID': '{name}'"), "utf-8")
            fleet.start(1)
            fleet.until(lambda name=name: all_items(fleet).get(name), f"crawl {name} begins")
        fleet.join()
        found = all_items(fleet)
        assert set(found) == {"one", "two"}
        assert all(sorted(urls) == sorted(fleet.site.urls) for urls in found.values())
        assert set(fleet.site.counts().values()) == {2}


def interrupted(tmp_path: Path, signals: int, within_s: float, **settings: Any) -> None:
    """Signal a worker while one page hangs, and let another bring the crawl to its end.

    Args:
        tmp_path: of the fleet.
        signals: how many.
        within_s: seconds after the last one within which its process must be gone.
        settings: of the worker.
    """
    with Fleet(tmp_path, pages=200, delay_s=0.01, settings=settings) as fleet:
        path = tmp_path / "spider.py"
        source = path.read_text("utf-8")
        hang = f"        yield Request('{fleet.site.url}/slow/60', priority=99)\n"
        path.write_text(source.replace("        await asyncio.sleep(SEEDING_S)\n", hang), "utf-8")
        fleet.start()
        fleet.until_items(50)
        assert fleet.site.counts().get("/slow/60")
        worker = fleet.workers[0]
        for _ in range(signals):
            began = time.monotonic()
            fleet.send(worker, signal.SIGINT)
            fleet.until(lambda: "Received SIGINT" in fleet.log_of(worker), "the signal is heard")
        status = worker.wait(60)
        assert time.monotonic() - began < within_s
        assert status == 0 or signals > 1
        fleet.workers.clear()
        path.write_text(
            source.replace("SETTINGS = {", 'SETTINGS = {"DOWNLOAD_TIMEOUT": 0.5, "RETRY_TIMES": 0, '), "utf-8"
        )
        fleet.start()
        fleet.join()
        items = Counter(fleet.items())
        assert set(items) == fleet.site.urls
        assert set(items.values()) == {1}


def test_one_signal_while_a_page_hangs(tmp_path: Path) -> None:
    interrupted(tmp_path, 1, 10.0)


def test_two_signals_while_a_page_hangs(tmp_path: Path) -> None:
    interrupted(tmp_path, 2, 1.0)
