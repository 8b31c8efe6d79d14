"""Demonstrate everything on this machine: deploy a project to Scrapyd and run jobs that share one crawl."""

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

SETTINGS = False  # it brings its own project

_PROJECT = "quotes"
_SPIDER = "quotes"
_POLL_S = 0.2
_STALLED_S = 60.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--port", type=port, default=6800, help="port of Scrapyd on 127.0.0.1 (default: 6800)")
    add("--jobs", type=count, default=2, metavar="N", help="jobs that share the crawl (default: 2)")
    add("--pages", type=count, default=200, metavar="N", help="approximate pages of the site (default: 200)")
    add("--folder", type=Path, help="folder for all files (default: a private folder for the port)")
    add("--keep", action="store_true", help="keep everything running until Ctrl-C")


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
    print("Everything runs on this machine. The lines with $ do the same by hand.\n")
    start = time.monotonic()
    site = stack.enter_context(SiteProcess(options.pages, folder / "site.log"))
    by_hand = f"$ {_command('python')} -m aioscrapy.demo.site --port 8000"
    _step(1, f"A web site: {site.pages} pages at {site.url}", by_hand)
    redis = stack.enter_context(EmbeddedRedis(folder / "redis", password=secrets.token_urlsafe(24)))
    _step(2, f"A Redis for the data that the jobs share, on port {redis.port}", "$ aioscrapy redis")
    conf = SCRAPYD_CONF.format(port=options.port, jobs=max(4, options.jobs))
    scrapyd = stack.enter_context(ScrapydProcess(folder / "scrapyd", options.port, conf))
    by_hand = f"$ cd {scrapyd.folder} && {_command('scrapyd')}"
    _step(3, f"Scrapyd, which runs the jobs: {scrapyd.url}", by_hand)
    project = write_project(folder / "project", redis.url, scrapyd.url)
    by_hand = f"$ cd {project} && {_command('scrapyd-deploy')} local"
    _step(4, f"A project, deployed as an egg: {project}", by_hand)
    _deploy(project)
    form = {"project": _PROJECT, "spider": _SPIDER, "site": site.url}
    fields = " ".join(f"-d {name}={value}" for name, value in form.items())
    curl = f"$ curl {scrapyd.url}schedule.json {fields}"
    _step(5, f"{options.jobs} jobs of the spider {_SPIDER} share one crawl", curl)
    jobs = [_schedule(scrapyd, form, number) for number in range(1, options.jobs + 1)]
    _step(6, "The progress of the jobs", f"$ curl {scrapyd.url}listjobs.json?project={_PROJECT}")
    _watch(scrapyd, jobs)
    ok = _report(jobs, site, folder, time.monotonic() - start)
    if options.keep:
        _stay(scrapyd, f"{curl} -d setting=CRAWL_FRESH=True")
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


def _schedule(scrapyd: ScrapydProcess, form: dict[str, str], number: int) -> Job:
    id = scrapyd.api("schedule", form)["jobid"]
    print(f"     job {number}: {id}", flush=True)
    job_folder = Path(_PROJECT) / _SPIDER
    return Job(number, id, scrapyd.folder / "logs" / job_folder, scrapyd.folder / "items" / job_folder)


def _watch(scrapyd: ScrapydProcess, jobs: list[Job]) -> None:
    """Print the progress of the jobs until Scrapyd reports that all have ended.

    Raises:
        DemoServerError: Scrapyd has ended, or there was no progress for a minute.
    """
    start = last_change = time.monotonic()
    before = ""
    with _live() as print_line:
        while True:
            listed = scrapyd.api("listjobs")
            for job in jobs:
                job.read()
            now = "   ".join(f"job {job.number}: {job.pages} pages, {job.items} items" for job in jobs)
            if now != before:
                before, last_change = now, time.monotonic()
                print_line(f"     {last_change - start:4.1f} s   {now}")
            if not listed["pending"] and not listed["running"]:
                return
            if time.monotonic() - last_change > _STALLED_S:
                raise DemoServerError(f"no progress for {_STALLED_S:.0f} s (log: {scrapyd.log})")
            if scrapyd.pause(_POLL_S):
                raise DemoServerError(f"Scrapyd has ended (log: {scrapyd.log})")


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
        job.read()
        own = job.lines()
        lines += own
        end = job.reason or f"killed (see {folder / 'scrapyd' / 'scrapyd.log'})"
        errors = f", {job.errors} errors in the log" if job.errors else ""
        print(f"  job {job.number}: {job.pages} pages, {len(own)} items, {end}{errors}")
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


def _stay(scrapyd: ScrapydProcess, curl: str) -> None:
    try:
        print(f"\nScrapyd's web page: {scrapyd.url}   Crawl again:\n     {curl}")
        print("Press Ctrl-C to stop everything.", flush=True)
        while not scrapyd.pause(3600.0):
            pass
    except KeyboardInterrupt:
        return
    raise DemoServerError(f"Scrapyd has ended (log: {scrapyd.log})")
