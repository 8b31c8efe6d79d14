"""Who sees and does what on the pages: roles, projects, tokens of forms, a proxy's prefix."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from aioscrapy_scrapyd.users import hash_password
from node.conftest import APPLICATION
from page.examples import HOSTILE_PROJECT, fill_history, forge
from support.browser import Visitor
from support.scrapyd import ScrapydServer

CONF = """
[scrapyd]
application = {application}
eggs_dir = eggs
logs_dir = logs
items_dir = items
dbs_dir = dbs
node_name = one
username = root
password = sesame

[users]
ann = viewer {hashed}
bob = operator:shop {hashed}
"""
ROOT, ANN, BOB = ("root", "sesame"), ("ann", "pass"), ("bob", "pass")
HOSTILE = {"job": f"{HOSTILE_PROJECT}/-"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    """A node with an admin, a viewer and an operator of one project, and jobs of two projects."""
    folder: Path = tmp_path_factory.mktemp("node")
    (folder / "dbs").mkdir()
    fill_history(folder, 20)
    forge(folder)
    conf = CONF.format(application=APPLICATION, hashed=hash_password("pass"))
    with ScrapydServer(folder, conf_text=conf, login=ROOT) as server:
        yield server


def token_of(node: ScrapydServer, login: tuple[str, str], path: str = "") -> str:
    text = requests.get(node.url + path, auth=login, timeout=10).text
    match = re.search(r'name="token" value="(\w+)"', text)
    return match[1] if match else ""


def test_without_a_login_there_is_no_page(node: ScrapydServer) -> None:
    for path in ("", "events", "job/shop/old-1/log", "static/x"):
        assert requests.get(node.url + path, timeout=10).status_code == 401


def test_a_viewer_sees_no_button_and_can_change_nothing(
    node: ScrapydServer, visitor: Callable[..., Visitor]
) -> None:
    page = visitor(login=ANN).open("/")
    assert page.locator("tbody tr").count() == 25
    assert page.locator("main form[method=post] button, main input[type=checkbox]").count() == 0
    page = visitor(login=ANN).open("/job/shop/old-1/overview")
    assert page.locator("main form").count() == 0
    for path in ("", "job/shop/old-1/again", "job/shop/old-1/stop", "job/shop/old-1/kill"):
        data = {"token": token_of(node, BOB), "again": "shop/old-1"}
        reply = requests.post(node.url + path, data=data, auth=ANN, timeout=10)
        assert reply.status_code == 403, path


def test_a_user_of_one_project_sees_and_does_nothing_else(node: ScrapydServer) -> None:
    listed = requests.get(f"{node.url}index.json", auth=BOB, timeout=10).json()
    assert {row["project"] for row in listed["jobs"]} == {"shop"}
    assert listed["totals"]["ended_today"] <= 20
    for tab in ("overview", "log", "items", "stats", "arguments", "history", "log/download"):
        path = f"{node.url}job/{requests.utils.quote(HOSTILE_PROJECT, safe='')}/-/{tab}"
        assert requests.get(path, auth=ROOT, timeout=10).status_code in {200, 404}
        assert requests.get(path, auth=BOB, timeout=10).status_code == 403, tab
    data = {"token": token_of(node, BOB), "do": "again", **HOSTILE}
    reply = requests.post(node.url, data=data, auth=BOB, timeout=10)
    assert "not found" in reply.text
    searched = requests.get(f"{node.url}index.json?q=img", auth=BOB, timeout=10).json()
    assert searched["jobs"] == []


def test_a_token_is_that_of_its_user(node: ScrapydServer) -> None:
    token = token_of(node, BOB)
    assert token != token_of(node, BOB)  # masked anew for each page
    data = {"token": token, "do": "again", "job": "shop/old-1"}
    assert requests.post(node.url, data=data, auth=BOB, timeout=10).status_code == 200
    assert requests.post(node.url, data=data, auth=ROOT, timeout=10).status_code == 403


def test_a_page_of_another_site_can_not_use_a_token(node: ScrapydServer) -> None:
    data = {"token": token_of(node, ROOT), "do": "again", "job": "shop/old-1"}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
        reply = requests.post(node.url, data=data, headers=headers, auth=ROOT, timeout=10)
        assert reply.status_code == 403


def test_the_events_of_a_user_are_those_of_his_projects(node: ScrapydServer) -> None:
    with requests.get(f"{node.url}events", auth=BOB, stream=True, timeout=10) as reply:
        assert reply.status_code == 200
    assert requests.get(f"{node.url}events?project=other", auth=BOB, timeout=10).status_code == 403


def test_every_link_has_the_prefix_of_a_proxy(node: ScrapydServer) -> None:
    for path in ("", "job/shop/old-1/overview", "node", "nowhere"):
        text = requests.get(
            node.url + path, headers={"X-Forwarded-Prefix": "/crawl/er"}, auth=ROOT, timeout=10
        ).text
        links = re.findall(r'(?:href|src|action|data-stream)="(/[^"]*)"', text)
        assert links
        assert [link for link in links if not link.startswith("/crawl/er/")] == [], path
    text = requests.get(node.url, headers={"X-Forwarded-Prefix": '/"><script>'}, auth=ROOT, timeout=10).text
    assert "<script>" not in text


def test_a_change_answers_programs_in_json(node: ScrapydServer) -> None:
    data = {"token": token_of(node, BOB), "do": "again", "job": "shop/nix"}
    headers = {"Accept": "application/json"}
    reply = requests.post(node.url, data=data, headers=headers, auth=BOB, timeout=10)
    assert reply.status_code == 409
    assert "'nix' not found" in json.dumps(reply.json())
