"""Politeness that all workers of a crawl keep to together, counted by the site that they ask."""

import json
from pathlib import Path
from typing import Any

import pytest

from faults.fleet import Fleet
from support.redis import RedisServer
from support.site import Site

TOGETHER: dict[str, Any] = {"POLITENESS_SCOPE": "crawl", "RANDOMIZE_DOWNLOAD_DELAY": False}


def begins(site: Site) -> list[float]:
    """Return when each page was asked for, in seconds."""
    return sorted(seconds for seconds, path in site.log()["times"] if not path.startswith("/__"))


@pytest.mark.parametrize("jitter", [False, True])
def test_four_workers_keep_one_rate_and_one_limit(tmp_path: Path, jitter: bool) -> None:
    limits = {"DOWNLOAD_DELAY": 0.1, "CONCURRENT_REQUESTS_PER_DOMAIN": 2, "RANDOMIZE_DOWNLOAD_DELAY": jitter}
    with Fleet(tmp_path, pages=100, delay_s=0.05, lease_s=15.0, settings={**TOGETHER, **limits}) as fleet:
        fleet.start(4)
        outcome = fleet.outcome("polite")
        assert outcome.is_right, outcome
        times = begins(fleet.site)
        assert fleet.site.log()["max_concurrent"] <= 2
    rate = (len(times) - 1) / (times[-1] - times[0])
    assert rate == pytest.approx(10, rel=0.05 if not jitter else 0.15)


def test_two_at_once_over_three_workers_without_a_delay(tmp_path: Path) -> None:
    limits = {"CONCURRENT_REQUESTS_PER_DOMAIN": 2}
    with Fleet(tmp_path, pages=200, delay_s=0.01, lease_s=15.0, settings={**TOGETHER, **limits}) as fleet:
        fleet.start(3)
        outcome = fleet.outcome("two at once")
        assert outcome.is_right, outcome
        assert fleet.site.log()["max_concurrent"] == 2


def test_a_killed_worker_leaves_its_turns_to_the_others(tmp_path: Path) -> None:
    limits = {"CONCURRENT_REQUESTS_PER_DOMAIN": 2}
    with Fleet(tmp_path, pages=200, delay_s=0.02, lease_s=1.0, settings={**TOGETHER, **limits}) as fleet:
        fleet.start(2)
        fleet.until_items(30)
        fleet.kill(fleet.workers[0])
        outcome = fleet.outcome("killed while polite")
        assert outcome.is_right, outcome


def test_what_other_programs_push_is_crawled_and_wakes_the_workers(tmp_path: Path) -> None:
    settings = {"CLOSE_SPIDER_ON_IDLE": False, "SCHEDULER_HEARTBEAT": 60.0, "SCHEDULER_LEASE": 180.0}
    with Fleet(tmp_path, pages=3, delay_s=0.0, settings=settings) as fleet:
        fleet.start(2)
        fleet.until_items(4)
        stream = "aioscrapy:{faults/everything}:push"
        with fleet.redis.client() as client:
            for number in range(20):
                client.xadd(stream, {"request": json.dumps({"url": f"{fleet.site.url}/title/{number}"})})
            client.xadd(stream, {"request": "no JSON"})
            client.xadd(
                stream, {"request": json.dumps({"url": f"{fleet.site.url}/again"}), "fingerprint": b"x" * 16}
            )
            client.xadd(
                stream, {"request": json.dumps({"url": f"{fleet.site.url}/again"}), "fingerprint": b"x" * 16}
            )
            failed = "aioscrapy:{faults/everything}:fault:failed"
            fleet.until(lambda: not client.xlen(stream), "the push stream runs empty")
            assert client.hlen(failed) == 1
        fleet.until(lambda: sum(fleet.site.counts().values()) == 4 + 21, "every push is fetched")
        assert max(fleet.site.counts().values()) == 1


def test_retry_after_holds_for_all_workers(tmp_path: Path, redis_server: RedisServer) -> None:
    with Fleet(tmp_path, pages=120, delay_s=0.02, lease_s=15.0, settings=TOGETHER) as fleet:
        with fleet.site.holding_last_page():
            fleet.start(2)
            fleet.until_items(20)
            with fleet.redis.client() as client:
                request = {"url": f"{fleet.site.url}/retry-after", "priority": 1000}
                client.xadd("aioscrapy:{faults/everything}:push", {"request": json.dumps(request)})
        fleet.outcome("retry-after")
        log = fleet.site.log()
        assert log["counts"]["/retry-after"] == 2
        first = min(seconds for seconds, path in log["times"] if path == "/retry-after")
        # What was under way when the answer came may still arrive; then nobody asks for a second.
        assert not [seconds for seconds in begins(fleet.site) if first + 0.2 < seconds < first + 0.95]
