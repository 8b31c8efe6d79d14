"""Crawls, Run, Deploy, Node: every screen, every action, both languages, with hostile names and values."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import requests
from playwright.sync_api import Page, expect

from aioscrapy_scrapyd.users import hash_password
from node.conftest import APPLICATION
from plugin.jobs import make_egg
from support.browser import CHECKED, WAYS, WIDE, Visitor
from support.redis import RedisServer
from support.scrapyd import ScrapydServer

EVIL = '"><img src=x onerror=document.title=1>'
SPIDERS = """
import asyncio
from aioscrapy import Spider


class Waits(Spider):
    name = "waits"
    custom_settings = {"RETRY_ENABLED": False}
    start_urls = ["http://127.0.0.1:9/<b>%s</b>" % number for number in range(3)]

    async def parse(self, response):
        pass


class Evil(Spider):
    name = '"><img src=x onerror=document.title=1>'
"""
SETTINGS = """
BOT_NAME = 'b<b>o&t'
SPIDER_MODULES = ["bot.spiders"]
SCHEDULER_QUEUE_CLASS = "aioscrapy.queue.redis.SpiderPriorityQueue"
REDIS_ARGS = {"queue": {"url": "URL"}}
REDIS_CHECK = "off"
CLOSESPIDER_IDLE = 0
"""
PROJECT = "shop <b>&"
# A crawl of other nodes: its workers are alive until the year 2100.
KEY = "aioscrapy:{b<b>o&t/waits}"


def egg(version: str, url: str, more: str = "") -> bytes:
    return make_egg({"spiders/a.py": SPIDERS + more, "settings.py": SETTINGS.replace("URL", url)})


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        with server.client() as client:
            meta = {"state": "open", "created": 1_700_000_000_000, "done": 120, "failed": 1, "items": 90}
            client.hset(f"{KEY}:c1:meta", mapping=meta)
            client.zadd(f"{KEY}:crawls", {"c1": 1_700_000_000_000})
            client.set(f"{KEY}:current", "c1")
            client.zadd(f"{KEY}:c1:ready", {b"h\n%014x{}" % number: 0 for number in range(40)})
            client.zadd(f"{KEY}:c1:workers", {"<i>far</i>:77:abc": 4_102_444_800_000})
            letter = b"h\n%014x" % 1 + b'{"url": "http://h/<script>document.title=2</script>"}'
            reason = b"404 <script>document.title=3</script>"
            client.hset(
                f"{KEY}:c1:failed", "7", msgpack.packb([reason, b"h\n%014x" % 1 + letter], use_bin_type=False)
            )
        yield server


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Iterator[ScrapydServer]:
    conf: dict[str, str | None] = {"application": APPLICATION, "node_name": "one", "redis_urls": redis.url}
    with ScrapydServer(tmp_path_factory.mktemp("node"), conf=conf) as server:
        for version, more in (("1", ""), ("2", "\nclass New(Spider):\n    name = 'new'\n")):
            upload = {"project": PROJECT, "version": version}
            files = {"egg": egg(version, redis.url, more)}
            answer = requests.post(f"{server.url}addversion.json", data=upload, files=files, timeout=60)
            assert answer.json()["status"] == "ok", answer.text
        yield server


def crawl_path(node: ScrapydServer, what: str = "overview") -> str:
    (row,) = requests.get(f"{node.url}crawls.json", timeout=10).json()["crawls"]
    return f"/crawl/{row['server']}/b%3Cb%3Eo&t/waits/c1/{what}".replace("&", "%26")


def paths(node: ScrapydServer) -> list[str]:
    project = "/project/shop%20%3Cb%3E%26"
    return [
        *("/crawls", crawl_path(node), crawl_path(node, "failed"), "/deploy", "/node", "/node/access"),
        *("/node/audit", "/run?project=shop+%3Cb%3E%26", f"{project}/versions", f"{project}/1/version"),
    ]


def proven(visitor: Visitor, path: str) -> Page:
    page = visitor.open(path)
    assert visitor.too_wide() == 0, path
    assert len(page.title()) > 3, path  # no script has run
    return page


@pytest.mark.parametrize(("width", "script", "language"), WAYS)
def test_every_screen_fits_and_runs_nothing(
    node: ScrapydServer, visitor: Callable[..., Visitor], width: int, script: bool, language: str
) -> None:
    someone = visitor(width=width, script=script, language=language, dark=width < WIDE)
    for path in paths(node):
        page = proven(someone, path)
        assert page.locator("html").get_attribute("lang") == language[:2]
        if (width, script, language) in CHECKED:
            assert someone.accessibility() == [], path


def test_every_screen_has_the_same_as_json(node: ScrapydServer) -> None:
    for path in paths(node):
        data = requests.get(node.url.rstrip("/") + path, headers={"Accept": "application/json"}, timeout=10)
        assert data.status_code == 200, path
        assert isinstance(data.json(), dict)


def test_a_crawl_shows_what_is_left_who_works_and_what_failed(
    node: ScrapydServer, visitor: Callable[..., Visitor]
) -> None:
    page = visitor().open("/crawls")
    page.get_by_role("link", name="b<b>o&t / waits").click()
    expect(page.locator(".figures")).to_contain_text("40")
    expect(page.get_by_role("cell", name="on another node")).to_be_visible()
    expect(page.get_by_text("<i>far</i>")).to_be_visible()
    page.get_by_role("link", name="Failed requests").click()
    expect(page.get_by_text("404 <script>document.title=3</script>")).to_be_visible()
    expect(page.get_by_text("http://h/<script>document.title=2</script>")).to_be_visible()


def test_a_crawl_that_another_node_works_on_moves(
    node: ScrapydServer, redis: RedisServer, visitor: Callable[..., Visitor]
) -> None:
    page = visitor().open(crawl_path(node))
    expect(page.locator("[data-stream-state]")).to_be_visible()
    page.wait_for_timeout(2000)  # the first event after a connection may be about the change before it
    with redis.client() as client:
        client.hset(f"{KEY}:c1:meta", "done", 777)
        began = time.monotonic()
        expect(page.locator(".figures")).to_contain_text("777", timeout=8000)
        assert time.monotonic() - began < 3  # 1 s between two looks, 1 s between two fetches
        client.hset(f"{KEY}:c1:meta", "done", 120)


def test_a_crawl_is_stopped_resumed_retried_and_gets_workers(
    node: ScrapydServer, redis: RedisServer, visitor: Callable[..., Visitor]
) -> None:
    page = visitor(script=False).open(crawl_path(node))
    page.get_by_role("button", name="Stop the crawl").click()
    expect(page.get_by_role("status")).to_contain_text("nothing is lost")
    with redis.client() as client:
        assert client.hget(f"{KEY}:c1:meta", "stopped") == b"1"
        expect(page.get_by_role("button", name="Add workers")).to_have_count(0)  # no job here had this spider
        page.get_by_role("button", name="Resume").click()
        assert client.hget(f"{KEY}:c1:meta", "stopped") is None
        page.get_by_role("link", name="Failed requests").click()
        page.get_by_role("button", name="Try all again").click()
        expect(page.get_by_role("status")).to_contain_text("Requests that wait again: 1")
        assert client.hlen(f"{KEY}:c1:failed") == 0
        client.delete(f"{KEY}:current")


def test_a_run_is_previewed_and_started_with_rows_of_arguments(
    node: ScrapydServer, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor()
    page = someone.open("/run?project=shop+%3Cb%3E%26&spider=waits")
    page.get_by_label("name", exact=True).nth(0).fill("password")
    page.get_by_label("value", exact=True).nth(0).fill("sesame' ; rm")
    page.get_by_role("button", name="Add a row").first.click()
    page.get_by_label("name", exact=True).nth(2).fill("tag")
    page.get_by_label("value", exact=True).nth(2).fill(EVIL)
    page.get_by_label("Workers on one crawl").fill("2")
    page.get_by_role("button", name="as curl").click()
    command = page.locator("pre").inner_text()
    assert "sesame" not in command
    assert '"instances": 2' in command
    page.get_by_role("button", name="as command").click()
    assert "--jobs 2" in page.locator("pre").inner_text()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("2 jobs are scheduled")
    crawl = re.search(r"crawl=(\w+)", page.url)
    assert crawl is not None
    jobs = requests.get(f"{node.url}api/v1/jobs", params={"crawl": crawl[1]}, timeout=10).json()
    (job, *_) = [*jobs["pending"], *jobs["running"], *jobs["ended"]]
    assert (job["args"]["password"], job["args"]["tag"]) == ("•••", EVIL)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"workers": "many"}, "workers: 'many' is not a number"),
        ({"workers": "0"}, "instances=0"),
        ({"spider": "<b>"}, "spider '<b>' not found"),
        ({"arg_name": "settings", "arg_value": "x"}, "is reserved"),
        ({"arg_name": "", "arg_value": "<i>"}, "has no name"),
        ({"timeout": "nan"}, "is not a number"),
        ({"version": "9"}, ""),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_run_keeps_what_was_typed(node: ScrapydServer, fields: dict[str, str], problem: str) -> None:
    page = requests.get(f"{node.url}run", params={"project": PROJECT}, timeout=10).text
    token = re.findall(r'name="token" value="(\w+)"', page)[-1]
    form = {"token": token, "project": PROJECT, "spider": "waits", "priority": "3.5", **fields}
    reply = requests.post(f"{node.url}run", data=form, timeout=20)
    assert reply.status_code == 422, reply.text
    assert 'value="3.5"' in reply.text
    assert problem.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;") in reply.text


def test_an_egg_is_looked_at_before_it_is_activated_and_rolled_back(
    node: ScrapydServer, redis: RedisServer, visitor: Callable[..., Visitor], tmp_path: Path
) -> None:
    path = tmp_path / "new.egg"
    path.write_bytes(egg("3", redis.url, "\nclass Third(Spider):\n    name = 'third'\n"))
    someone = visitor(script=False)
    page = someone.open("/deploy")
    page.get_by_label("Drop an egg here").set_input_files(path)
    page.get_by_label("Project", exact=True).fill(PROJECT)
    page.get_by_label("Version").fill("2")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("has a version 2 already")
    page.get_by_label("Drop an egg here").set_input_files(path)
    page.get_by_label("Version").fill("")
    page.get_by_role("button", name="Upload").click()  # the version of the egg's metadata
    expect(page.get_by_role("status")).to_contain_text("Version 3_1 is stored")
    expect(page.locator(".change.good").first).to_contain_text("third")
    expect(page.locator(".change.bad").first).to_contain_text("new")
    assert node.api("listversions", project=PROJECT)["active"] == "2"
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("status")).to_contain_text("before it was 2")
    page.get_by_role("row", name=re.compile(r"^1 ")).get_by_role("button", name="Activate").click()
    assert node.api("listversions", project=PROJECT)["active"] == "1"
    page.get_by_role("row", name=re.compile(r"^3_1 ")).get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status")).to_contain_text("Version 3_1 is deleted")
    assert node.api("listversions", project=PROJECT)["versions"] == ["1", "2"]


def test_a_file_that_is_no_egg_changes_nothing(node: ScrapydServer, visitor: Callable[..., Visitor]) -> None:
    page = visitor(script=False).open("/deploy")
    page.get_by_label("Drop an egg here").set_input_files(
        {"name": "<b>.egg", "mimeType": "application/zip", "buffer": b"not a zip"}
    )
    page.get_by_label("Project", exact=True).fill("fresh")
    page.get_by_label("Version").fill("1")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("not a ZIP file")
    assert "fresh" not in node.api("listprojects")["projects"]


def test_the_change_of_a_project_asks_and_a_no_changes_nothing(
    node: ScrapydServer, visitor: Callable[..., Visitor]
) -> None:
    page = visitor().open("/project/shop%20%3Cb%3E%26/versions")
    questions: list[str] = []
    page.on("dialog", lambda dialog: (questions.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Delete project").click()
    assert questions == [f"Delete the project {PROJECT} with all its versions?"]
    assert PROJECT in node.api("listprojects")["projects"]


def test_a_token_is_made_used_and_removed(node: ScrapydServer, visitor: Callable[..., Visitor]) -> None:
    page = visitor(script=False).open("/node/access")
    page.get_by_label("Name").fill(EVIL)
    page.get_by_label("Role").select_option("operator")
    page.get_by_role("button", name="Make a token").click()
    message = page.get_by_role("status").inner_text()
    token = re.search(r"aio_\w+_[\w-]+", message)
    assert token is not None
    page.reload()
    assert token[0] not in page.content()
    expect(page.get_by_role("rowheader", name=EVIL)).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("is removed")
    page.get_by_role("link", name="Who changed what").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("/remove")
    page.get_by_role("searchbox").fill("addversion")
    page.get_by_role("button", name="Search").click()
    assert page.get_by_role("row").count() >= 3
    assert page.get_by_role("row", name="/remove").count() == 0


def test_a_redis_that_is_away_is_a_sentence_within_a_second(
    tmp_path: Path, visitor: Callable[..., Visitor]
) -> None:
    conf: dict[str, str | None] = {
        "application": APPLICATION,
        "redis_urls": "redis://:p%40ss@127.0.0.1:9/0",
    }
    with ScrapydServer(tmp_path, conf=conf) as lonely:
        for path in ("crawls", "node"):
            began = time.monotonic()
            page = requests.get(f"{lonely.url}{path}", headers={"Accept-Language": "zh"}, timeout=10).text
            assert time.monotonic() - began < 1.5
            assert "redis://127.0.0.1:9/0 没有应答" in page
            assert "p%40ss" not in page


ROLES = ("viewer", "operator", "deployer", "admin")
MAY: dict[tuple[str, str], int] = {
    ("GET", "crawls"): 1,
    ("GET", "deploy"): 1,
    ("GET", "node"): 1,
    ("GET", "metrics"): 1,
    ("GET", "run"): 2,
    ("POST", "run"): 2,
    ("POST", "crawl/s/b/p/c/stop"): 2,
    ("POST", "crawl/s/b/p/c/workers"): 2,
    ("POST", "deploy"): 3,
    ("POST", "project/p/1/activate"): 3,
    ("POST", "project/p/1/delete"): 3,
    ("POST", "project/p/delete"): 4,
    ("GET", "node/access"): 4,
    ("GET", "node/audit"): 4,
    ("POST", "node/access"): 4,
    ("POST", "node/access/x/remove"): 4,
}


def test_each_role_may_do_what_it_should(tmp_path: Path) -> None:
    users = {role: f"{role} {hash_password(role)}" for role in ROLES}
    users["limited"] = f"operator:other {hash_password('limited')}"
    text = f"[scrapyd]\napplication = {APPLICATION}\nrunner = aioscrapy.scrapyd.runner\n[users]\n"
    text += "\n".join(f"{name} = {line}" for name, line in users.items())
    server = ScrapydServer(tmp_path, conf_text=text, login=("admin", "admin"))
    with server:
        for (method, path), least in MAY.items():
            for number, role in enumerate(ROLES, 1):
                reply: Any = requests.request(
                    method, f"{server.url}{path}", auth=(role, role), allow_redirects=False, timeout=20
                )
                refused = "this needs the role" in reply.text
                assert refused == (number < least), (method, path, role, reply.status_code, reply.text[:300])
        for path in ("project/p/versions", "project/p/1/version"):
            reply = requests.get(f"{server.url}{path}", auth=("limited", "limited"), timeout=10)
            assert reply.status_code == 403
