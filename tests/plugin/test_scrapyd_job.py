"""Jobs of the real Scrapyd 1.6: its API, its web page and its log."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import requests

from plugin.jobs import make_egg, spider
from plugin.test_runner_crawl import HANGS, PAGES
from support.scrapyd import ScrapydServer
from support.site import Site


def deploy(scrapyd: ScrapydServer, egg: bytes, version: str = "1") -> dict[str, Any]:
    fields = {"project": "p", "version": version}
    reply: dict[str, Any] = requests.post(
        f"{scrapyd.url}addversion.json", data=fields, files={"egg": egg}, timeout=60
    ).json()
    return reply


def schedule(scrapyd: ScrapydServer, spider: str, **fields: Any) -> str:
    reply = scrapyd.api("schedule", "POST", project="p", spider=spider, **fields)
    assert reply["status"] == "ok", reply
    return str(reply["jobid"])


def daemon_log(scrapyd: ScrapydServer) -> str:
    text = scrapyd.daemon_text()
    assert "Unable to format event" not in text
    return text


def test_a_job_from_deploy_to_items(scrapyd: ScrapydServer, site: Site) -> None:
    assert (
        deploy(scrapyd, make_egg({"spiders/a.py": PAGES, "spiders/b.py": "print('{noise}')"}))["spiders"] == 1
    )
    assert scrapyd.api("listspiders", project="p")["spiders"] == ["pages"]
    job = schedule(scrapyd, "pages", url=f"{site.url}/", note="a=b {c}", setting="BOT_NAME=a=b")
    entry = scrapyd.wait_job(job)
    assert entry["log_url"] == f"/logs/p/pages/{job}.log"
    assert entry["items_url"] == f"/items/p/pages/{job}.jl"
    log = requests.get(scrapyd.url + entry["log_url"][1:], timeout=10).text
    assert "Spider closed (finished)" in log
    assert f"'item_scraped_count': {len(site.urls)}" in log
    items = scrapyd.items("p", "pages", job)
    assert {item["url"] for item in items} == site.urls
    assert len(items) == len(site.urls)
    assert items[0] == {"url": f"{site.url}/", "job": job, "note": "a=b {c}"}
    assert f"Process finished: project='p' spider='pages' job='{job}'" in daemon_log(scrapyd)
    assert "/stdout]" not in daemon_log(scrapyd)
    assert "/stderr]" not in daemon_log(scrapyd)
    page = requests.get(f"{scrapyd.url}jobs", timeout=10).text
    assert f'href="{entry["log_url"]}"' in page or f"href='{entry['log_url']}'" in page


def test_a_job_runs_the_version_that_was_asked_for(scrapyd: ScrapydServer, site: Site) -> None:
    for version in ("1.9.0", "1.10.0"):
        says = PAGES.replace('getattr(self, "note", None)', repr(version))
        assert deploy(scrapyd, make_egg({"spiders/a.py": says}), version)["status"] == "ok"
    old = schedule(scrapyd, "pages", url=f"{site.url}/headers", _version="1.9.0")
    latest = schedule(scrapyd, "pages", url=f"{site.url}/headers")
    for job in (old, latest):
        scrapyd.wait_job(job)
    assert scrapyd.items("p", "pages", old)[0]["note"] == "1.9.0"
    newest = scrapyd.api("listversions", project="p")["versions"][-1]
    assert scrapyd.items("p", "pages", latest)[0]["note"].replace(".", "_") == newest


def test_a_broken_egg_is_answered_with_one_line(scrapyd: ScrapydServer) -> None:
    reply = deploy(scrapyd, make_egg({"settings.py": "raise RuntimeError('no {luck}')"}))
    assert reply["status"] == "error"
    assert reply["message"].startswith("RunnerError: aioscrapy: ")
    assert reply["message"].endswith("RuntimeError: no {luck}\n")
    assert reply["message"].count("\n") == 1
    reply = deploy(scrapyd, make_egg(entry_points=""), "2")
    assert reply["message"].startswith("RunnerError: aioscrapy: the egg names no settings")


def test_a_job_that_cant_start_says_so_in_its_log_and_in_the_daemons(scrapyd: ScrapydServer) -> None:
    deploy(scrapyd, make_egg({"spiders/a.py": spider("one")}))
    scrapyd.api("listspiders", project="p", _version="1")
    (scrapyd.folder / "eggs" / "p" / "1.egg").write_bytes(
        make_egg({"settings.py": "raise RuntimeError('no {luck}')"})
    )
    job = schedule(scrapyd, "one", _version="1")
    assert scrapyd.wait_job(job)["log_url"] == f"/logs/p/one/{job}.log"
    job_log = scrapyd.log("p", "one", job)
    assert "RuntimeError: no {luck}" in job_log
    assert "Job ended (not_started), exit status 1: settings module 'bot.settings'" in job_log
    log = daemon_log(scrapyd)
    assert "RuntimeError: no {luck}" in log
    assert "Process died: exitstatus=1" in log


def test_a_cancelled_job_ends_gracefully(scrapyd: ScrapydServer, site: Site) -> None:
    deploy(scrapyd, make_egg({"spiders/a.py": HANGS}))
    job = schedule(scrapyd, "hangs", url=f"{site.url}/", setting="SHUTDOWN_TIMEOUT=0.5")
    wait_for_log(scrapyd, job, "in the callback")
    assert scrapyd.api("cancel", "POST", project="p", job=job)["prevstate"] == "running"
    scrapyd.wait_job(job, 15)
    log = scrapyd.log("p", "hangs", job)
    assert "Received SIGINT, shutting down gracefully. Send again to force" in log
    assert "Spider closed (shutdown)" in log
    assert "Process finished: " in daemon_log(scrapyd)


def test_two_cancels_end_a_job_at_once(scrapyd: ScrapydServer, site: Site) -> None:
    deploy(scrapyd, make_egg({"spiders/a.py": HANGS}))
    job = schedule(scrapyd, "hangs", url=f"{site.url}/", setting="SHUTDOWN_TIMEOUT=100")
    wait_for_log(scrapyd, job, "in the callback")
    for text in ("Received SIGINT, shutting down", "Received SIGINT twice, forcing"):
        assert scrapyd.api("cancel", "POST", project="p", job=job)["prevstate"] == "running"
        wait_for_log(scrapyd, job, text)
    scrapyd.wait_job(job, 10)
    assert scrapyd.api("cancel", "POST", project="p", job=job)["prevstate"] is None


def wait_for_log(scrapyd: ScrapydServer, job: str, text: str) -> None:
    """Return when the log of the job has this text, or when the job is over."""
    while True:
        over = job in scrapyd.jobs("finished")
        path = scrapyd.log_path("p", "hangs", job)
        content = path.read_text() if path.exists() else ""
        if text in content:
            return
        assert not over, content


def test_a_job_ends_for_scrapyd_when_its_process_ends_whatever_children_live(
    scrapyd: ScrapydServer, site: Site, tmp_path: Path
) -> None:
    starts = PAGES.replace(
        "    async def parse(self, response):\n",
        "    async def parse(self, response):\n"
        "        import subprocess\n"
        "        child = subprocess.Popen(['sleep', '300'], close_fds=False)\n"
        "        self.note = child.pid\n",
    )
    deploy(scrapyd, make_egg({"spiders/a.py": starts}))
    job = schedule(scrapyd, "pages", url=f"{site.url}/headers")
    scrapyd.wait_job(job, 20)
    os.kill(scrapyd.items("p", "pages", job)[0]["note"], signal.SIGKILL)  # lived until now


@pytest.fixture
def scrapyd_without_logs(tmp_path: Path) -> Any:
    with ScrapydServer(tmp_path / "scrapyd", conf={"logs_dir": "", "items_dir": ""}) as server:
        yield server


def test_without_a_logs_dir_the_daemons_log_has_the_jobs_log(
    scrapyd_without_logs: ScrapydServer, site: Site
) -> None:
    scrapyd = scrapyd_without_logs
    deploy(scrapyd, make_egg({"spiders/a.py": PAGES}))
    job = schedule(scrapyd, "pages", url=f"{site.url}/headers")
    entry = scrapyd.wait_job(job)
    assert (entry["log_url"], entry["items_url"]) == (None, None)
    log = daemon_log(scrapyd)
    assert f"{{'url': '{site.url}/headers', 'job': '{job}', 'note': None}}" in log
    assert "Spider closed (finished)" in log


@pytest.fixture
def scrapyd_that_keeps_two(tmp_path: Path) -> Any:
    with ScrapydServer(tmp_path / "scrapyd", conf={"jobs_to_keep": "2"}) as server:
        yield server


def test_end_records_are_served_and_not_counted_as_logs(
    scrapyd_that_keeps_two: ScrapydServer, site: Site
) -> None:
    scrapyd = scrapyd_that_keeps_two
    deploy(scrapyd, make_egg({"spiders/a.py": PAGES}))
    jobs = []
    for _ in range(4):
        jobs.append(schedule(scrapyd, "pages", url=f"{site.url}/headers"))
        scrapyd.wait_job(jobs[-1])
    logs = {path.stem for path in (scrapyd.folder / "logs" / "p" / "pages").iterdir()}
    assert logs == set(jobs[1:])  # two, and the one that began after the count
    for job in jobs:
        reply = requests.get(f"{scrapyd.url}logs/p/.ends/pages/{job}.json", timeout=10)
        record = reply.json()
        assert (record["job"], record["reason"], record["items"]) == (job, "finished", 1)


def test_a_job_whose_modules_start_a_thread_frees_its_slot(scrapyd: ScrapydServer, site: Site) -> None:
    stays = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    assert deploy(scrapyd, make_egg({"spiders/a.py": PAGES, "spiders/b.py": stays}))["spiders"] == 1
    job = schedule(scrapyd, "pages", url=f"{site.url}/headers")
    scrapyd.wait_job(job, 45)
    assert "Process finished: " in daemon_log(scrapyd)
