"""Deploys to a node: whole or not at all, the active version, nothing waits for them."""

import threading
import time
from pathlib import Path

import pytest
import requests

from node.conftest import APPLICATION
from node.test_jobs import deploy, end_of, schedule
from plugin.jobs import make_egg, spider
from plugin.test_runner_crawl import PAGES
from support.scrapyd import ScrapydServer
from support.site import Site

BROKEN = make_egg({"settings.py": "raise RuntimeError('no luck')"})


def says(version: str) -> bytes:
    return make_egg({"spiders/a.py": PAGES.replace('getattr(self, "note", None)', repr(version))})


def eggs(node: ScrapydServer) -> list[str]:
    return sorted(path.name for path in (node.folder / "eggs").rglob("*") if path.is_file())


def test_an_egg_that_does_not_list_changes_nothing(node: ScrapydServer) -> None:
    refused = deploy(node, "1", BROKEN)
    assert (refused["status"], "RuntimeError: no luck" in refused["message"]) == ("error", True)
    assert (eggs(node), node.api("listprojects")["projects"]) == ([], [])
    assert deploy(node, "1", make_egg({"spiders/a.py": spider("one")}))["status"] == "ok"
    assert deploy(node, "2", BROKEN)["status"] == "error"
    assert deploy(node, "1", BROKEN)["status"] == "error"  # over the good one
    assert eggs(node) == ["1.egg"]
    assert node.api("listspiders", project="p")["spiders"] == ["one"]
    assert node.api("listversions", project="p")["active"] == "1"


def test_what_is_no_egg_is_refused(node: ScrapydServer) -> None:
    assert "ZIP" in deploy(node, "1", b"not a zip")["message"]
    assert eggs(node) == []


def test_the_last_deployed_version_is_active_until_another_is_activated(
    node: ScrapydServer, site: Site
) -> None:
    for version in ("10", "9"):
        assert deploy(node, version, says(version))["status"] == "ok"
    assert node.api("listversions", project="p")["active"] == "9"
    job = schedule(node, "pages", url=f"{site.url}/headers")
    node.wait_job(job)
    assert node.items("p", "pages", job)[0]["note"] == "9"
    assert end_of(node, job)["version"] == "9"
    assert node.api("activate", "POST", project="p", version="10")["previous"] == "9"
    job = schedule(node, "pages", url=f"{site.url}/headers")
    node.wait_job(job)
    assert node.items("p", "pages", job)[0]["note"] == "10"
    assert "not found" in node.api("activate", "POST", project="p", version="11")["message"]
    assert node.api("delversion", "POST", project="p", version="10")["status"] == "ok"
    assert node.api("listversions", project="p")["active"] == "9"
    assert node.api("delproject", "POST", project="p")["status"] == "ok"
    assert node.api("listversions", project="p")["active"] is None


def test_an_active_version_survives_the_daemon(node: ScrapydServer) -> None:
    for version in ("10", "9"):
        deploy(node, version, says(version))
    node.kill()
    node.start()
    assert node.api("listversions", project="p")["active"] == "9"


def test_eggs_of_a_stock_scrapyd_run_by_their_order(tmp_path: Path) -> None:
    with ScrapydServer(tmp_path / "node") as stock:
        for version in ("1.10.0", "1.9.0"):
            deploy(stock, version, says(version))
    with ScrapydServer(tmp_path / "node", conf={"application": APPLICATION}) as node:
        listed = node.api("listversions", project="p")
        assert listed["active"] == listed["versions"][-1]
        assert node.api("listspiders", project="p")["spiders"] == ["pages"]


def test_nothing_waits_for_a_slow_deploy(node: ScrapydServer) -> None:
    deploy(node, "1", make_egg({"spiders/a.py": spider("one")}))
    slow = make_egg(
        {
            "settings.py": "import time; time.sleep(3)\nSPIDER_MODULES = ['bot.spiders']",
            "spiders/a.py": spider("one"),
        }
    )
    answer: dict[str, object] = {}
    thread = threading.Thread(target=lambda: answer.update(deploy(node, "2", slow)))
    thread.start()
    slowest = 0.0
    while thread.is_alive():
        began = time.monotonic()
        assert node.api("daemonstatus")["status"] == "ok"
        assert node.api("listspiders", project="p")["spiders"] == ["one"]
        slowest = max(slowest, time.monotonic() - began)
    thread.join()
    assert answer["status"] == "ok"
    assert slowest < 2


@pytest.mark.parametrize("field", ["project", "version"])
@pytest.mark.parametrize("name", ["..", ".", "a/b", "../../x", "a\nb", "x" * 200, ""])
def test_odd_names_are_refused(node: ScrapydServer, field: str, name: str) -> None:
    fields = {"project": "p", "version": "1", field: name}
    answer = requests.post(
        f"{node.url}addversion.json", data=fields, files={"egg": says("1")}, timeout=30
    ).json()
    assert answer["status"] == "error"
    assert eggs(node) == []
