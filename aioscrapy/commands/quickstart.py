"""Demonstrate everything on this machine: start a node, deploy a project, run jobs that share one crawl."""

import argparse
import contextlib
import secrets
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from aioscrapy.db.embedded import EmbeddedRedis, server_binary
from aioscrapy.demo.folder import SCRAPYD_CONF, prepare_folder, write_project
from aioscrapy.demo.jobs import Job
from aioscrapy.demo.servers import (
    DemoServerError,
    ScrapydProcess,
    SiteProcess,
    check_port_is_free,
    local_environment,
)
from aioscrapy.ends import Reason
from aioscrapy.os_signals import interruptible
from aioscrapy_deploy.terminal.option_types import count, port
from aioscrapy_deploy.terminal.text import printable

SETTINGS = False  # it brings its own project

_PROJECT = "quotes"
_SPIDER = "quotes"
_POLL_S = 0.2
_STALLED_S = 60.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--port", type=port, default=6800, help="port of the node on 127.0.0.1 (default: 6800)")
    add("--jobs", type=count, default=2, metavar="N", help="jobs that share the crawl (default: 2)")
    add("--pages", type=count, default=200, metavar="N", help="approximate pages of the site (default: 200)")
    add("--folder", type=Path, help="folder for all files (default: a private folder for the port)")
    add("--keep", action="store_true", help="keep everything running until Ctrl-C, to look at the page")


def run(options: argparse.Namespace) -> int:
    """Run the demonstration; return 0 if every job finished and every page and item is there once."""
    check_port_is_free(options.port)
    server_binary()
    folder = prepare_folder(options.folder or user_state_path("aioscrapy") / f"quickstart-{options.port}")
    try:
        with interruptible() as interrupts, ExitStack() as stack:
            stack.callback(print, "All programs are stopped.", flush=True)
            try:
                return _demonstrate(options, folder, stack)
            finally:
                interrupts.ignore()  # a second Ctrl-C must not leave a program running
    except KeyboardInterrupt:
        print(f"Interrupted. Everything is stopped; logs and items are in {folder}")
        return 130


def _demonstrate(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    print("Starting a web site, a Redis and a node on this machine …", flush=True)
    start = time.monotonic()
    site = stack.enter_context(SiteProcess(options.pages, folder / "site.log"))
    redis = stack.enter_context(EmbeddedRedis(folder / "redis", password=secrets.token_urlsafe(24)))
    conf = SCRAPYD_CONF.format(port=options.port, jobs=max(4, options.jobs))
    node = stack.enter_context(ScrapydProcess(folder / "scrapyd", options.port, conf))
    print(f"Open {node.url} in a browser: the page shows live what happens here.")
    print("The lines with $ do the same by hand.\n")
    _step(1, f"A node, the Scrapyd that runs the jobs: {node.url}", f"$ {_command('aioscrapy')} node")
    by_hand = f"$ {_command('python')} -m aioscrapy.demo.site --port 8000"
    _step(2, f"A web site: {site.pages} pages at {site.url}", by_hand)
    _step(3, f"A Redis for the data that the jobs share, on port {redis.port}", "$ aioscrapy redis")
    project = write_project(folder / "project", redis.url, node.url)
    by_hand = f"$ cd {project} && {_command('aioscrapy')} deploy local"
    _step(4, f"A project, deployed as an egg: {project}", by_hand)
    _deploy(project)
    form = {"project": _PROJECT, "spider": _SPIDER, "site": site.url}
    form |= {"instances": str(options.jobs)} if options.jobs > 1 else {"setting": "CRAWL_FRESH=True"}
    fields = " ".join(f"-d {name}={value}" for name, value in form.items())
    curl = f"$ curl {node.url}schedule.json {fields}"
    _step(5, f"{options.jobs} jobs of the spider {_SPIDER} share one crawl", curl)
    jobs = _schedule(node, form)
    by_hand = f"$ cd {project} && {_command('aioscrapy')} jobs --watch"
    _step(6, "The progress of the jobs", by_hand)
    _watch(node, jobs)
    ok = _report(jobs, site, folder, time.monotonic() - start)
    if options.keep:
        _stay(node, curl)
    else:
        print(f"  look at the finished jobs: {_command('aioscrapy')} node {node.folder}")
    return 0 if ok else 1


def _step(number: int, what: str, by_hand: str) -> None:
    print(f"{number}. {what}\n     {by_hand}", flush=True)


def _command(name: str) -> str:
    """Return the command of this environment: its name if the shell finds it, else its path."""
    ours = Path(sys.executable).with_name(name)
    return name if shutil.which(name) == str(ours) else str(ours)


def _deploy(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aioscrapy", "deploy", "local"],
        cwd=project,
        env=local_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(textwrap.indent(done.stdout.rstrip(), "     "), flush=True)
    if done.returncode:
        raise DemoServerError("the example project could not be deployed; the reason is above")


def _schedule(node: ScrapydProcess, form: dict[str, str]) -> list[Job]:
    answer = node.api("schedule", form)
    job_folder = Path(_PROJECT) / _SPIDER
    logs, feeds = node.folder / "logs" / job_folder, node.folder / "items" / job_folder
    ids = answer.get("jobids") or [answer["jobid"]]
    for number, id in enumerate(ids, 1):
        print(f"     job {number}: {id}", flush=True)
    return [Job(number, id, logs, feeds) for number, id in enumerate(ids, 1)]


def _watch(node: ScrapydProcess, jobs: list[Job]) -> None:
    """Print the progress of the jobs until the node reports that all have ended.

    Raises:
        DemoServerError: the node has ended, or there was no progress for a minute.
    """
    start = last_change = time.monotonic()
    before = ""
    with _live() as print_line:
        while True:
            listed = node.jobs()
            entries = {entry["job"]: entry for entry in listed["running"] + listed["ended"]}
            for job in jobs:
                job.read(entries.get(job.id, {}))
            now = "   ".join(f"job {job.number}: {job.pages} pages, {job.items} items" for job in jobs)
            if now != before:
                before, last_change = now, time.monotonic()
                print_line(f"     {last_change - start:4.1f} s   {now}")
            if all(job.ended for job in jobs):
                return
            if time.monotonic() - last_change > _STALLED_S:
                raise DemoServerError(f"no progress for {_STALLED_S:.0f} s (log: {node.log})")
            if node.pause(_POLL_S):
                raise DemoServerError(f"the node has ended (log: {node.log})")


@contextlib.contextmanager
def _live() -> Iterator[Any]:
    """Yield a function that prints a line: on a terminal it replaces the previous line."""
    if not sys.stdout.isatty():
        yield lambda line: print(line, flush=True)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(Text(""), console=Console(), refresh_per_second=10) as live:
        yield lambda line: live.update(Text(line, no_wrap=True), refresh=True)


def _report(jobs: list[Job], site: SiteProcess, folder: Path, took_s: float) -> bool:
    """Print the result of every job and the totals; return True if the crawl was complete and exact."""
    print(f"\nDone in {took_s:.1f} s.")
    lines: list[str] = []
    for job in jobs:
        own = job.lines()
        lines += own
        errors = f", {job.errors} errors in the log" if job.errors else ""
        print(printable(f"  job {job.number}: {job.pages} pages, {len(own)} items, {job.reason}{errors}"))
        print(f"     log    {job.log}\n     items  {job.feed}")
    counts = site.stats()
    pages = sum(job.pages for job in jobs)
    print(f"  total: {pages} pages, {len(lines)} items, {len(set(lines))} different items")
    print("  the site counted {requests} requests for {fetched} of its {pages} pages".format(**counts))
    print(f"  all files are in {folder}")
    exact = counts["requests"] == counts["fetched"] == counts["pages"] and len(lines) == len(set(lines))
    if not exact:
        print("  Not every page and item is there once: please report this, with the logs")
    return exact and all(job.reason in {Reason.FINISHED, Reason.LATE} for job in jobs)


def _stay(node: ScrapydProcess, curl: str) -> None:
    try:
        print(f"\nThe page with the finished jobs: {node.url}   Crawl again:\n     {curl}")
        print("Press Ctrl-C to stop everything.", flush=True)
        while not node.pause(3600.0):
            pass
    except KeyboardInterrupt:
        return
    raise DemoServerError(f"the node has ended (log: {node.log})")
