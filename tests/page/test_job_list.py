"""The list of jobs: filters, paging, actions, what changes by itself."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from playwright.sync_api import expect

from node.conftest import APPLICATION
from page.examples import HOSTILE_PROJECT, deploy, fill_history, forge, run
from support.browser import CHECKED, WAYS, Visitor
from support.scrapyd import ScrapydServer
from support.site import Site

LIVE_MS = 6000  # two seconds, on a machine that does other things as well


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    """A node with 240 ended jobs of the past, five with hostile names, and room for two processes."""
    folder: Path = tmp_path_factory.mktemp("node")
    (folder / "dbs").mkdir()
    fill_history(folder, 240)
    forge(folder)
    conf = {"application": APPLICATION, "node_name": "one", "max_proc": "2"}
    with ScrapydServer(folder, conf=conf) as server:
        deploy(server)
        yield server


def rows(page: requests.Response) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = page.json()["jobs"]
    return listed


def test_pages_of_the_list_have_every_job_once(node: ScrapydServer) -> None:
    seen: list[object] = []
    begin: str | None = ""
    while begin is not None:
        reply = requests.get(f"{node.url}index.json", params={"begin": begin}, timeout=10)
        seen += [row["job"] for row in rows(reply)]
        begin = reply.json()["next"]
    assert len(seen) == len(set(seen)) == 245


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("state=failed&q=old-", 50),
        ("q=OLD-23", 11),
        ("spider=books&q=old-1", 36),
        ("project=nix", 0),
        (urlencode({"project": HOSTILE_PROJECT}), 5),
        ("state=running", 0),
    ],
)
def test_filters_are_in_the_address(node: ScrapydServer, query: str, count: int) -> None:
    reply = requests.get(f"{node.url}index.json", params=query, timeout=10)
    assert len(rows(reply)) == count


def test_the_list_since_an_hour_begins_at_a_whole_minute(node: ScrapydServer) -> None:
    listed = rows(requests.get(f"{node.url}index.json?since=1h&spider=quick&q=old-", timeout=10))
    assert len(listed) in {30, 31}  # one of three each 40 seconds


@pytest.mark.parametrize("query", ["state=odd", "since=9y", "begin=odd", "begin=live:7:0:0", "begin=ended:x"])
def test_a_wrong_filter_is_one_line(node: ScrapydServer, query: str) -> None:
    reply = requests.get(f"{node.url}?{query}", timeout=10)
    assert reply.status_code == 400
    assert "is not" in reply.text


@pytest.mark.parametrize(("width", "script", "language"), WAYS)
def test_the_list_fits_and_runs_nothing(
    visitor: Callable[..., Visitor], width: int, script: bool, language: str
) -> None:
    someone = visitor(width=width, script=script, language=language)
    page = someone.open("/")
    assert page.title() == ("任务 · one" if language == "zh-CN" else "Jobs · one")
    assert page.locator("tbody tr").count() == 50
    assert someone.too_wide() == 0
    if (width, script, language) in CHECKED:
        assert someone.accessibility() == []


def test_a_job_appears_counts_and_ends_by_itself(
    node: ScrapydServer, visitor: Callable[..., Visitor], site: Site
) -> None:
    page = visitor().open("/")
    page.get_by_text("live", exact=True).wait_for()
    run(node, "slow", "moving", site.url)
    row = page.locator("[id='shop/moving']")
    row.get_by_text("running").wait_for(timeout=LIVE_MS)
    expect(row.locator("td.n").first).to_have_text(re.compile(r"^([4-9]|\d\d+)$"), timeout=20_000)
    row.get_by_role("button", name="Stop").click()
    page.get_by_text("Jobs that are being stopped: 1").wait_for()
    row.get_by_text("cancelled", exact=False).first.wait_for(timeout=20_000)
    row.get_by_role("button", name="Run again").wait_for(timeout=LIVE_MS)


def test_what_a_person_typed_and_ticked_survives_a_change(
    node: ScrapydServer, visitor: Callable[..., Visitor], site: Site
) -> None:
    page = visitor().open("/")
    page.get_by_text("live", exact=True).wait_for()
    page.locator("[id='pick-shop/old-3']").check()
    search = page.get_by_role("searchbox")
    search.fill("half a wo")
    page.evaluate("window.scrollTo(0, 700)")
    run(node, "quick", "visible", site.url, pages="3")
    page.locator("[id='shop/visible']").get_by_text("finished").first.wait_for(timeout=30_000)
    assert page.locator("[id='pick-shop/old-3']").is_checked()
    assert search.input_value() == "half a wo"
    assert page.evaluate("document.activeElement.type") == "search"
    assert page.evaluate("window.scrollY") > 300


def test_selected_jobs_are_run_again_and_stopped(
    node: ScrapydServer, visitor: Callable[..., Visitor], site: Site
) -> None:
    run(node, "quick", "again", site.url, pages="2")
    node.wait_job("again")
    for script in (False, True):
        page = visitor(script=script).open("/?q=again")
        page.locator("[id='pick-shop/again']").check()
        page.locator(".bulk").get_by_role("button", name="Run again").click()
        page.get_by_text("New jobs: 1").wait_for()
        assert page.url.endswith("/?q=again")
    assert len(rows(requests.get(f"{node.url}index.json?spider=quick&since=1h", timeout=10))) >= 3


def test_nothing_selected_is_said(visitor: Callable[..., Visitor]) -> None:
    page = visitor(script=False).open("/?state=failed")
    page.locator(".bulk").get_by_role("button", name="Stop").click()
    page.get_by_text("Nothing was selected").wait_for()
    assert page.url.endswith("/?state=failed")


def test_jobs_of_hostile_names_answer_in_one_line(
    node: ScrapydServer, visitor: Callable[..., Visitor]
) -> None:
    page = visitor().open(f"/?{urlencode({'project': HOSTILE_PROJECT})}")
    assert page.locator("tbody tr").count() == 5
    page.locator("tbody tr").first.get_by_role("button", name="Run again").click()
    page.get_by_role("alert").wait_for()
    assert page.title() == "Jobs · one"
