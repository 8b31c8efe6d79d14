"""Packages for Scrapy at work in a crawl: spidermon and scrapy-user-agents."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support import child_environment
from support.site import Site

_SPIDER = """
import scrapy
from spidermon import Monitor, MonitorSuite, monitors
from spidermon.core.actions import Action


class Items(Monitor):
    @monitors.name("Enough items")
    def test_enough_items(self):
        self.assertEqual(self.data.stats["item_scraped_count"], 3)

    @monitors.name("Many items")
    def test_many_items(self):
        self.assertGreater(self.data.stats["item_scraped_count"], 100)


class Note(Action):
    def run_action(self):
        with open("failed.txt", "w") as file:
            file.write(f"{self.data.spider.name} {self.data.stats['finish_reason']}")


class Suite(MonitorSuite):
    monitors = [Items]
    monitors_failed_actions = [Note]


class Watched(scrapy.Spider):
    name = "watched"
    custom_settings = {
        "SPIDERMON_ENABLED": True,
        "EXTENSIONS": {"spidermon.contrib.scrapy.extensions.Spidermon": 500},
        "SPIDERMON_SPIDER_CLOSE_MONITORS": (Suite,),
        "ITEM_PIPELINES": {"spidermon.contrib.scrapy.pipelines.ItemValidationPipeline": 800},
        "SPIDERMON_VALIDATION_SCHEMAS": [
            {"$schema": "http://json-schema.org/draft-07/schema#", "required": ["agent", "number"]}
        ],
        "SPIDERMON_VALIDATION_ADD_ERRORS_TO_ITEMS": True,
        "DOWNLOADER_MIDDLEWARES": {
            "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": None,
            "scrapy_user_agents.middlewares.RandomUserAgentMiddleware": 400,
        },
    }

    async def start(self):
        for number in range(1, 4):
            yield scrapy.Request(f"{self.site}/headers?{number}", cb_kwargs={"number": number})

    def parse(self, response, number):
        item = {"agent": response.json()["user-agent"], "number": number}
        if number == 3:
            del item["number"]
        yield item
"""


@pytest.mark.server
def test_spidermon_and_scrapy_user_agents_work_in_a_crawl(tmp_path: Path, site: Site) -> None:
    (tmp_path / "watched.py").write_text(_SPIDER, "utf-8")
    command = ["runspider", "watched.py", "-o", "items.jl", "-a", f"site={site.url}"]
    done = subprocess.run(
        [sys.executable, "-m", "aioscrapy", *command],
        cwd=tmp_path,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "[Spidermon] Items/Enough items... OK" in done.stderr
    assert "[Spidermon] Items/Many items... FAIL" in done.stderr
    assert (tmp_path / "failed.txt").read_text("utf-8") == "watched finished"
    assert "'spidermon/validation/fields/errors/missing_required_field': 1" in done.stderr
    items = [json.loads(line) for line in (tmp_path / "items.jl").read_text("utf-8").splitlines()]
    assert all(item["agent"].startswith(("Mozilla/", "Opera/")) for item in items)
    assert [item["_validation"] for item in items if "number" not in item] == [
        {"number": ["Missing required field"]}
    ]
