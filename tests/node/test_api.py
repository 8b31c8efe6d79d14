"""/api/v1: real status codes, the same objects, an OpenAPI document that is the table of routes."""

import re
from typing import Any

import pytest
import requests

from aioscrapy_scrapyd.api.openapi import document
from aioscrapy_scrapyd.api.routes import PREFIX, ROUTES, find, role_of
from aioscrapy_scrapyd.users import Role
from node.test_jobs import SPIDERS, end_of
from plugin.jobs import make_egg
from support.scrapyd import ScrapydServer
from support.site import Site


def call(node: ScrapydServer, method: str, path: str, **fields: Any) -> "requests.Response":
    return requests.request(method, f"{node.url}api/v1{path}", timeout=60, **fields)


def test_the_document_has_every_route_and_no_other() -> None:
    described = {
        (method.upper(), path.removeprefix(PREFIX))
        for path, methods in document()["paths"].items()
        for method in methods
    }
    assert described == {(route.method, route.path) for route in ROUTES}
    assert all(route.summary for route in ROUTES)
    operations = [one["operationId"] for methods in document()["paths"].values() for one in methods.values()]
    assert len(set(operations)) == len(operations)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_each_route_is_found_by_its_path_and_needs_its_role(route: Any) -> None:
    path = re.sub(r"\{(\w+)\}", r"x\1", route.path)
    found, names, methods = find(route.method, path)
    assert found is route
    assert route.method in methods
    assert names == {name: f"x{name}" for name in re.findall(r"\{(\w+)\}", route.path)}
    assert role_of(route.method, path) is route.role
    assert role_of("PATCH", path) is Role.ADMIN


def test_a_project_from_egg_to_log(node: ScrapydServer, site: Site) -> None:
    egg = make_egg({"spiders/a.py": SPIDERS})
    deployed = call(node, "PUT", "/projects/shop/versions/1.0", data=egg)
    assert (deployed.status_code, deployed.json()["spiders"]) == (201, 4)
    assert call(node, "GET", "/projects").json() == {"projects": ["shop"]}
    assert call(node, "GET", "/projects/shop/versions").json()["active"] == "1_0"
    assert "page" in call(node, "GET", "/projects/shop/spiders").json()["spiders"]
    fields = {
        "project": "shop",
        "spider": "page",
        "args": {"url": f"{site.url}/headers", "api_key": "hush"},
        "job": "a",
    }
    started = call(node, "POST", "/jobs", json=fields)
    assert (started.status_code, started.json()["existing"]) == (201, False)
    assert started.json()["jobs"][0]["args"]["api_key"] == "•••"
    assert call(node, "POST", "/jobs", json=fields).json()["existing"] is True
    assert end_of(node, "a")["state"] == "finished"
    job = call(node, "GET", "/jobs/shop/a").json()
    assert (job["state"], job["exit_status"], job["items"]) == ("finished", 0, 1)
    log = call(node, "GET", "/jobs/shop/a/log?tail=1").json()
    assert "Spider closed (finished)" in log["lines"][0]
    assert call(node, "GET", f"/jobs/shop/a/log?after={log['to']}").json()["lines"] == []
    assert call(node, "GET", "/jobs/shop/a/log?level=ERROR").json()["lines"] == []
    samples = call(node, "GET", "/jobs/shop/a/samples").json()["samples"]
    assert samples[-1]["items"] == 1
    again = call(node, "POST", "/jobs/shop/a/retry")
    assert again.status_code == 201
    assert end_of(node, again.json()["jobs"][0]["job"])["state"] == "finished"
    assert call(node, "POST", "/jobs/shop/a/cancel").json() == {"jobs": {}}
    listed = call(node, "GET", "/jobs?limit=1").json()
    assert [one["job"] for one in listed["ended"]] == [again.json()["jobs"][0]["job"]]
    older = call(node, "GET", f"/jobs?limit=1&before={listed['next']}").json()
    assert [one["job"] for one in older["ended"]] == ["a"]
    for query, number in {
        "text=HEADERS": 2,
        "text=hush": 0,
        "state=failed,running": 0,
        "since=9e9": 0,
    }.items():
        assert len(call(node, "GET", f"/jobs?{query}").json()["ended"]) == number, query
    assert call(node, "POST", "/projects/shop/versions/1.0/activate").json()["previous"] == "1_0"
    assert call(node, "DELETE", "/projects/shop/versions/1.0").status_code == 200
    assert call(node, "GET", "/projects").json() == {"projects": []}


def test_errors_have_their_status_and_one_line(node: ScrapydServer) -> None:
    call(node, "PUT", "/projects/shop/versions/1", data=make_egg({"spiders/a.py": SPIDERS}))
    job = {"project": "shop", "spider": "page"}
    broken = make_egg({"settings.py": "raise RuntimeError"})
    expected = [
        (404, call(node, "GET", "/nothing")),
        (405, call(node, "PATCH", "/jobs")),
        (404, call(node, "GET", "/jobs/shop/none")),
        (404, call(node, "GET", "/jobs/shop/none/log")),
        (404, call(node, "GET", "/projects/none/spiders")),
        (404, call(node, "DELETE", "/projects/none")),
        (404, call(node, "POST", "/projects/shop/versions/2/activate")),
        (404, call(node, "POST", "/jobs", json={**job, "spider": "none"})),
        (404, call(node, "POST", "/jobs", json={**job, "version": "7"})),
        (400, call(node, "POST", "/jobs", data=b"{")),
        (400, call(node, "POST", "/jobs", json=[])),
        (400, call(node, "POST", "/jobs", json={**job, "jobid": "x"})),
        (400, call(node, "POST", "/jobs", json={**job, "job": "../x"})),
        (400, call(node, "POST", "/jobs", json={**job, "args": {"a": 1}})),
        (400, call(node, "POST", "/jobs", json={**job, "args": {"a": "x" * 200_000}})),
        (400, call(node, "POST", "/jobs", json={**job, "args": {"a": "\0"}})),
        (400, call(node, "POST", "/jobs", json={**job, "args": {"_job": "x"}})),
        (400, call(node, "POST", "/jobs", json={**job, "instances": 0})),
        (400, call(node, "POST", "/jobs", json={**job, "instances": True})),
        (400, call(node, "POST", "/jobs", data=b'{"project": "shop", "spider": "page", "priority": NaN}')),
        (400, call(node, "GET", "/jobs?limit=many")),
        (400, call(node, "GET", "/jobs?before=yesterday")),
        (400, call(node, "GET", "/jobs?state=happy")),
        (400, call(node, "GET", "/jobs?since=yesterday")),
        (400, call(node, "GET", "/jobs?until=nan")),
        (400, call(node, "POST", "/jobs/shop/x/cancel?now=perhaps")),
        (400, call(node, "PUT", "/projects/shop/versions/2", data=b"no egg")),
        (400, call(node, "PUT", "/projects/%2e%2e/versions/2", data=make_egg())),
        (
            409,
            call(node, "PUT", "/projects/shop/versions/2", data=broken),
        ),
    ]
    for status, answer in expected:
        assert answer.status_code == status, (answer.request.method, answer.url, answer.text)
        error = answer.json()["error"]
        assert (error["code"], "Traceback" in error["message"]) == (status, False)
    assert call(node, "GET", "/projects/shop/versions").json()["active"] == "1"
    assert call(node, "GET", "/status").json()["running"] == 0


def test_several_jobs_on_one_crawl_are_stopped_by_its_id(node: ScrapydServer, site: Site) -> None:
    call(node, "PUT", "/projects/shop/versions/1", data=make_egg({"spiders/a.py": SPIDERS}))
    args = {"url": f"{site.url}/headers", "file": "/nowhere"}
    fields = {"project": "shop", "spider": "waits", "args": args, "instances": 3, "job": "w"}
    started = call(node, "POST", "/jobs", json=fields).json()
    assert [one["job"] for one in started["jobs"]] == ["w", "w-2", "w-3"]
    assert len({one["args"]["crawl"] for one in started["jobs"]} | {started["crawl"]}) == 1
    for job in ("w", "w-2", "w-3"):
        node.wait_running(job)
    stopped = call(node, "POST", f"/jobs/shop/{started['crawl']}/cancel").json()["jobs"]
    assert set(stopped) == {"w", "w-2", "w-3"}
    assert {end_of(node, job)["state"] for job in stopped} == {"cancelled"}
