"""The document that this project began with, walked step by step with everything real."""

import ast
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import Redis

from support import child_environment
from support.project import SEED, seed_text, write_seed_project
from support.redis import RedisServer
from support.scrapyd import ScrapydServer
from support.site import Site

BIN = Path(sys.executable).parent
PAGES = 120


@pytest.fixture(scope="module")
def seed_site() -> Iterator[Site]:
    with Site(pages=PAGES, delay_s=0.05) as site:
        yield site


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    """Scrapyd with the seed's own scrapyd.conf."""
    conf = (SEED / "scrapyd.conf").read_text()
    with ScrapydServer(tmp_path_factory.mktemp("scrapyd"), conf_text=conf) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, seed_site: Site, daemon: ScrapydServer, redis_url: str) -> Path:
    """The seed's project; the site has not been asked for anything yet and Redis is empty."""
    seed_site.reset()
    return write_seed_project(
        tmp_path / "myproject", site_url=seed_site.url, redis_url=redis_url, scrapyd_url=daemon.url
    )


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    with redis_server.client() as client:
        yield client


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of this environment in the project's folder, as in an activated environment."""
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=folder,
        env=child_environment(PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        timeout=100,
    )


def stored_items(redis: Redis) -> list[dict[str, Any]]:
    """Return what the seed's pipeline has pushed: `str(item)` each."""
    return [ast.literal_eval(text.decode()) for text in redis.lrange("items", 0, -1)]  # type: ignore[union-attr]


def test_three_terminals_crawl_each_page_once(folder: Path, seed_site: Site, redis: Redis) -> None:
    command = [str(BIN / "aioscrapy"), "crawl", "distributed"]
    terminals = [
        subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, env=child_environment())
        for _ in range(3)
    ]
    logs = [terminal.communicate(timeout=100)[1].decode() for terminal in terminals]

    assert [terminal.returncode for terminal in terminals] == [0, 0, 0], logs
    assert set(seed_site.counts().values()) == {1}
    urls = [item["url"] for item in stored_items(redis)]
    assert {url.rstrip("/") for url in urls} == {url.rstrip("/") for url in seed_site.urls}
    assert len(urls) == len(set(urls))
    assert all(item["title"] for item in stored_items(redis))
    assert sum("Spider closed (finished)" in log for log in logs) == 3


def test_the_spider_with_custom_settings_alone_is_a_program(
    tmp_path: Path, seed_site: Site, redis_url: str, redis: Redis
) -> None:
    seed_site.reset()
    text = seed_text(
        "distributed_custom_settings.py", site_url=seed_site.url, redis_url=redis_url, scrapyd_url="http://x/"
    )
    (tmp_path / "spider.py").write_text(text)
    done = run(tmp_path, "aioscrapy", "runspider", "spider.py", "-o", "items.jl")

    assert done.returncode == 0, done.stderr
    urls = [json.loads(line)["url"] for line in (tmp_path / "items.jl").read_text().splitlines()]
    assert len(urls) == len(set(urls)) == len(seed_site.urls)


@pytest.mark.parametrize("target", ["local", "production"])
def test_scrapyd_deploy(folder: Path, daemon: ScrapydServer, target: str) -> None:
    before = sorted(path.name for path in folder.iterdir())
    done = run(folder, "scrapyd-deploy", target)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spiders"] == 1
    assert sorted(path.name for path in folder.iterdir()) == before


def test_the_generated_deploy_script(folder: Path) -> None:
    command = f'"{sys.executable}" -c "from aioscrapy.commands.deploy import main; main()" > deploy.py'
    subprocess.run(["bash", "-c", command], cwd=folder, check=True, env=child_environment())

    for target in ("local", "production"):
        done = run(folder, "python", "deploy.py", target)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["status"] == "ok"


def test_schedule_monitor_and_cancel(
    folder: Path, daemon: ScrapydServer, seed_site: Site, redis: Redis
) -> None:
    assert run(folder, "scrapyd-deploy", "local").returncode == 0
    url = daemon.url
    first = curl(f"{url}schedule.json", "-d", "project=myproject", "-d", "spider=distributed")
    second = requests.post(
        f"{url}schedule.json", data={"project": "myproject", "spider": "distributed"}, timeout=30
    ).json()
    assert first["status"] == second["status"] == "ok"

    assert "myproject" in curl(f"{url}listprojects.json")["projects"]
    assert curl(f"{url}listspiders.json?project=myproject")["spiders"] == ["distributed"]
    listed = curl(f"{url}listjobs.json?project=myproject")
    assert {job["id"] for state in ("pending", "running", "finished") for job in listed[state]} >= {
        first["jobid"],
        second["jobid"],
    }
    for job in (first["jobid"], second["jobid"]):
        assert daemon.wait_job(job)["log_url"] == f"/logs/myproject/distributed/{job}.log"
    assert set(seed_site.counts().values()) == {1}
    assert len(stored_items(redis)) == len(seed_site.urls)

    page = requests.get(f"{url}jobs", timeout=30).text
    assert f"/logs/myproject/distributed/{first['jobid']}.log" in page
    log = requests.get(f"{url}logs/myproject/distributed/{first['jobid']}.log", timeout=30).text
    assert "Spider closed (finished)" in log


def test_cancel(folder: Path, daemon: ScrapydServer, seed_site: Site, redis: Redis) -> None:
    assert run(folder, "scrapyd-deploy", "local").returncode == 0
    job = curl(
        f"{daemon.url}schedule.json", "-d", "project=myproject", "-d", "spider=distributed",
        "-d", "setting=DOWNLOAD_DELAY=0.5",
    )["jobid"]  # fmt: skip
    pid = daemon.wait_running(job)["pid"]
    wait_for_text(daemon.log_path("myproject", "distributed", job), "Crawled (200)")
    assert (
        curl(f"{daemon.url}cancel.json", "-d", "project=myproject", "-d", f"job={job}")["prevstate"]
        == "running"
    )
    daemon.wait_job(job, timeout_s=10)

    log = daemon.log("myproject", "distributed", job)
    assert "Received SIGINT, shutting down gracefully" in log
    assert "Spider closed (shutdown)" in log
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)


def test_every_form_of_the_url_deploys(folder: Path, daemon: ScrapydServer) -> None:
    cfg = (folder / "aioscrapy.cfg").read_text()
    (folder / "aioscrapy.cfg").write_text(cfg.replace(daemon.url, daemon.url.rstrip("/")))
    assert run(folder, "scrapyd-deploy", "local").returncode == 0


def curl(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(["curl", "-s", *arguments], capture_output=True, check=True, timeout=60)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def wait_for_text(path: Path, text: str, timeout_s: float = 30.0) -> None:
    """Follow a file until it holds `text`."""
    done = subprocess.run(
        [
            "timeout",
            str(timeout_s),
            "bash",
            "-c",
            'tail -F -n +1 -s 0.1 "$0" 2>/dev/null | grep -q -m1 -F "$1"',
            path,
            text,
        ]
    )
    assert done.returncode == 0, f"no {text!r} in {path} within {timeout_s} s"
