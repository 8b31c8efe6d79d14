"""A stock Scrapyd becomes a node by one line, and goes back by removing it: nothing is lost on either way."""

import json
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import requests

from node.conftest import APPLICATION
from node.test_command import node as node_command
from node.test_jobs import SPIDERS, until
from plugin.jobs import make_egg
from support.scrapyd import ScrapydServer
from support.site import Site

# Nothing starts before the test wants it: a stock Scrapyd polls rarely, a node has no slot for the project.
IDLE = {"max_proc": "1", "poll_interval": "0.2"}
NODE = {"application": APPLICATION, **IDLE}


def deploy(server: ScrapydServer, version: str, project: str = "p") -> None:
    """Deploy by Scrapyd's own service, which both have."""
    egg = make_egg({"spiders/a.py": SPIDERS})
    fields = {"project": project, "version": version}
    reply = requests.post(f"{server.url}addversion.json", data=fields, files={"egg": egg}, timeout=60)
    assert reply.json()["status"] == "ok", reply.text


def start(server: ScrapydServer, spider: str, job: str, **arguments: Any) -> None:
    answer = server.api("schedule", "POST", project="p", spider=spider, jobid=job, **arguments)
    assert answer["status"] == "ok", answer


def queue(folder: Path, project: str = "p") -> list[tuple[float, dict[str, Any]]]:
    """Return what waits in a queue of Scrapyd, in the order in which Scrapyd takes it."""
    with sqlite3.connect(folder / "dbs" / f"{project}.db") as connection:
        rows = connection.execute(
            "SELECT priority, message FROM spider_queue ORDER BY priority DESC, id"
        ).fetchall()
    return [(priority, json.loads(message)) for priority, message in rows]


def occupy(server: ScrapydServer, site: Site, file: Path) -> None:
    """Fill the only slot with a job that ends when the file exists."""
    start(server, "waits", "first", url=f"{site.url}/headers", file=str(file))
    server.wait_running("first")


def test_there_and_back_again(tmp_path: Path, site: Site) -> None:
    folder, go = tmp_path / "scrapyd", tmp_path / "go"
    url = f"{site.url}/headers"
    with ScrapydServer(folder, conf=dict(IDLE)) as stock:
        deploy(stock, "1")
        start(stock, "page", "done", url=url)
        stock.wait_job("done")
        old_log = stock.log("p", "page", "done")
        occupy(stock, site, go)
        start(stock, "page", "late", url=url, note="a=b", setting="LOG_LEVEL=INFO")
        start(stock, "page", "soon", url=url, priority=2, _version="1")
        start(stock, "page", "late", url=url, note="the same id again")
        assert [message["_job"] for _, message in queue(folder)] == ["soon", "late", "late"]
        go.touch()
        stock.kill()  # what waits must wait: a stock Scrapyd would start it now

    with ScrapydServer(folder, conf={**NODE, "max_proc_per_spider": "1"}) as node:
        for job in ("soon", "late", "late-2"):
            node.wait_job(job)
        ended = node.jobs("finished")
        assert {(ended[job]["state"], ended[job]["version"]) for job in ("soon", "late", "late-2")} == {
            ("finished", "1")
        }
        assert ended["late"]["args"]["note"] == "a=b"
        assert ended["late-2"]["args"]["note"] == "the same id again"
        order = sorted(("soon", "late", "late-2"), key=lambda job: ended[job]["start_time"])
        assert order[0] == "soon"
        assert node.log("p", "page", "done") == old_log
        assert (folder / "dbs" / "p.db.imported").exists()

        go.unlink()
        deploy(node, "0.9")  # the active one from now on; "the latest" of a stock Scrapyd is 1
        start(node, "waits", "second", url=url, file=str(go))
        node.wait_running("second")
        start(node, "page", "back", url=url, note="x\u2028y", setting="LOG_LEVEL=INFO", retries=2)
        start(node, "page", "first-of-all", url=url, priority=3, _version="1")
        refused = node_command(folder, "handback")
        assert (refused.returncode, "belongs to another daemon" in refused.stderr) == (1, True)
        go.touch()
        node.end(signal.SIGTERM)
        assert "2 jobs wait in node.db" in node.daemon_text()

    for number in (1, 2):  # a second time there is nothing left to do
        done = node_command(folder, "handback")
        assert done.returncode == 0, done.stderr
        assert ("2 waiting jobs of p: now in p.db" in done.stdout) is (number == 1)
    assert "p: a stock Scrapyd uses version 1, the latest by name; 0_9 is active here" in done.stderr
    assert [(priority, message["_job"], message["_version"]) for priority, message in queue(folder)] == [
        (3.0, "first-of-all", "1"),
        (0.0, "back", "0_9"),
    ]

    with ScrapydServer(folder, conf=dict(IDLE)) as stock:
        for job in ("back", "first-of-all"):
            stock.wait_job(job)
            assert "Spider closed (finished)" in stock.log("p", "page", job)
        assert set(stock.api("listversions", project="p")["versions"]) == {"0_9", "1"}
        assert "x\\u2028y" in stock.log("p", "page", "back") or stock.items("p", "page", "back")
        start(stock, "page", "done", url=url)  # an id that the node's history knows
        stock.wait_job("done")

    with ScrapydServer(folder, conf=dict(NODE)) as node:
        assert {"soon", "late", "late-2"} <= set(node.jobs("finished")), "the history is still there"
        assert node.jobs("pending") == {}


def test_an_interrupted_handback_and_an_interrupted_import_repeat_nothing(tmp_path: Path, site: Site) -> None:
    folder, go = tmp_path / "node", tmp_path / "go"
    with ScrapydServer(folder, conf=dict(NODE)) as node:
        deploy(node, "1")
        occupy(node, site, go)
        for job in ("a", "b"):
            start(node, "page", job, url=f"{site.url}/headers")
        go.touch()
        node.kill()
    before = (folder / "dbs" / "node.db").read_bytes(), read_wal(folder)
    assert node_command(folder, "handback").returncode == 0
    assert [message["_job"] for _, message in queue(folder)] == ["a", "b"]
    # as if it had been killed after it wrote p.db
    (folder / "dbs" / "node.db").write_bytes(before[0])
    (folder / "dbs" / "node.db-wal").write_bytes(before[1])
    assert node_command(folder, "handback").returncode == 0
    assert [message["_job"] for _, message in queue(folder)] == ["a", "b"]
    (folder / "dbs" / "node.db").write_bytes(before[0])
    (folder / "dbs" / "node.db-wal").write_bytes(before[1])
    with ScrapydServer(folder, conf=dict(NODE)) as node:
        for job in ("a", "b"):
            node.wait_job(job)
        assert sorted(job for job in node.jobs("finished") if len(job) < 4) == ["a", "b"]


def read_wal(folder: Path) -> bytes:
    path = folder / "dbs" / "node.db-wal"
    return path.read_bytes() if path.exists() else b""


def test_a_row_that_is_not_a_job_is_said_and_the_others_are_taken(tmp_path: Path, site: Site) -> None:
    folder = tmp_path / "scrapyd"
    (folder / "dbs").mkdir(parents=True)
    with sqlite3.connect(folder / "dbs" / "p.db") as connection:
        connection.execute(
            "CREATE TABLE spider_queue (id integer PRIMARY KEY, priority real key, message blob)"
        )
        good = {"name": "page", "_job": "good", "settings": {}, "url": f"{site.url}/headers"}
        without_id = {"name": "page", "url": f"{site.url}/headers"}
        for message in (
            b"{half",
            b"[]",
            b'{"_job": "x"}',
            json.dumps(good).encode(),
            json.dumps(without_id).encode(),
        ):
            connection.execute("INSERT INTO spider_queue (priority, message) VALUES (0, ?)", [message])
    with ScrapydServer(folder, conf={"application": APPLICATION}) as node:
        until(node, lambda: len(node.jobs("finished")) == 2 or None)
        assert "good" in node.jobs("finished")
        assert node.daemon_text().count("is not a job; it stays in") == 3
    assert len(queue_of(folder / "dbs" / "p.db.imported")) == 5


def queue_of(path: Path) -> list[Any]:
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT * FROM spider_queue").fetchall()


@pytest.mark.parametrize("files", [[], ["scrapyd.conf"]])
def test_a_handback_without_a_node_is_one_line(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).write_text("[scrapyd]\n")
    done = node_command(tmp_path, "handback")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert not (tmp_path / "dbs").exists()
