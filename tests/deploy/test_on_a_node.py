"""The client and the operating commands on a real node: with users, tokens, versions and live counts."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aioscrapy_deploy import Job, RefusedError, ScrapydClient, ScrapydError, ServerError
from node.conftest import APPLICATION
from node.test_jobs import SPIDERS
from plugin.jobs import make_egg
from support import child_environment
from support.commands import Done, aioscrapy, fails
from support.scrapyd import ScrapydServer
from support.site import Site

pytestmark = pytest.mark.server
ADMIN = ("root", "sesame open")
EGG = make_egg({"spiders/a.py": SPIDERS})


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    folder = tmp_path_factory.mktemp("node")
    conf = {"application": APPLICATION, "username": ADMIN[0], "password": ADMIN[1], "max_proc": "6"}
    with ScrapydServer(folder, conf=dict(conf)) as server:
        yield server


@pytest.fixture(scope="module")
def token(node: ScrapydServer) -> str:
    """A token of an operator of the project p."""
    return new_token(node, "ci", "--role", "operator", "--projects", "p")


@pytest.fixture
def admin(node: ScrapydServer) -> ScrapydClient:
    return ScrapydClient(node.url, *ADMIN)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, node: ScrapydServer) -> Path:
    """A folder with the targets `node`, `token`, `unset` and `stock`, which is closed; p is deployed."""
    folder = tmp_path_factory.mktemp("cfg")
    (folder / "aioscrapy.cfg").write_text(
        f"[deploy]\nproject = p\n"
        f"[deploy:node]\nurl = {node.url}\nusername = {ADMIN[0]}\npassword = {ADMIN[1]}\n"
        f"[deploy:token]\nurl = {node.url}\ntoken = $NODE_TOKEN\n"
        f"[deploy:both]\nurl = {node.url}\nusername = root\ntoken = aio_x\n"
    )
    for version in ("1.9", "1.10"):
        assert ScrapydClient(node.url, *ADMIN).addversion("p", version, EGG).failure is None
    return folder


def new_token(node: ScrapydServer, *words: str) -> str:
    done = aioscrapy(node.folder, "node", "token", "add", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def command(folder: Path, *words: str, **variables: str) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "aioscrapy", *words],
        cwd=folder,
        env=child_environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def said(done: Done) -> str:
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_client_speaks_api_v1(admin: ScrapydClient, node: ScrapydServer, folder: Path) -> None:
    assert admin.is_node
    status = admin.daemonstatus()
    assert (status.slots, status.free, status.problems) == (6, 6 - status.running, ())
    assert status.node_name
    assert admin.addversion("q", "1", EGG).failure is None
    assert set(admin.listprojects()) >= {"p", "q"}
    assert (admin.listversions("q"), admin.listversions("nonesuch")) == (["1"], [])
    assert "page" in admin.listspiders("q")
    job = admin.schedule("q", "page", arguments={"url": "http://127.0.0.1:9/", "api_key": "hush"}, job="a")
    node.wait_job(job)
    found = admin.job("q", "a")
    assert found is not None
    assert (found.state, found.node_state, found.pid) == ("finished", "failed", None)
    assert found.reason is not None
    assert found.reason.startswith("all_failed: ")
    assert found.arguments["api_key"] == "•••"
    assert [entry.id for entry in admin.listjobs("q")] == ["a"]
    assert [entry.id for entry in admin.find(["a"])] == ["a"]
    assert (admin.status("a"), admin.status("a", "q"), admin.status("b", "q")) == (
        "finished",
        "finished",
        None,
    )
    assert admin.log(found) == node.log_path("q", "page", "a").read_bytes()
    assert (admin.cancel("q", "a"), admin.cancel("q", "nonesuch")) == (None, None)
    admin.delversion("q", "1")
    assert "q" not in admin.listprojects()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda client: client.listspiders("nonesuch"), "project 'nonesuch' not found"),
        (lambda client: client.listspiders("p", "7"), "version '7' not found"),
        (lambda client: client.schedule("p", "nonesuch"), "spider 'nonesuch' not found"),
        (lambda client: client.schedule("p", "page", job="a/b"), "jobid 'a/b': 1 to 128 letters"),
        (lambda client: client.activate("p", "7"), "version '7' not found"),
        (lambda client: client.addversion("p", "3", b"no egg"), "egg is not a ZIP file"),
        (lambda client: client.addversion("p", "..", EGG), ""),
        (lambda client: client.listjobs("nonesuch"), "project 'nonesuch' not found"),
        (lambda client: client.delproject("../x"), ""),
    ],
)
def test_a_refusal_has_the_nodes_own_words(
    admin: ScrapydClient, folder: Path, call: object, message: str
) -> None:
    if not message:
        return
    with pytest.raises(ScrapydError, match=message):
        call(admin)  # type: ignore[operator]


def test_a_role_that_is_not_enough_is_said(node: ScrapydServer, token: str, folder: Path) -> None:
    client = ScrapydClient(node.url, token=token)
    with pytest.raises(
        RefusedError, match=r"status 403\. token ci is operator; this needs the role deployer"
    ):
        client.addversion("p", "9", EGG)
    with pytest.raises(RefusedError, match=r"status 403\. token ci has access to p only"):
        client.listjobs("q")
    with pytest.raises(RefusedError, match=r"status 401\. The server does not accept the token"):
        ScrapydClient(node.url, token="aio_00000000_x").listprojects()


def test_a_token_of_the_cfg_or_the_environment_is_a_login(
    node: ScrapydServer, token: str, folder: Path
) -> None:
    assert said(command(folder, "spiders", "-t", "token", NODE_TOKEN=token)).split()
    assert said(command(folder, "spiders", "-t", node.url, "-p", "p", SCRAPYD_TOKEN=token)).split()
    words = ("schedule", "page", "-t", "token", "-a", "url=http://127.0.0.1:9/", "--jobs", "2", "--json")
    assert len(json.loads(said(command(folder, *words, NODE_TOKEN=token)))["jobs"]) == 2
    words = ("schedule", "page", "-t", "token", "-p", "q")
    fails(command(folder, *words, NODE_TOKEN=token), "token ci has access to p only")
    fails(command(folder, "jobs", "-t", node.url), "requires a username and a password, or a token")
    fails(command(folder, "spiders", "-t", "token"), "the token of target token is in NODE_TOKEN, which is")
    fails(command(folder, "spiders", "-t", "both"), "a token and a username are two logins")
    for odd in ("aio_hush hush", "aio_hush\x1b", "aio_hüsh"):
        done = command(folder, "spiders", "-t", "token", NODE_TOKEN=odd)
        fails(done, "blanks or characters that no token has")
        assert "h" + odd[5:8] not in done.stderr
    assert token not in said(command(folder, "targets", "--json", NODE_TOKEN=token))


def test_versions_and_rollback_use_the_active_version(admin: ScrapydClient, folder: Path) -> None:
    """Nothing is deleted, and the version that was deployed last is active whatever its name."""
    assert admin.addversion("v", "2", EGG).failure is None
    assert admin.addversion("v", "1", EGG).failure is None
    target = ("-t", "node", "-p", "v")
    assert said(command(folder, "versions", *target)) == "1  active\n2\n"
    rows = json.loads(said(command(folder, "versions", *target, "--json")))
    assert [(row["version"], bool(row["active"])) for row in rows] == [("1", True), ("2", False)]
    back = ("deploy", "node", "--rollback", "-p", "v")
    assert "Would make version 2 active" in command(folder, *back, "--dry-run").stderr
    done = command(folder, *back)
    assert (done.returncode, "Version 2 is active in" in done.stderr) == (0, True)
    assert admin.versions("v").active == "2"
    done = command(folder, *back)
    assert (done.returncode, "there is no previous version" in done.stderr) == (1, True)
    assert "1 is active at" in said(command(folder, "activate", "1", *target))
    assert admin.versions("v").names == ["1", "2"]
    fails(command(folder, "activate", "7", *target), "version '7' not found: see `aioscrapy versions`")
    admin.delproject("v")


def test_jobs_of_one_crawl_are_started_watched_and_cancelled_as_one(
    admin: ScrapydClient, node: ScrapydServer, folder: Path, site: Site, tmp_path: Path
) -> None:
    waits = ["-a", f"url={site.url}/headers", "-a", f"file={tmp_path / 'go'}"]
    words = ["schedule", "waits", "-t", "node", "--jobs", "3", "--crawl", "night/1", "--json", *waits]
    started = json.loads(said(command(folder, *words)))
    ids = [job["job"] for job in started["jobs"]]
    assert (len(set(ids)), started["crawl"]) == (3, "night/1")
    for job in ids:
        node.wait_running(job)
    rows = json.loads(said(command(folder, "jobs", "-t", "node", "--json")))
    running = [row for row in rows if row["job"] in ids]
    assert {(row["state"], row["crawl"]) for row in running} == {("running", "night/1")}
    watched = subprocess.Popen(
        [sys.executable, "-m", "aioscrapy", "jobs", "-t", "node", "--watch", "0.1"],
        cwd=folder,
        env=child_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watched.stdout is not None
    head = watched.stdout.readline()
    columns = watched.stdout.readline().split()
    watched.terminate()
    watched.communicate()
    assert "3 running" in head
    assert {"pages", "items", "errors", "rate", "reason"} <= set(columns)
    done = json.loads(said(command(folder, "cancel", "night/1", "-t", "node", "--json")))
    assert {(row["was"], row["ended"]) for row in done} == {("running", True)}
    rows = json.loads(said(command(folder, "status", "night/1", "-t", "node", "--json")))
    assert sorted(row["job"] for row in rows) == sorted(ids)
    assert {(row["state"], row["reason"]) for row in rows} == {("cancelled", f"cancelled: by {ADMIN[0]}")}
    audit = [row for row in node_audit(node) if "night" in row[0]]
    assert len(audit) == 1, "one request for all jobs"


def node_audit(node: ScrapydServer) -> list[tuple[str]]:
    import sqlite3

    with sqlite3.connect(f"file:{node.folder}/dbs/node.db?mode=ro", uri=True) as connection:
        return connection.execute("SELECT action FROM audit").fetchall()


def test_wait_names_the_reason_of_the_nodes_record(folder: Path, site: Site) -> None:
    words = ["schedule", "page", "-t", "node", "--wait", "-a", f"url={site.url}/headers"]
    assert said(command(folder, *words)).splitlines()[-1].startswith("page: 1 job, 1 pages, 1 items in ")
    done = command(folder, "schedule", "exits", "-t", "node", "--wait", "-a", f"url={site.url}/headers")
    assert done.returncode == 1
    assert " failed: 0 pages, 0 items: " in done.stdout
    rows = json.loads(command(folder, "jobs", "-t", "node", "--json").stdout)
    assert [row["exit_status"] for row in rows if row["spider"] == "exits"] == [7]


def test_a_stock_scrapyd_has_no_active_version(tmp_path: Path, folder: Path) -> None:
    with ScrapydServer(tmp_path) as stock:
        client = ScrapydClient(stock.url)
        assert not client.is_node
        assert client.addversion("p", "1", EGG).failure is None
        assert client.versions("p").active is None
        fails(command(folder, "activate", "1", "-t", stock.url, "-p", "p"), "is a stock Scrapyd")
        with pytest.raises(ServerError, match="is not a node"):
            client.schedule_instances(Job("a", "p", "page", "pending"), 2)


def test_a_refused_egg_leaves_the_active_version(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.egg").write_bytes(b"PK no zip")
    (tmp_path / "aioscrapy.cfg").write_text((folder / "aioscrapy.cfg").read_text())
    os.utime(tmp_path / "bad.egg")
    done = command(folder, "deploy", "node", "--egg", str(tmp_path / "bad.egg"))
    assert done.returncode == 1
    broken = make_egg({"spiders/a.py": "import nonesuch_module"})
    (tmp_path / "broken.egg").write_bytes(broken)
    done = command(folder, "deploy", "node", "--egg", str(tmp_path / "broken.egg"), "-v", "9")
    assert done.returncode == 1, done.stderr
    assert (
        done.stderr.splitlines()[-1] == "Nothing has changed on the server; the active version there is 1_10"
    )
