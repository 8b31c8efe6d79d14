"""curl, scrapyd-deploy and scrapyd-client against one daemon, as people run them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.scrapyd import ScrapydServer
from support.site import Site

SPIDER = """
from aioscrapy import Spider


class One(Spider):
    name = "one"

    def __init__(self, url="", **arguments):
        super().__init__(**arguments)
        self.start_urls = [url]

    async def parse(self, response):
        yield {"url": response.url}
"""
SETUP = """
from setuptools import setup

setup(name="shop", packages=["shop"], entry_points={"scrapy": ["settings = shop.settings"]})
"""


def check_clients(
    scrapyd: ScrapydServer, login: tuple[str, str] | None, site: Site, folder: Path
) -> dict[str, str]:
    """Deploy and run a project by each client; returns client -> what was tried."""
    project = write_project(folder / "shop", scrapyd.url, login)
    return {
        "scrapyd-deploy": check_scrapyd_deploy(scrapyd, project),
        "scrapyd-client": check_scrapyd_client(scrapyd, project, site),
        "curl": check_curl(scrapyd, login, site, folder),
    }


def write_project(folder: Path, url: str, login: tuple[str, str] | None) -> Path:
    """Write a project with a target for this daemon in its scrapy.cfg."""
    (folder / "shop").mkdir(parents=True)
    lines = f"username = {login[0]}\npassword = {login[1]}\n" if login else ""
    (folder / "scrapy.cfg").write_text(
        f"[settings]\ndefault = shop.settings\n[deploy]\nurl = {url.rstrip('/')}\nproject = shop\n{lines}"
    )
    (folder / "setup.py").write_text(SETUP)
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "settings.py").write_text('SPIDER_MODULES = ["shop.spiders"]\n')
    (folder / "shop" / "spiders.py").write_text(SPIDER)
    return folder


def check_scrapyd_deploy(scrapyd: ScrapydServer, project: Path) -> str:
    """Deploy two versions by scrapyd-client's own scrapyd-deploy."""
    for words in (["--version", "1"], ["-a", "--version", "2"]):
        answer = ran(project, "scrapyd_client.deploy", *words)
        assert '"status": "ok"' in answer, answer
    assert scrapyd.api("listversions", project="shop")["versions"] == ["1", "2"]
    return "deploy of two versions, -a"


def check_scrapyd_client(scrapyd: ScrapydServer, project: Path, site: Site) -> str:
    """Use every command of scrapyd-client."""
    assert "shop" in ran(project, "scrapyd_client", "projects").split()
    assert "one" in ran(project, "scrapyd_client", "spiders", "-p", "shop").split()
    argument = f"url={site.url}/page/1"
    said = ran(project, "scrapyd_client", "schedule", "-p", "shop", "--arg", argument, "one")
    job = said.split()[-1]
    scrapyd.wait_job(job)
    assert scrapyd.items("shop", "one", job) == [{"url": f"{site.url}/page/1"}]
    assert '"status": "ok"' in ran(project, "scrapyd_client", "deploy", "--version", "3")
    return "deploy, projects, spiders, schedule"


def check_curl(scrapyd: ScrapydServer, login: tuple[str, str] | None, site: Site, folder: Path) -> str:
    """Call every service of Scrapyd by curl, and read a log and its items."""
    words = ["-u", ":".join(login)] if login else []

    def curl(page: str, *fields: str) -> Any:
        done = subprocess.run(
            ["curl", "-sS", *words, f"{scrapyd.url}{page}", *fields],
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout) if ".json" in page else done.stdout

    def ok(page: str, *fields: str) -> Any:
        answer = curl(page, *fields)
        assert answer["status"] == "ok", answer
        return answer

    egg = next((scrapyd.folder / "eggs" / "shop").glob("3.egg"))
    (folder / "curl.egg").write_bytes(egg.read_bytes())
    upload = ("-F", "project=curled", "-F", "version=r1", "-F", f"egg=@{folder / 'curl.egg'}")
    assert ok("addversion.json", *upload)["spiders"] == 1
    assert ok("listspiders.json?project=curled")["spiders"] == ["one"]
    job = ok("schedule.json", "-d", "project=curled", "-d", "spider=one", "-d", f"url={site.url}/page/2")[
        "jobid"
    ]
    scrapyd.wait_job(job)
    assert ok(f"status.json?job={job}")["currstate"] == "finished"
    assert job in {entry["id"] for entry in ok("listjobs.json?project=curled")["finished"]}
    assert ok("cancel.json", "-d", "project=curled", "-d", f"job={job}")["prevstate"] is None
    assert "Spider closed (finished)" in curl(f"logs/curled/one/{job}.log")
    assert f"{site.url}/page/2" in curl(f"items/curled/one/{job}.jl")
    assert "curled" in ok("listprojects.json")["projects"]
    assert ok("listversions.json?project=curled")["versions"] == ["r1"]
    assert ok("daemonstatus.json")["finished"] >= 1
    ok("delversion.json", "-d", "project=curled", "-d", "version=r1")
    ok("delproject.json", "-d", "project=shop")
    return "all 12 services, a log, items"


def ran(folder: Path, module: str, *words: str) -> str:
    """Return what a program of scrapyd-client prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
