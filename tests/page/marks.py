"""`python -m page.marks` (with `tests` on PYTHONPATH): the figures of the page, each against its limit.

--short takes less than a minute, for CI. --long watches the memory for ten minutes.
"""

import argparse
import contextlib
import json
import re
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.store import Store
from node.conftest import APPLICATION
from plugin.jobs import make_egg
from support.browser import Visitor, chromium
from support.scrapyd import ScrapydServer
from support.site import Site

SPIDER = """
from aioscrapy import Spider
class Slow(Spider):
    name = "slow"
    custom_settings = {"CONCURRENT_REQUESTS": 1, "DOWNLOAD_DELAY": 0.5, "RANDOMIZE_DOWNLOAD_DELAY": False}
    def __init__(self, url="", **arguments):
        super().__init__(**arguments)
        self.start_urls = [f"{url}/page/{number}" for number in range(1, 1000)]
    async def parse(self, response):
        yield {"url": response.url}
"""
# Notes when the state of a job is displayed for the first time: "ID state" -> milliseconds since 1970.
OBSERVE = """() => {
  window.displayed = {};
  const look = () => {
    for (const row of document.querySelectorAll("tbody tr[id]")) {
      const state = row.querySelector(".state");
      if (state) window.displayed[`${row.id} ${state.className.split(" ").pop()}`] ??= Date.now();
    }
  };
  const everything = {subtree: true, childList: true, attributes: true, characterData: true};
  new MutationObserver(look).observe(document.body, everything);
  look();
}"""
JOBS, WATCHERS, BROWSERS = 20, 20, 3
STREAMS = 200


@dataclass
class Mark:
    """One figure and its limit."""

    name: str
    value: float
    limit: float
    unit: str

    @property
    def holds(self) -> bool:
        return self.value < self.limit

    def __str__(self) -> str:
        sign = "ok  " if self.holds else "FAIL"
        return f"{sign} {self.name:<64} {self.value:>9.2f} {self.unit:<4} (limit {self.limit:g})"


@contextlib.contextmanager
def node(**conf: str) -> Iterator[ScrapydServer]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with ScrapydServer(Path(folder), conf={"application": APPLICATION, **conf}) as server:
            yield server


def deploy(server: ScrapydServer) -> None:
    files = {"egg": make_egg({"spiders/a.py": SPIDER})}
    upload = {"project": "p", "version": "1"}
    answer = requests.post(f"{server.url}addversion.json", data=upload, files=files, timeout=60)
    assert answer.json()["status"] == "ok", answer.text


class Follower(threading.Thread):
    """A program that does what the page does: it reads the stream, and fetches the list after an event."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.over = threading.Event()
        self.fetched = 0

    def run(self) -> None:
        with contextlib.suppress(requests.RequestException), requests.Session() as session:
            stream = session.get(f"{self.url}events", stream=True, timeout=60)
            latest = 0.0
            for line in stream.iter_lines(chunk_size=1):
                if self.over.is_set():
                    return
                if line.startswith(b"event: ") and time.monotonic() - latest > 1:
                    latest = time.monotonic()
                    self.fetched += requests.get(self.url, timeout=30).status_code == 200


def delay_of_changes(changes: int, jobs: int) -> Mark:
    """Return the 95th percentile of the time from a call of the API to the change on the page."""
    delays: list[float] = []
    with node(max_proc=str(jobs)) as server, Site(pages=1000) as site, chromium() as browser:
        deploy(server)
        for _ in range(jobs):
            server.api("schedule", "POST", project="p", spider="slow", url=site.url)
        deadline = time.monotonic() + 120
        while server.api("daemonstatus")["running"] < jobs and time.monotonic() < deadline:
            time.sleep(0.5)
        assert server.api("daemonstatus")["running"] == jobs
        followers = [Follower(server.url) for _ in range(WATCHERS - BROWSERS)]
        with contextlib.ExitStack() as visitors:
            pages = [visitors.enter_context(Visitor(browser, server.url)).open("/") for _ in range(BROWSERS)]
            for page in pages:
                page.locator("[data-stream-state]").wait_for()
                page.evaluate(OBSERVE)
            for follower in followers:
                follower.start()
            time.sleep(2)
            called: dict[str, float] = {}
            for number in range(changes):
                name = f"change-{number}"
                called[f"p/{name} pending"] = time.time()
                server.api("schedule", "POST", project="p", spider="slow", jobid=name)
                time.sleep(2.5)  # longer than the limit: each state must be displayed while it lasts
                called[f"p/{name} cancelled"] = time.time()
                server.api("cancel", "POST", project="p", job=name)
                time.sleep(1.3)
            time.sleep(3)
            for page in pages:
                displayed = page.evaluate("window.displayed")
                missing = [change for change in called if change not in displayed]
                assert not missing, f"never displayed: {missing}"
                delays += [displayed[change] / 1000 - at for change, at in called.items()]
        for follower in followers:
            follower.over.set()
        assert all(follower.fetched for follower in followers)
    p95 = statistics.quantiles(delays, n=20)[-1]
    name = f"change on the server to change on the page, p95 ({jobs} jobs, {WATCHERS} watchers)"
    return Mark(name, p95, 2.0, "s")


def first_byte(ended: int) -> list[Mark]:
    """Return the slowest first byte of pages over many ended jobs."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        store = Store(folder / "dbs" / "node.db")
        for start in range(0, ended, 1000):
            store.save(*(ended_job(number) for number in range(start, start + 1000))).result(60)
        store.close()
        with ScrapydServer(folder, conf={"application": APPLICATION}) as server:
            paths = ("/", "/?state=failed", "/?q=job-77", "/jobs")
            return [
                Mark(f"first byte of {path}, {ended:,} ended jobs", _first_byte(server, path), 100, "ms")
                for path in paths
            ]


def _first_byte(server: ScrapydServer, path: str) -> float:
    """Return the median of 15, in milliseconds; a page without rows of jobs is not a page."""
    assert requests.get(server.url + path[1:], timeout=30).text.count("spider") > 40
    times = []
    for _ in range(15):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
            began = time.monotonic()
            client.sendall(head.encode())
            assert client.recv(12) == b"HTTP/1.1 200"
            times.append(time.monotonic() - began)
    return statistics.median(times) * 1000


def ended_job(number: int) -> Job:
    state = State.FAILED if number % 20 == 0 else State.FINISHED
    counts = {"pages": number, "items": number, "errors": number % 3, "rss": 50_000_000}
    job = Job("p", f"spider{number % 7}", f"job-{number}", seq=number + 1, state=state, counts=counts)
    job.created = job.started = time.time() - 600_000 + number * 60
    job.ended = job.started + 50
    job.args = {"url": f"http://example.com/{number}"}
    job.reason = "finished" if state is State.FINISHED else "exit status 1"
    return job


def cost_of_watchers(seconds: float) -> list[Mark]:
    """Return the CPU and the growth of a daemon with 200 watchers and two events a second."""
    with node(max_proc="1") as server:
        deploy(server)
        server.api("schedule", "POST", project="p", spider="slow", url="http://127.0.0.1:9")
        clients = [open_stream(server.port) for _ in range(STREAMS)]
        received = [0] * STREAMS
        reader = threading.Thread(target=read_all, args=(clients, received), daemon=True)
        reader.start()
        make_events(server, 5)  # the caches fill
        process = psutil.Process(server.pid)
        before, memory, events = process.cpu_times(), process.memory_info().rss, list(received)
        began = time.monotonic()
        sent = make_events(server, seconds)
        wall = time.monotonic() - began
        time.sleep(1)
        after, grown = process.cpu_times(), process.memory_info().rss - memory
        for client in clients:
            client.close()
        cpu = after.user + after.system - before.user - before.system
        least = min(new - old for new, old in zip(received, events, strict=True))
        assert least >= sent, f"a watcher received {least} of {sent} events"
    what = f"{STREAMS} watchers, {sent / wall:.1f} events a second, {wall:.0f} s"
    return [
        Mark(f"CPU of the daemon: {what}", 100 * cpu / wall, 5.0, "%"),
        Mark(f"growth of its memory: {what}", grown / 1e6, 4.0, "MB"),
    ]


def open_stream(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


def read_all(clients: list[socket.socket], received: list[int]) -> None:
    import selectors

    selector = selectors.DefaultSelector()
    for number, client in enumerate(clients):
        selector.register(client, selectors.EVENT_READ, number)
    while selector.get_map():
        for key, _ in selector.select(1):
            try:
                data = clients[key.data].recv(65536)
            except OSError:
                data = b""
            if not data:
                selector.unregister(key.fileobj)
            received[key.data] += data.count(b"event: job")


def make_events(server: ScrapydServer, seconds: float) -> int:
    """Schedule a job that waits, then cancel it, each an event, every half second; return how many."""
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        name = f"event-{time.time_ns()}"
        for call, fields in (("schedule", {"spider": "slow", "jobid": name}), ("cancel", {"job": name})):
            due = time.monotonic() + 0.5
            answer = server.api(call, "POST", project="p", **fields)
            assert answer["status"] == "ok", answer
            count += 1
            time.sleep(max(0.0, due - time.monotonic()))
    return count


def first_visit() -> Mark:
    """Return what a browser without a cache downloads for its first page, headers included."""
    with node() as server, chromium() as browser, Visitor(browser, server.url) as visitor:
        session = visitor.context.new_cdp_session(visitor.page)
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        session.send("Network.enable")
        visitor.open("/")
        visitor.page.locator("[data-stream-state]").wait_for()
        visitor.page.wait_for_timeout(500)
        worker = len(requests.get(server.url + _stream_script(visitor), timeout=10).content)
    return Mark("download of a first visit", (sum(sizes) + worker) / 1000, 120, "KB")


def _stream_script(visitor: Visitor) -> str:
    address = visitor.page.locator("html").get_attribute("data-stream") or ""
    return re.sub("^/", "", address)  # a worker's download is not in the events of the page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="less than a minute")
    parser.add_argument("--long", action="store_true", help="watch the memory for ten minutes")
    parser.add_argument("--only", choices=("delay", "byte", "watchers", "visit"))
    parser.add_argument("--json", action="store_true", help="one line of JSON at the end")
    options = parser.parse_args()
    seconds = 600.0 if options.long else 20.0
    changes, jobs = (4, 6) if options.short else (15, JOBS)
    parts: dict[str, Any] = {
        "visit": lambda: [first_visit()],
        "byte": lambda: first_byte(10_000),
        "watchers": lambda: cost_of_watchers(seconds),
        "delay": lambda: [delay_of_changes(changes, jobs)],
    }
    marks: list[Mark] = []
    for name, measure in parts.items():
        if options.only in (None, name):
            for mark in measure():
                marks.append(mark)
                print(mark, flush=True)
    if options.json:
        print(json.dumps({mark.name: round(mark.value, 3) for mark in marks}))
    return 0 if all(mark.holds for mark in marks) else 1


if __name__ == "__main__":
    sys.exit(main())
