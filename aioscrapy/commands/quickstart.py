"""Show the main job on this machine: deploy a project to a Scrapyd, run jobs that share one crawl."""

import argparse
import contextlib
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
from aioscrapy.os_signals import interruptible

SETTINGS = False  # it brings its own project

_PROJECT = "quotes"
_SPIDER = "quotes"
_LOOK_S = 0.2
_STILL_S = 60.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--port", type=_port, default=6800, help="where Scrapyd listens, on 127.0.0.1 (default: 6800)")
    add("--jobs", type=_count, default=2, metavar="N", help="jobs that share the crawl (default: 2)")
    add("--pages", type=_count, default=200, metavar="N", help="pages of the site, about (default: 200)")
    add("--folder", type=Path, help="where everything is written (default: one for each port, yours alone)")
    add("--keep", action="store_true", help="leave everything running until Ctrl-C, to look around")


def run(options: argparse.Namespace) -> int:
    """Do the main job from start to end; 0 where every job ended as it should."""
    check_port_is_free(options.port)
    server_binary()
    folder = prepare_folder(options.folder or user_state_path("aioscrapy") / f"quickstart-{options.port}")
    try:
        with interruptible() as interrupts, ExitStack() as stack:
            stack.callback(print, "Everything that was started is stopped.", flush=True)
            try:
                return _show(options, folder, stack)
            finally:
                interrupts.ignore()  # a second Ctrl-C must not leave something running
    except KeyboardInterrupt:
        print(f"Interrupted. Everything is stopped; logs and items are in {folder}")
        return 130


def _show(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    print("The main job of aioscrapy, on this machine alone. By hand: the lines with $.\n")
    began = time.monotonic()
    site = stack.enter_context(SiteProcess(options.pages, folder / "site.log"))
    by_hand = f"$ {_command('python')} -m aioscrapy.demo.site --port 8000"
    _step(1, f"A web site to crawl: {site.pages} pages at {site.url}", by_hand)
    redis = stack.enter_context(EmbeddedRedis(folder / "redis"))
    _step(2, f"A Redis for what the jobs share: {redis.url}", "any Redis or Valkey server does")
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
    _step(5, f"{options.jobs} jobs of the spider {_SPIDER}, which share one crawl", curl)
    jobs = [_schedule(scrapyd, form, number) for number in range(1, options.jobs + 1)]
    _step(6, "They crawl", f"$ curl {scrapyd.url}listjobs.json?project={_PROJECT}")
    _watch(scrapyd, jobs)
    ok = _report(jobs, site, folder, time.monotonic() - began)
    if options.keep:
        _stay(scrapyd, f"{curl} -d setting=CRAWL_FRESH=True")
    return 0 if ok else 1


def _step(number: int, what: str, by_hand: str) -> None:
    print(f"{number}. {what}\n     {by_hand}", flush=True)


def _command(name: str) -> str:
    """Return how a shell finds this command of our environment: by its name alone, where that is enough."""
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
        raise DemoServerError("the example project could not be deployed, see above")


def _schedule(scrapyd: ScrapydProcess, form: dict[str, str], number: int) -> Job:
    id = scrapyd.api("schedule", form)["jobid"]
    print(f"     job {number}: {id}", flush=True)
    job_folder = Path(_PROJECT) / _SPIDER
    return Job(number, id, scrapyd.folder / "logs" / job_folder, scrapyd.folder / "items" / job_folder)


def _watch(scrapyd: ScrapydProcess, jobs: list[Job]) -> None:
    """Show how far the jobs are until Scrapyd has seen all of them end.

    Raises:
        DemoServerError: Scrapyd has ended, or nothing went on for a minute.
    """
    began = moved = time.monotonic()
    before = ""
    with _live() as show:
        while True:
            listed = scrapyd.api("listjobs")
            for job in jobs:
                job.read()
            now = "   ".join(f"job {job.number}: {job.pages} pages, {job.items} items" for job in jobs)
            if now != before:
                before, moved = now, time.monotonic()
                show(f"     {moved - began:4.1f} s   {now}")
            if not listed["pending"] and not listed["running"]:
                return
            if time.monotonic() - moved > _STILL_S:
                raise DemoServerError(f"nothing has moved for {_STILL_S:.0f} s (log: {scrapyd.log})")
            if scrapyd.pause(_LOOK_S):
                raise DemoServerError(f"Scrapyd has ended (log: {scrapyd.log})")


@contextlib.contextmanager
def _live() -> Iterator[Any]:
    """Yield a function that shows one line: in place of the last one on a terminal, below it elsewhere."""
    if not sys.stdout.isatty():
        yield lambda line: print(line, flush=True)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(Text(""), console=Console(), refresh_per_second=10) as live:
        yield lambda line: live.update(Text(line, no_wrap=True), refresh=True)


def _report(jobs: list[Job], site: SiteProcess, folder: Path, took_s: float) -> bool:
    """Tell what each job did and what it is in all; True where all is as it should be."""
    print(f"\nDone in {took_s:.1f} s.")
    lines: list[str] = []
    for job in jobs:
        job.read()
        own = job.lines()
        lines += own
        end = job.reason or f"died (see {folder / 'scrapyd' / 'scrapyd.log'})"
        errors = f", {job.errors} errors in the log" if job.errors else ""
        print(f"  job {job.number}: {job.pages} pages, {len(own)} items, {end}{errors}")
        print(f"     log    {job.log}\n     items  {job.feed}")
    counted = site.stats()
    pages = sum(job.pages for job in jobs)
    print(f"  in all: {pages} pages, {len(lines)} items, {len(set(lines))} of them different")
    print("  the site counted {requests} requests for {fetched} of its {pages} pages".format(**counted))
    print(f"  all of it is in {folder}")
    once = counted["requests"] == counted["fetched"] == counted["pages"] and len(lines) == len(set(lines))
    if not once:
        print("  that is not every page and every item once: please report it, with the logs")
    return once and all(job.reason for job in jobs)


def _stay(scrapyd: ScrapydProcess, curl: str) -> None:
    try:
        print(f"\nScrapyd's page: {scrapyd.url}   Crawl once more:\n     {curl}")
        print("Ctrl-C stops everything.", flush=True)
        while not scrapyd.pause(3600.0):
            pass
    except KeyboardInterrupt:
        return
    raise DemoServerError(f"Scrapyd has ended (log: {scrapyd.log})")


def _port(text: str) -> int:
    number = _count(text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no TCP port")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number
