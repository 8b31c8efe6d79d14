"""The exit status of a command that crawls, for each kind of end."""

from pathlib import Path

import pytest

from support.commands import aioscrapy
from support.site import Site

pytestmark = pytest.mark.server

SPIDER = """
import sys
from aioscrapy import CloseSpider, Request, Spider

class One(Spider):
    name = "one"
    site: str
    custom_settings = {"RETRY_ENABLED": False}

    def start_requests(self):
        for path in getattr(self, "paths", "/page/1").split():
            yield Request(self.site + path)
        if hasattr(self, "broken"):
            raise ValueError("no list of shops")

    def parse(self, response):
        yield {"url": response.url}
        if hasattr(self, "exits"):
            sys.exit(int(self.exits))
        if hasattr(self, "closes"):
            raise CloseSpider("seen enough")
"""


@pytest.mark.parametrize(
    ("arguments", "reason", "status"),
    [
        ([], "finished", 0),
        (["-a", "closes=1"], "seen enough", 0),
        (["-s", "CLOSESPIDER_PAGECOUNT=1"], "closespider_pagecount", 0),
        (["-a", "broken=1"], "start_failed", 1),
        (["-a", "exits=3"], "exited", 3),
        (["-a", "exits=0"], "exited", 1),
        (["-a", "paths=/status/500 /status/404"], "all_failed", 1),
    ],
)
def test_runspider_ends_with_the_status_of_its_reason(
    site: Site, tmp_path: Path, arguments: list[str], reason: str, status: int
) -> None:
    (tmp_path / "one.py").write_text(SPIDER)
    ended = aioscrapy(tmp_path, "runspider", "one.py", "-a", f"site={site.url}", *arguments)
    assert f"Spider closed ({reason})" in ended.stderr
    assert ended.returncode == status
