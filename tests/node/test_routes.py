"""P9: every route of a node against every kind of caller; a row of a table that has no cell fails."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from scrapyd.config import Config

from aioscrapy_scrapyd.access import served_path
from aioscrapy_scrapyd.api.routes import PREFIX, ROUTES
from aioscrapy_scrapyd.guard import READING, ROLES
from aioscrapy_scrapyd.tokens import add_token
from aioscrapy_scrapyd.users import Role, hash_password
from aioscrapy_scrapyd.web.routes import TABLE
from node.conftest import APPLICATION
from plugin.jobs import make_egg, spider
from support.scrapyd import ScrapydServer

pytestmark = pytest.mark.server

NAMES = tuple(role.name.lower() for role in Role)
FOREIGN = [
    {"Host": "evil.example:6800"},
    {"Host": "localhost.evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Origin": "http://localhost:1"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "unknown", "Sec-Fetch-Mode": "cors"},
]
FRIENDS = [
    {},
    {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
]
# A link from another site opens a page and changes nothing.
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

SERVICES = {
    "GET": ("daemonstatus", "listprojects", "listversions", "listspiders", "listjobs", "status"),
    "POST": ("schedule", "cancel", "addversion", "delversion", "delproject", "activate"),
}
OTHERS = ("/jobs", "/logs/", "/items/", "/metrics", f"{PREFIX}/openapi.json", "/nothing")


def filled(path: str) -> str:
    """Return a path with names of a project that the node does not have."""
    return re.sub(r"\{(\w+)\}", "none", path)


def rows() -> Iterator[tuple[str, str, Role]]:
    for method, names in SERVICES.items():
        for name in names:
            path = f"/{name}.json"
            yield method, path, Role.VIEWER if method == "GET" else ROLES[path]
    for route in ROUTES:
        yield route.method, filled(f"{PREFIX}{route.path}"), route.role
    for _, screen in TABLE.screens:
        yield "GET", filled(screen.path), screen.role
    for _, action in TABLE.actions:
        yield "POST", filled(action.path), action.role
    for path in OTHERS:
        yield "GET", path, Role.VIEWER
        yield "POST", path, Role.ADMIN
    yield "PUT", "/schedule.json", Role.OPERATOR
    yield "HEAD", f"{PREFIX}/jobs", Role.VIEWER
    yield "DELETE", "/", Role.ADMIN


ALL = sorted(set(rows()))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    folder = tmp_path_factory.mktemp("routes") / "node"
    users = "\n".join(f"{name} = {name} {hash_password(name)}" for name in NAMES)
    text = f"[scrapyd]\napplication = {APPLICATION}\nrunner = aioscrapy.scrapyd.runner\nusername = root\n"
    text += f"password = sesame\n[users]\n{users}\n"
    server = ScrapydServer(folder, conf={"username": "root", "password": "sesame"}, conf_text=text)
    with server:
        files = {"egg": make_egg({"spiders/a.py": spider("one")})}
        fields = {"project": "mine", "version": "1"}
        login = ("root", "sesame")
        answer = requests.post(f"{server.url}addversion.json", fields, files=files, auth=login, timeout=60)
        assert answer.json()["status"] == "ok"
        (folder / "logs" / "mine" / "one").mkdir(parents=True)
        (folder / "logs" / "mine" / "one" / "x.html").write_text("<script>alert(1)</script>")
        yield server


@pytest.fixture(scope="module")
def callers(node: ScrapydServer) -> dict[str, requests.Session]:
    sessions = {name: requests.Session() for name in NAMES}
    for name, session in sessions.items():
        session.auth = (name, name)
    token = add_token(node.folder / "dbs" / "node.db", "other", Role.ADMIN, "other", 0)
    sessions["other"] = requests.Session()
    sessions["other"].headers["Authorization"] = f"Bearer {token}"
    sessions["nobody"] = requests.Session()
    return sessions


def call(caller: requests.Session, node: ScrapydServer, method: str, path: str, **fields: Any) -> int:
    url = f"{node.url.rstrip('/')}{path}"
    answer = caller.request(method, url, timeout=30, allow_redirects=False, **fields)
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.status_code < 500, answer.text
    return answer.status_code


@pytest.mark.parametrize(("method", "path", "role"), ALL, ids=str)
def test_each_route_for_each_caller(
    node: ScrapydServer, callers: dict[str, requests.Session], method: str, path: str, role: Role
) -> None:
    for headers in FOREIGN:
        expected = 421 if "Host" in headers else 403
        assert call(callers["admin"], node, method, path, headers=headers) == expected, headers
    assert call(callers["nobody"], node, method, path) == 401
    for name in NAMES[: role - 1]:
        assert call(callers[name], node, method, path) == 403, name
    for headers in FRIENDS:
        status = call(callers[role.name.lower()], node, method, path, headers=headers)
        # An action of a page also wants the token of its form.
        refusals = {401, 421} if method == "POST" and TABLE.role_of(method, path) else {401, 403, 421}
        assert status not in refusals, headers
    linked = call(callers["admin"], node, method, path, headers=LINK)
    assert (linked == 403) == (method not in READING)


def token_of(caller: requests.Session, node: ScrapydServer) -> str:
    """Return the token that the forms of this user carry."""
    page = caller.get(f"{node.url}run?project=mine", timeout=30).text
    match = re.search(r'name="token" value="([0-9a-f]+)"', page)
    assert match is not None
    return match[1]


@pytest.mark.parametrize("path", [action.path for _, action in TABLE.actions])
def test_each_form_wants_the_token_of_its_user(
    node: ScrapydServer, callers: dict[str, requests.Session], path: str
) -> None:
    admin, valid = callers["admin"], token_of(callers["admin"], node)
    stranger = token_of(callers["operator"], node)
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
    for token in ("", "x", "00" * 64, stranger, valid[:-2], "\u00e9"):
        assert call(admin, node, "POST", filled(path), data={"token": token}, headers=own) == 403, token
    assert call(admin, node, "POST", filled(path), headers=own) == 403
    assert call(admin, node, "POST", filled(path), json={"token": valid}, headers=own) == 403
    assert call(admin, node, "POST", f"{filled(path)}?token={valid}", headers=own) == 403
    assert call(admin, node, "POST", filled(path), data={"token": valid}, headers=own) != 403


QUOTED = ["", "/", "//", "/x"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"/listjobs.json{end}") for end in QUOTED),
        ("GET", "/%6cistjobs.json"),
        ("GET", "//listjobs.json"),
        ("GET", "/listjobs.json?project=mine"),
        ("GET", "/listjobs.json?project=mine&project=other"),
        ("GET", "/status.json?job=x"),
        ("GET", "/status.json?job=x&project=mine"),
        *(("GET", f"/jobs{end}") for end in QUOTED),
        ("GET", "/jobs?project=mine"),
        ("GET", "/logs/"),
        ("GET", "/logs"),
        ("GET", "//logs/"),
        ("GET", "/%6cogs/"),
        ("GET", "/logs/mine/one/x.html"),
        ("GET", "/logs/mine%2fone/x.html"),
        ("GET", "/logs//mine/one/x.html"),
        ("GET", "/%6cogs/mine/one/x.html"),
        ("GET", "/logs/%6dine/one/x.html"),
        ("GET", "/items/"),
        ("GET", "/items/mine/"),
        ("GET", "/metrics"),
        ("GET", f"{PREFIX}/jobs"),
        ("GET", f"{PREFIX}/jobs?project=mine"),
        ("GET", f"{PREFIX}/jobs/mine/x"),
        ("GET", f"{PREFIX}/jobs/%6dine/x/log"),
        ("GET", f"{PREFIX}/projects/mine/versions"),
        ("GET", f"{PREFIX}/projects/mine/spiders?project=other"),
        ("POST", "/schedule.json?project=mine&spider=one"),
        ("POST", "/%73chedule.json?project=mine&spider=one"),
        ("POST", "/schedule.json/x?project=mine&spider=one"),
        ("POST", "/cancel.json?project=mine&job=x"),
        ("POST", "/delproject.json?project=mine"),
        ("POST", "/activate.json?project=mine&version=1"),
        ("DELETE", f"{PREFIX}/projects/mine"),
        ("PUT", f"{PREFIX}/projects/mine/versions/2"),
        ("POST", f"{PREFIX}/jobs/mine/x/cancel"),
        ("GET", "/job/mine/x/overview"),
        ("GET", "/project/mine"),
    ],
)
def test_a_token_of_another_project_reaches_nothing_of_this_one(
    node: ScrapydServer, callers: dict[str, requests.Session], method: str, path: str
) -> None:
    assert call(callers["other"], node, method, path) in {403, 404}


def test_a_body_that_names_another_project_is_refused(
    node: ScrapydServer, callers: dict[str, requests.Session]
) -> None:
    body = {"project": "mine", "spider": "one"}
    for query in ("", "?project=other"):
        assert call(callers["other"], node, "POST", f"{PREFIX}/jobs{query}", json=body) == 403
    fields = [("project", "other"), ("project", "mine"), ("spider", "one")]
    answer = callers["other"].post(f"{node.url}schedule.json", data=fields, timeout=10)
    assert (answer.status_code, answer.text) == (403, "token other has access to other only")  # all count
    assert (
        requests.get(f"{node.url}listjobs.json", auth=("admin", "admin"), timeout=10).json()["running"] == []
    )


@pytest.mark.parametrize(
    "path", ["/logs/mine/one/x.html", "/%6cogs/mine/one/x.html", "/lo%67s/mine/one/%78.html"]
)
def test_a_file_is_plain_text_however_its_address_is_written(
    node: ScrapydServer, callers: dict[str, requests.Session], path: str
) -> None:
    answer = callers["viewer"].get(f"{node.url.rstrip('/')}{path}", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/", "/"),
        ("//", "/"),
        ("/%6cogs//a", "/logs/a"),
        ("/logs/a%2Fb", "/logs/a/b"),
        ("/x.json/y", "/x.json"),
        ("/jobs/", "/jobs"),
        (f"{PREFIX}/jobs/a%2Fb/c", f"{PREFIX}/jobs/a%2Fb/c"),
    ],
)
def test_the_path_that_is_served(path: str, served: str) -> None:
    assert served_path(path) == served


def test_every_service_of_scrapyd_is_in_the_table() -> None:
    names = {name for name, path in Config().items("services", ()) if path}
    table = {path.removeprefix("/") for _, path, _ in ALL}
    assert names <= table
