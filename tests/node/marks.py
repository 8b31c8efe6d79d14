"""The figures of a node with its limits, and stock Scrapyd beside it in the same run.

    cd tests && python -m node.marks [--short]

One line per figure: name, stock Scrapyd, node, limit, ok or MISSED.
The exit status is 1 if the node missed one.
"""

import argparse
import contextlib
import http.server
import os
import random
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.store import Store
from node.conftest import APPLICATION
from node.instances import instances
from node.killed_daemon import play
from plugin.jobs import make_egg
from support.scrapyd import ScrapydServer

SPIDERS = """
import os, signal, subprocess, time
from aioscrapy import Spider


class Ping(Spider):
    name = "ping"

    def __init__(self, url="", **arguments):
        super().__init__(**arguments)
        self.start_urls = [url]

    async def parse(self, response):
        return
        yield


class Hang(Ping):
    name = "hang"

    async def start_requests(self):
        import asyncio
        await asyncio.sleep(600)
        yield


class Deaf(Ping):
    name = "deaf"

    async def start_requests(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        subprocess.Popen(["sleep", "600"])
        open(self.ready, "w").close()
        time.sleep(600)
        yield
"""
SLOW_IMPORT = "import time; time.sleep(%s)\nBOT_NAME = 'bot'\nSPIDER_MODULES = ['bot.spiders']\n"
SLOTS = 8


@dataclass(frozen=True)
class Mark:
    """One figure: of stock Scrapyd (None: not asked), of the node, and the limit of the node's."""

    name: str
    stock: float | None
    node: float
    limit: float
    unit: str

    @property
    def holds(self) -> bool:
        return self.node <= self.limit

    def __str__(self) -> str:
        stock = "-" if self.stock is None else "never" if self.stock == NEVER else f"{self.stock:.2f}"
        node = "never" if self.node == NEVER else f"{self.node:.2f}"
        verdict = "ok" if self.holds else "MISSED"
        return f"{self.name:62} {stock:>9} {node:>9} {self.limit:>7g} {self.unit:8} {verdict}"


NEVER = float("inf")


class Web(http.server.ThreadingHTTPServer):
    """A site that notes when each path was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.asked: dict[str, float] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait(self, path: str, timeout_s: float) -> float:
        deadline = time.monotonic() + timeout_s
        while path not in self.asked and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.asked.get(path, NEVER)


class _Page(http.server.BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self.server.asked.setdefault(self.path, time.time())
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""


@contextlib.contextmanager
def daemon(kind: str, **conf: str | None) -> Iterator[ScrapydServer]:
    """Run stock Scrapyd or a node with our runner and the default poll_interval."""
    ours: dict[str, str | None] = {"application": APPLICATION} if kind == "node" else {}
    keys = {"poll_interval": "5", "max_proc": str(SLOTS), **ours, **conf}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with ScrapydServer(Path(folder) / "d", conf=keys) as server:
            yield server


def deploy(server: ScrapydServer, version: str = "1", slow_s: float = 0) -> None:
    modules = {"spiders/a.py": SPIDERS, **({"settings.py": SLOW_IMPORT % slow_s} if slow_s else {})}
    fields = {"project": "p", "version": version}
    egg = {"egg": make_egg(modules)}
    answer = requests.post(f"{server.url}addversion.json", data=fields, files=egg, timeout=120).json()
    assert answer["status"] == "ok", answer


def schedule(server: ScrapydServer, spider: str, **fields: Any) -> dict[str, Any]:
    return server.api("schedule", "POST", project="p", spider=spider, **fields)


def answers(server: ScrapydServer, busy: Callable[[], Any]) -> list[float]:
    """Return the milliseconds of each daemonstatus.json while `busy` runs, one after the other."""
    times: list[float] = []
    with ThreadPoolExecutor(1) as pool, requests.Session() as session:
        work = pool.submit(busy)
        while not work.done():
            began = time.monotonic()
            session.get(f"{server.url}daemonstatus.json", timeout=60)
            times.append((time.monotonic() - began) * 1000)
            time.sleep(0.01)
        work.result()
    return times


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def never_blocks(kind: str, short: bool) -> tuple[float, float, float]:
    """P1: p99 and maximum while a slow egg is deployed and listed, and p99 while jobs arrive."""
    with daemon(kind, max_proc="1") as server:
        deploy(server)
        schedule(server, "hang")

        def slow() -> None:
            deploy(server, "2", 2 if short else 5)
            server.api("listspiders", project="p")

        blocked = answers(server, slow)
        number = 100 if short else 1000
        arriving = answers(server, lambda: [schedule(server, "ping", jobid=f"j{n}") for n in range(number)])
    return percentile(blocked, 0.99), max(blocked), percentile(arriving, 0.99)


def latency(kind: str, short: bool) -> tuple[float, float]:
    """P2: median seconds from schedule to the first request, and median milliseconds to the process."""
    web, seconds, to_process = Web(), [], []
    ticks = os.sysconf("SC_CLK_TCK")
    with daemon(kind) as server:
        deploy(server)
        for number in range(3 if short else 20):
            time.sleep(random.uniform(0.1, 1) if kind == "stock" else 0.1)  # at any moment of its poll
            began, boot = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
            job = schedule(server, "ping", url=f"http://127.0.0.1:{web.server_port}/{number}")["jobid"]
            seconds.append(web.wait(f"/{number}", 20) - began)
            if kind == "node":
                with sqlite3.connect(f"file:{server.folder}/dbs/node.db?mode=ro", uri=True) as connection:
                    started = connection.execute("SELECT ticks FROM job WHERE job = ?", [job]).fetchone()[0]
                to_process.append(max(0.0, started / ticks - boot) * 1000)
    web.shutdown()
    return statistics.median(seconds), statistics.median(to_process or [0.0])


def bad_jobs(kind: str, short: bool) -> tuple[float, float]:
    """P4: slots that are lost, and seconds until the next good job runs after a file was locked."""
    with daemon(kind, poll_interval="0.2") as server:
        deploy(server)
        bad: list[dict[str, str]] = [
            *({"jobid": f"../../../../{n}"} for n in range(2)),
            {"note": "x" * 200_000},
            {"note": "\0"},
        ]
        for fields in bad:
            schedule(server, "ping", **fields)
        time.sleep(2)
        name = "node.db" if kind == "node" else "p.db"
        with sqlite3.connect(server.folder / "dbs" / name, isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(6 if short else 10)
            other.execute("ROLLBACK")
        began = time.monotonic()
        schedule(server, "hang", jobid="first")
        next_good = NEVER
        while time.monotonic() < began + 15 and next_good == NEVER:
            if "first" in server.jobs("running"):
                next_good = time.monotonic() - began
            time.sleep(0.02)
        for number in range(SLOTS - 1):
            schedule(server, "hang", jobid=f"h{number}")
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and len(server.jobs("running")) < SLOTS:
            time.sleep(0.1)
        running = server.jobs("running")
        return SLOTS - len([job for job in running if job.startswith(("h", "first"))]), next_good


def cancels(kind: str, short: bool) -> tuple[float, float]:
    """P5: seconds until a deaf job with a child and a stopped job end; and a second cancel."""
    with daemon(kind, poll_interval="0.2") as server:
        deploy(server)
        ready = server.folder / "ready"
        schedule(server, "deaf", jobid="deaf", ready=str(ready))
        schedule(server, "hang", jobid="stopped")
        pid = server.wait_running("stopped")["pid"]
        while not ready.exists():
            time.sleep(0.05)
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        for job in ("deaf", "stopped"):
            server.api("cancel", "POST", project="p", job=job)
        if kind == "node":
            assert server.jobs("running")["deaf"]["state"] == "stopping"
        first = _until_gone(server, "deaf", "stopped", limit_s=15 if short else 20) - began
        second = NEVER
        if first != NEVER:
            ready.unlink()
            schedule(server, "deaf", jobid="again", ready=str(ready))
            while not ready.exists():
                time.sleep(0.05)
            server.api("cancel", "POST", project="p", job="again")
            began = time.monotonic()
            server.api("cancel", "POST", project="p", job="again")
            second = _until_gone(server, "again", limit_s=15) - began
    return first, second


def _until_gone(server: ScrapydServer, *jobs: str, limit_s: float) -> float:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if not set(jobs) & set(server.jobs("running")):
            return time.monotonic()
        time.sleep(0.02)
    return NEVER


def idle(kind: str, short: bool) -> tuple[float, float]:
    """Return the CPU of an idle daemon in percent of a core, and its memory in MiB."""
    with daemon(kind) as server:
        deploy(server)
        time.sleep(2)
        before, began = _cpu_s(server.pid), time.monotonic()
        time.sleep(10 if short else 60)
        percent = (_cpu_s(server.pid) - before) / (time.monotonic() - began) * 100
        rss = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return percent, rss / 2**20


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/schedstat").read_text().split()
    return int(fields[0]) / 1e9 + sum(
        int(Path(f"{task}/schedstat").read_text().split()[0]) / 1e9
        for task in Path(f"/proc/{pid}/task").iterdir()
        if task.name != str(pid)
    )


def history() -> tuple[float, float, float, float]:
    """Return start-up seconds and milliseconds of lists with 10,000 ended and 1,000 waiting jobs."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = Store(Path(folder) / "dbs" / "node.db")
        now = time.time()
        ended = [_ended(number, now) for number in range(10_000)]
        waiting = [Job("p", "ping", f"w{n}", seq=20_000 + n, args={"url": "http://x"}) for n in range(1000)]
        store.save(*ended, *waiting).result()
        store.close()
        conf: dict[str, str | None] = {
            "application": APPLICATION,
            "max_proc": "1",
            "max_proc_per_project": "0",
        }
        server = ScrapydServer(folder, conf=conf)
        began = time.monotonic()
        with server:
            start_s = time.monotonic() - began
            page = _fastest(server, "listjobs.json?project=p&state=finished&limit=100")
            api = _fastest(server, "api/v1/jobs?state=finished&limit=100")
            search = _fastest(server, "api/v1/jobs?state=failed&text=job-77&limit=100")
    return start_s, page, api, search


def _ended(number: int, now: float) -> Job:
    state = State.FAILED if number % 10 == 0 else State.FINISHED
    job = Job("p", "ping", f"job-{number}", state=state, seq=number + 1, reason="finished", version="1")
    job.created = job.started = now - 20_000 + number
    job.ended, job.counts, job.args = job.started + 1, {"pages": number, "items": 1}, {"url": "http://x"}
    return job


def _fastest(server: ScrapydServer, path: str) -> float:
    """Return the median milliseconds of 20 answers on one connection."""
    times = []
    with requests.Session() as session:
        for _ in range(20):
            began = time.monotonic()
            answer = session.get(f"{server.url}{path}", timeout=60)
            times.append((time.monotonic() - began) * 1000)
            assert answer.status_code == 200, answer.text
    return statistics.median(times)


def shared_crawl() -> tuple[float, float]:
    """P6: items that are wrong, and seconds between the ends of four jobs that work on one crawl."""
    web = Web()
    try:
        return instances(f"http://127.0.0.1:{web.server_port}")
    finally:
        web.shutdown()


def killed(rounds: int) -> float:
    """P3: rounds of a killed daemon in which something was wrong."""
    wrong = 0
    for seed in range(rounds):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            wrong += bool(play(Path(folder), random.Random(seed)))
    return wrong


def marks(short: bool) -> Iterator[Mark]:
    """Measure one after the other."""
    stock, node = never_blocks("stock", short), never_blocks("node", short)
    yield Mark("P1 daemonstatus during a slow deploy and listing, p99", stock[0], node[0], 50, "ms")
    yield Mark("P1 … the slowest answer", stock[1], node[1], 200, "ms")
    yield Mark("P1 daemonstatus while jobs are scheduled, p99", stock[2], node[2], 50, "ms")
    (stock_s, _), (node_s, to_process) = latency("stock", short), latency("node", short)
    yield Mark("P2 schedule to first request, median", stock_s, node_s, 0.8, "s")
    yield Mark("P2 schedule to the start of the process, median", None, to_process, 50, "ms")
    yield Mark("P3 rounds of a killed daemon that went wrong", None, killed(1 if short else 20), 0, "rounds")
    stock_bad, node_bad = bad_jobs("stock", short), bad_jobs("node", short)
    yield Mark("P4 slots lost by bad jobs and a locked file, of 8", stock_bad[0], node_bad[0], 0, "slots")
    yield Mark("P4 next good job after the file was locked", stock_bad[1], node_bad[1], 2, "s")
    stock_cancel, node_cancel = cancels("stock", short), cancels("node", short)
    yield Mark("P5 a deaf job with a child and a stopped one end", stock_cancel[0], node_cancel[0], 13, "s")
    yield Mark("P5 a second cancel ends a deaf job", stock_cancel[1], node_cancel[1], 1, "s")
    wrong, apart_s = shared_crawl()
    yield Mark("P6 four jobs of one call: items of 2,000 not there once", None, wrong, 0, "items")
    yield Mark("P6 … from the first end to the last", None, apart_s, 2, "s")
    stock_idle, node_idle = idle("stock", short), idle("node", short)
    yield Mark("idle: CPU", stock_idle[0], node_idle[0], 0.2, "% core")
    yield Mark("idle: memory", stock_idle[1], node_idle[1], 150, "MiB")
    start_s, page, api, search = history()
    yield Mark("10,000 ended, 1,000 waiting: start-up", None, start_s, 2, "s")
    yield Mark("… listjobs.json, a page of 100", None, page, 20, "ms")
    yield Mark("… /api/v1/jobs, a page of 100", None, api, 20, "ms")
    yield Mark("… /api/v1/jobs, a search", None, search, 50, "ms")


def main() -> int:
    """Print the table; returns 1 if the node misses a limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="fewer and shorter measurements, for CI")
    short = parser.parse_args().short
    os.environ.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # what is installed has its bytecode, and nobody compiles it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the daemons end with this program
    print(f"{'':62} {'stock':>9} {'node':>9} {'limit':>7}")  # noqa: T201
    missed = 0
    for mark in marks(short):
        print(mark, flush=True)  # noqa: T201
        missed += not mark.holds
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
