"""Shows that the programs around Scrapyd work with a daemon that runs our jobs: stock, node, node with users.

    cd tests && python -m plugin.peers [--work FOLDER] [--daemon NAME]

curl, scrapyd-deploy and scrapyd-client (of scrapyd-client), python-scrapyd-api, ScrapydWeb and LogParser. It
needs this repository's own environment for the daemon, and makes one for the peers in FOLDER (default: a
temporary folder that is removed), because ScrapydWeb pins old versions. Three jobs run: one to its end, one
that is cancelled, one whose callback raises. Every figure that a peer reads is compared with what the crawl
really did; the first difference ends the run with an AssertionError. The figures are printed, and at the end
a table of what was tried.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from aioscrapy.db.embedded import free_port
from plugin.jobs import make_egg
from plugin.peers_clients import check_clients
from plugin.test_runner_crawl import HANGS, PAGES
from support.scrapyd import ScrapydServer
from support.site import Site

PEERS = ["python-scrapyd-api", "logparser", "scrapydweb", "setuptools<81"]  # scrapydweb imports pkg_resources
API_CALLS = "add_version, list_projects, list_versions, list_spiders, schedule, job_status, cancel"
RAISES = PAGES.replace('"pages"', '"raises"').replace(
    "        yield {", "        raise ValueError('{}')\n        yield {", 1
)
Login = tuple[str, str] | None
APPLICATION = "aioscrapy_scrapyd.app.application"
ADMIN = ("root", "sesame open")
# Name -> keys of scrapyd.conf and login.
DAEMONS: dict[str, tuple[dict[str, str | None], Login]] = {
    "stock": ({}, None),
    "node": ({"application": APPLICATION}, None),
    "node with users": (
        {"application": APPLICATION, "username": ADMIN[0], "password": ADMIN[1]},
        ADMIN,
    ),
}
READER = Path(__file__).with_name("peers_reader.py")


class Peers:
    """The peers' environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._python = folder / "env" / "bin" / "python"
        if not self._python.exists():
            venv.create(folder / "env", with_pip=True)
            subprocess.run([self._python, "-m", "pip", "install", "--quiet", *PEERS], check=True)

    def read(self, *arguments: str | Path, login: Login = None) -> Any:
        """Run a command of peers_reader.py; returns what it printed."""
        variables = {**os.environ, "PEER_LOGIN": ":".join(login or ())}
        command = [self._python, READER, *arguments]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    @contextlib.contextmanager
    def scrapydweb(self, port_of_daemon: int, login: Login) -> Iterator[str]:
        """Run ScrapydWeb over one Scrapyd server of this machine; yields its URL of that node."""
        web = Path(tempfile.mkdtemp(dir=self.folder, prefix="web-"))
        server = (*(login or ("", "")), "127.0.0.1", str(port_of_daemon), "")
        port = free_port()
        (web / "scrapydweb_settings_v11.py").write_text(
            "from scrapydweb.default_settings import *\n"
            f"SCRAPYDWEB_BIND = '127.0.0.1'\nSCRAPYDWEB_PORT = {port}\n"
            f"SCRAPYD_SERVERS = [{server!r}]\nDATA_PATH = {str(web / 'data')!r}\n"
        )
        with (web / "log").open("w") as log:
            program = self._python.with_name("scrapydweb")
            process = subprocess.Popen([program], cwd=web, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}/1/"
            wait_until_up(process, url)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def wait_until_up(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Return when the page answers."""
    while process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(url, timeout=30)
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    raise AssertionError(f"ScrapydWeb ended at once with exit status {process.returncode}")


def run_jobs(peers: Peers, scrapyd: ScrapydServer, site: Site, login: Login) -> dict[str, str]:
    """Deploy and run three jobs by python-scrapyd-api; returns spider -> job."""

    def api(method: str, **arguments: Any) -> Any:
        return peers.read("api", scrapyd.url, method, json.dumps(arguments), login=login)

    egg = scrapyd.folder / "p.egg"
    egg.write_bytes(make_egg({"spiders/a.py": PAGES, "spiders/b.py": HANGS, "spiders/c.py": RAISES}))
    assert api("add_version", project="p", version="1.0", egg=str(egg)) == 3
    assert api("list_projects") == ["p"]
    assert api("list_versions", project="p") == ["1_0"]
    assert api("list_spiders", project="p") == ["hangs", "pages", "raises"]
    settings = {"LOGSTATS_INTERVAL": "0.01", "SHUTDOWN_TIMEOUT": "0.5"}
    jobs: dict[str, str] = {}
    for spider in ("pages", "raises", "hangs"):
        jobs[spider] = api("schedule", project="p", spider=spider, settings=settings, url=f"{site.url}/")
        if spider == "hangs":
            wait_for_log(scrapyd, jobs[spider], "in the callback")
            assert api("job_status", project="p", job_id=jobs[spider]) == "running"
            assert api("cancel", project="p", job=jobs[spider]) == "running"
        scrapyd.wait_job(jobs[spider])
        assert api("job_status", project="p", job_id=jobs[spider]) == "finished"
    return jobs


def wait_for_log(scrapyd: ScrapydServer, job: str, text: str) -> None:
    """Return when the log of this job of `hangs` has the text; fails when the job ends without it."""
    while True:
        over = job in scrapyd.jobs("finished")
        path = scrapyd.log_path("p", "hangs", job)
        if path.exists() and text in path.read_text():
            return
        assert not over, f"{text!r} is not in {path}"


def check_figures(who: str, read: dict[str, dict[str, Any]], site: Site) -> None:
    """Compare what LogParser read (spider -> figures) with what the crawls did; print it."""
    expected = {
        "pages": (len(site.urls), len(site.urls), "finished", "N/A"),
        "raises": (1, 0, "all_failed", "N/A"),
        "hangs": (1, 0, "shutdown", "Received SIGINT"),
    }
    for spider, figures in read.items():
        actual = tuple(figures[name] for name in ("pages", "items", "finish_reason", "shutdown_reason"))
        what = f"pages {actual[0]}, items {actual[1]}, finish {actual[2]!r}, shutdown {actual[3]!r}"
        say(f"{who}: {spider:7} {what}, runtime {figures['runtime']}")
        assert actual == expected[spider], (actual, expected[spider])
        assert figures["runtime"].count(":") == 2, figures["runtime"]


def check_logparser(peers: Peers, scrapyd: ScrapydServer, jobs: dict[str, str], site: Site) -> None:
    """Read the logs by the function and by the program."""
    parsed = {spider: peers.read("parse", scrapyd.log_path("p", spider, job)) for spider, job in jobs.items()}
    check_figures("logparser.parse", parsed, site)
    whole = parsed["pages"]
    assert whole["crawler_stats"]["source"] == "log"
    assert whole["crawler_stats"]["item_scraped_count"] == len(site.urls)
    assert whole["datas"], "no line with pages per minute"
    for name in ("scrapy_version", "latest_crawl", "latest_scrape", "latest_stat", "latest_item"):
        assert whole["latest_matches"][name], name
        say(f"logparser.parse: {name}: {whole['latest_matches'][name][:90]}")
    errors = {spider: figures["log_categories"]["error_logs"]["count"] for spider, figures in parsed.items()}
    say(f"logparser.parse: errors {errors}")
    assert errors == {"pages": 0, "raises": 1, "hangs": 0}
    stats = peers.read("watch", scrapyd.folder / "logs", f"127.0.0.1:{scrapyd.port}")["datas"]["p"]
    check_figures("LogParser", {spider: stats[spider][job] for spider, job in jobs.items()}, site)


def check_scrapydweb(
    peers: Peers, scrapyd: ScrapydServer, jobs: dict[str, str], site: Site, login: Login
) -> None:
    """Read /jobs and the logs by ScrapydWeb."""
    with peers.scrapydweb(scrapyd.port, login) as url:
        rows = {row["job"]: row for row in requests.get(f"{url}jobs/?listjobs=True", timeout=60).json()}
        assert set(rows) == set(jobs.values())
        for spider, job in jobs.items():
            row = rows[job]
            say(f"ScrapydWeb /jobs: {spider:7} {row['start']} + {row['runtime']} = {row['finish']}")
            assert (row["project"], row["spider"]) == ("p", spider)
            assert row["start"]
            assert row["runtime"]
            assert row["finish"]
            assert f"/logs/p/{spider}/{job}.log" in row["href_log"]
            assert f"/items/p/{spider}/{job}.jl" in row["href_items"]
        reports = {
            spider: requests.get(f"{url}log/report/p/{spider}/{job}/", timeout=60).json()
            for spider, job in jobs.items()
        }
        check_figures("ScrapydWeb", reports, site)
        for spider, job in jobs.items():
            for page in (
                "jobs/",
                f"log/stats/p/{spider}/{job}/",
                f"log/utf8/p/{spider}/{job}/",
                f"logs/p/{spider}/",
            ):
                reply = requests.get(url + page, timeout=60)
                assert reply.status_code == 200, page
                assert job in reply.text, page
                assert "fail" not in reply.url


def run(folder: Path, names: list[str]) -> None:
    """Run the jobs and each peer against each daemon; print what was tried."""
    peers = Peers(folder)
    rows = ["| daemon | peer | tried |", "|---|---|---|"]
    for name in names:
        conf, login = DAEMONS[name]
        say(f"--- {name}")
        with (
            Site(pages=200) as site,
            tempfile.TemporaryDirectory() as folder_of_server,
            ScrapydServer(folder_of_server, conf=conf) as scrapyd,
        ):
            jobs = run_jobs(peers, scrapyd, site, login)
            rows.append(f"| {name} | python-scrapyd-api | {API_CALLS} |")
            check_scrapydweb(peers, scrapyd, jobs, site, login)
            rows.append(f"| {name} | ScrapydWeb | jobs, logs, reports and stats of 3 jobs |")
            check_logparser(peers, scrapyd, jobs, site)
            rows.append(f"| {name} | LogParser | logs and stats.json of 3 jobs |")
            for peer, tried in check_clients(scrapyd, login, site, Path(folder_of_server)).items():
                say(f"{peer}: {tried}")
                rows.append(f"| {name} | {peer} | {tried} |")
    say("all of them read what the crawls did:\n" + "\n".join(rows))


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def main() -> None:
    """Take the folder from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--work", type=Path, help="keep the peers' environment in this folder, and use what is there"
    )
    parser.add_argument("--daemon", action="append", choices=DAEMONS, help="only this one (default: all)")
    options = parser.parse_args()
    names = options.daemon or list(DAEMONS)
    if options.work is not None:
        options.work.mkdir(parents=True, exist_ok=True)
        run(options.work.resolve(), names)
        return
    with tempfile.TemporaryDirectory(prefix="scrapyd-peers-") as temporary:
        run(Path(temporary).resolve(), names)


if __name__ == "__main__":
    main()
