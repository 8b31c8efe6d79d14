"""The exit status of a command that crawls, for each kind of end."""

import subprocess
import sys
from pathlib import Path

import pytest

from support import child_environment
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


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- >&- 2>&-"])
def test_a_crawl_needs_no_standard_files(site: Site, tmp_path: Path, closed: str) -> None:
    (tmp_path / "one.py").write_text(SPIDER)
    command = (
        f"{sys.executable} -m aioscrapy runspider one.py -a site={site.url} -o items.jsonl -s LOG_FILE=log"
    )
    ended = subprocess.run(
        f"exec {command} {closed}", shell=True, cwd=tmp_path, env=child_environment(), check=False
    )
    assert ended.returncode == 0
    assert len((tmp_path / "items.jsonl").read_text().splitlines()) == 1
    assert "Spider closed (finished)" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("feed", ["-:jl", "/dev/stdout:jl"])
def test_a_feed_to_a_closed_standard_output_is_refused(site: Site, tmp_path: Path, feed: str) -> None:
    (tmp_path / "one.py").write_text(SPIDER)
    command = f"{sys.executable} -m aioscrapy runspider one.py -a site={site.url} -o {feed} >&-"
    ended = subprocess.run(
        f"exec {command}",
        shell=True,
        cwd=tmp_path,
        env=child_environment(),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    name = feed.removesuffix(":jl").replace("-", "stdout")
    assert ended.stderr.splitlines()[-1].startswith(f"aioscrapy: setting FEEDS: {name}: can't be written: ")


SCRIPT = """
from aioscrapy import Spider
from aioscrapy.process import CrawlerProcess

own = open("own", "w")  # its number is 1 if standard output is closed

class One(Spider):
    name = "one"
    start_urls = ["data:,1"]

    def parse(self, response):
        print("printed")
        yield {"a": 1}

process = CrawlerProcess({"LOG_FILE": "log", "CRAWL_PROCESSES": PROCESSES, "FEEDS": {FEED: {"format": "jl"}}})
process.crawl(One)
process.start()
"""


@pytest.mark.parametrize(("processes", "feed", "status"), [(2, "items.jl", 0), (1, "-", 1)])
def test_a_script_needs_no_standard_files(tmp_path: Path, processes: int, feed: str, status: int) -> None:
    script = SCRIPT.replace("PROCESSES", str(processes)).replace("FEED:", f"{feed!r}:")
    (tmp_path / "script.py").write_text(script)
    command = f"exec {sys.executable} script.py <&- >&- 2>&-"
    ended = subprocess.run(command, shell=True, cwd=tmp_path, env=child_environment(), check=False)
    log = (tmp_path / "log").read_text()
    assert ended.returncode == status, log
    assert ("Spider closed (finished)" in log) == (status == 0)
    assert "printed" not in log
    assert (tmp_path / "own").read_text() == ""


def test_a_full_disk_behind_standard_output_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "aioscrapy", "version"],
            cwd=tmp_path,
            env=child_environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.decode().startswith("aioscrapy: can't write: ")
    assert len(ended.stderr.splitlines()) == 1
