"""GET /metrics of a running node; the dashboard and the alert rules name only metrics that exist."""

import json
import re
import sqlite3
import time
from pathlib import Path

import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from ruamel.yaml import YAML

from aioscrapy_scrapyd.facts import Disk, Machine, size
from node.conftest import APPLICATION
from plugin.jobs import make_egg
from support import REPOSITORY
from support.scrapyd import ScrapydServer
from support.site import Site

SPIDER = """
from aioscrapy import Spider
class One(Spider):
    name = 'one'
    def __init__(self, url="", **arguments):
        super().__init__(**arguments)
        self.start_urls = [url]

    async def parse(self, response):
        self.logger.error("one error")
        yield {"n": 1}
"""
NAMES = re.compile(r"\b(scrapyd_\w+|process_\w+)\b")


def samples(server: ScrapydServer) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = requests.get(f"{server.url}metrics", timeout=10).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in read_text(text)
        for sample in family.samples
    }


def deploy(server: ScrapydServer, spider: str = SPIDER) -> None:
    answer = requests.post(
        f"{server.url}addversion.json",
        data={"project": "p", "version": "1"},
        files={"egg": make_egg({"spiders/a.py": spider})},
        timeout=60,
    )
    assert answer.json()["status"] == "ok"


def test_sums_of_ended_jobs_survive_a_restart_and_a_deleted_history(tmp_path: Path, site: Site) -> None:
    conf: dict[str, str | None] = {"application": APPLICATION}
    ended = ("scrapyd_jobs_ended_total", (("project", "p"), ("spider", "one"), ("state", "finished")))
    items = ("scrapyd_job_items_total", (("project", "p"), ("spider", "one")))
    with ScrapydServer(tmp_path / "node", conf=conf) as node:
        deploy(node)
        for _ in range(2):
            job = node.api("schedule", "POST", project="p", spider="one", url=f"{site.url}/page/1")["jobid"]
            node.wait_job(job)
        before = samples(node)
        assert (before[ended], before[items]) == (2, 2)
        assert before["scrapyd_job_errors_total", (("project", "p"), ("spider", "one"))] == 2
        assert before["scrapyd_schedule_to_start_seconds_count", ()] == 2
        assert before["scrapyd_egg_deploys_total", (("result", "ok"),)] == 1
        assert before["scrapyd_jobs", (("project", "p"), ("state", "pending"))] == 0
        node.kill()
    history = sqlite3.connect(tmp_path / "node" / "dbs" / "node.db")
    history.execute("DELETE FROM job")
    history.commit()
    history.close()
    with ScrapydServer(tmp_path / "node", conf=conf) as node:
        after = samples(node)
        assert (after[ended], after[items]) == (2, 2)


def test_metrics_are_openmetrics_and_have_every_name_of_dashboard_and_rules(node: ScrapydServer) -> None:
    deploy(node)
    node.wait_job(node.api("schedule", "POST", project="p", spider="one")["jobid"])
    requests.get(f"{node.url}{'x' * 500}", timeout=10)
    requests.get(f"{node.url}logs/p/one/x.log", timeout=10)
    answer = requests.get(
        f"{node.url}metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}, timeout=10
    )
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    families = list(read_openmetrics(answer.text))
    labels = {name for family in families for sample in family.samples for name in sample.labels}
    assert "job" not in labels
    paths = {
        sample.labels["path"]
        for family in families
        for sample in family.samples
        if family.name == "scrapyd_http_request_seconds"
    }
    assert {"other", "/logs/", "/schedule.json"} <= paths
    assert all(len(path) < 80 for path in paths)
    names = {sample.name for family in families for sample in family.samples}
    names |= {"scrapyd_redis_up"}  # of a crawl in Redis: tests/node/test_shared_crawls.py
    dashboard = (REPOSITORY / "contrib" / "grafana" / "aioscrapy-node.json").read_text("utf-8")
    queries = [target["expr"] for panel in json.loads(dashboard)["panels"] for target in panel["targets"]]
    rules = YAML(typ="safe").load(
        (REPOSITORY / "contrib" / "prometheus" / "aioscrapy-node.rules.yml").read_text()
    )
    queries += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert len(queries) > 20
    assert {name for query in queries for name in NAMES.findall(query)} - names == set()
    page = (REPOSITORY / "docs" / "monitoring.md").read_text("utf-8")
    described = set(NAMES.findall(page))
    assert described - names - {family.name for family in families} == set()
    ours = {family.name for family in families if family.name.startswith("scrapyd_")}
    assert {name for name in ours if name not in described and f"{name}_total" not in described} == set()


def test_every_request_of_a_page_counts_once_and_the_loop_is_watched(node: ScrapydServer) -> None:
    for _ in range(3):
        node.api("listprojects")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        now = samples(node)
        if now["scrapyd_loop_lag_seconds_count", ()] > 1:
            break
    count = "scrapyd_http_request_seconds_count", (("code", "200"), ("path", "/listprojects.json"))
    assert now[count] == 3
    assert now["scrapyd_loop_lag_seconds_count", ()] > 1


def test_a_machine_in_trouble_says_so_in_words() -> None:
    full = Disk(("/var/lib/node/dbs", "/var/lib/node/logs"), 100_000_000_000, 900_000_000)
    machine = Machine(2, (9.0, 8.0, 1.0), 8_000_000_000, 100_000_000, (full,), 0.0)
    assert [str(problem) for problem in machine.problems()] == [
        "/var/lib/node/dbs has only 900 MB left: jobs fail when it is full. "
        "See keep_logs_gb and keep_logs_days",
        "Only 100 MB of memory are free: the system may kill jobs. Lower max_proc",
        "The load was 8.0 on 2 CPUs for 5 minutes: jobs slow each other down. Lower max_proc",
    ]
    calm = Machine(2, (1.0, 1.0, 1.0), 8_000_000_000, 4_000_000_000, (Disk(("/",), 10**11, 5 * 10**10),), 0.0)
    assert calm.problems() == []
    assert [size(999), size(1_500), size(2_345_000_000)] == ["999 B", "1.5 kB", "2.3 GB"]
