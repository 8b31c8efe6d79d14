"""Show the main job on this machine: deploy a project to a Scrapyd, run jobs that share one crawl."""

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path
from types import FrameType
from typing import Any

from platformdirs import user_state_path

from aioscrapy.db.embedded import EmbeddedRedis, server_binary
from aioscrapy.demo.jobs import Job
from aioscrapy.demo.neighbours import (
    NeighbourError,
    ScrapydProcess,
    SiteProcess,
    check_port_is_free,
    local_environment,
)
from aioscrapy.exceptions import ConfigError

SETTINGS = False  # it brings its own project

_PROJECT = "quotes"
_SPIDER = "quotes"
_LOOK_S = 0.2
_STILL_S = 60.0
_README = """\
This folder was made by `aioscrapy quickstart`, which empties it when it starts again.

project/               the example project: change it and deploy it again by `scrapyd-deploy local`
scrapyd/scrapyd.conf   how Scrapyd was set up
scrapyd/logs/          one log a job
scrapyd/items/         one file of items a job, a JSON object a line
scrapyd/scrapyd.log    what Scrapyd itself had to say
redis/, site.log       the same of the shared queue and of the demo site
"""
_SCRAPYD_CONF = """\
[scrapyd]
bind_address  = 127.0.0.1
http_port     = {port}
runner        = aioscrapy.scrapyd.runner
eggs_dir      = eggs
logs_dir      = logs
items_dir     = items
dbs_dir       = dbs
jobs_to_keep  = 100
max_proc      = {jobs}
poll_interval = 0.2
"""


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
    folder = _prepare(options.folder or user_state_path("aioscrapy") / f"quickstart-{options.port}")
    try:
        with _signals_interrupt(), ExitStack() as stack:
            stack.callback(print, "Everything that was started is stopped.", flush=True)
            try:
                return _show(options, folder, stack)
            finally:
                _ignore_signals()  # a second Ctrl-C must not leave something running
    except KeyboardInterrupt:
        print(f"Interrupted. Everything is stopped; logs and items are in {folder}")
        return 130


def _show(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    print("The main job of aioscrapy, on this machine alone. By hand: the lines with $.\n")
    began = time.monotonic()
    site = stack.enter_context(SiteProcess(options.pages, folder / "site.log"))
    _step(1, f"A web site to crawl: {site.pages} pages at {site.url}", _module("aioscrapy.demo.site"))
    redis = stack.enter_context(EmbeddedRedis(folder / "redis"))
    _step(2, f"A Redis for what the jobs share: {redis.url}", "any Redis or Valkey server does")
    conf = _SCRAPYD_CONF.format(port=options.port, jobs=max(4, options.jobs))
    scrapyd = ScrapydProcess(folder / "scrapyd", options.port, conf)
    stack.enter_context(scrapyd)
    _step(3, f"Scrapyd, which runs the jobs: {scrapyd.url}", f"$ cd {folder / 'scrapyd'} && scrapyd")
    project = _write_project(folder / "project", redis.url, scrapyd.url)
    _step(4, f"A project, deployed as an egg: {project}", f"$ cd {project} && scrapyd-deploy local")
    _deploy(project)
    form = {"project": _PROJECT, "spider": _SPIDER, "site": site.url}
    by_hand = " ".join(f"-d {name}={value}" for name, value in form.items())
    curl = f"$ curl {scrapyd.url}schedule.json {by_hand}"
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


def _module(name: str) -> str:
    return f"$ {Path(sys.executable).name} -m {name} --port 8000"


def _prepare(folder: Path) -> Path:
    """Empty the folder, which is new or one of ours, and write what the programs read.

    Raises:
        ConfigError: Somebody else's files are in it.
    """
    folder = folder.expanduser().resolve()
    try:
        if folder.is_dir() and any(folder.iterdir()):
            if not _is_ours(folder):
                raise ConfigError(f"{folder} is not empty, and not of an earlier quickstart")
            shutil.rmtree(folder)
        (folder / "scrapyd").mkdir(parents=True)
        (folder / "README.txt").write_text(_README, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"the folder {folder} can't be used: {exc.strerror}") from None
    return folder


def _is_ours(folder: Path) -> bool:
    marker = folder / "README.txt"
    return marker.is_file() and marker.read_bytes().startswith(_README.encode()[:60])


def _write_project(folder: Path, redis_url: str, scrapyd_url: str) -> Path:
    """Copy the example project, with the addresses of this run in place of the usual ones."""
    with as_file(files("aioscrapy.demo") / "project") as bundled:
        shutil.copytree(bundled, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, usual, ours in (
        ("aioscrapy.cfg", "http://localhost:6800/", scrapyd_url),
        ("quotes/settings.py", "redis://localhost:6379/0", redis_url),
    ):
        file = folder / name
        file.write_text(file.read_text(encoding="utf-8").replace(usual, ours), encoding="utf-8")
    return folder


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
        raise NeighbourError("the example project could not be deployed, see above")


def _schedule(scrapyd: ScrapydProcess, form: dict[str, str], number: int) -> Job:
    id = scrapyd.api("schedule", form)["jobid"]
    print(f"     job {number}: {id}", flush=True)
    job_folder = Path(_PROJECT) / _SPIDER
    return Job(number, id, scrapyd.folder / "logs" / job_folder, scrapyd.folder / "items" / job_folder)


def _watch(scrapyd: ScrapydProcess, jobs: list[Job]) -> None:
    """Show how far the jobs are until Scrapyd has seen all of them end.

    Raises:
        NeighbourError: Scrapyd has ended, or nothing went on for a minute.
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
                raise NeighbourError(f"nothing has moved for {_STILL_S:.0f} s (log: {scrapyd.log})")
            if scrapyd.pause(_LOOK_S):
                raise NeighbourError(f"Scrapyd has ended (log: {scrapyd.log})")


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
        end = job.reason or "died, see Scrapyd's log"
        errors = f", {job.errors} errors in the log" if job.errors else ""
        print(f"  job {job.number}: {job.pages} pages, {len(own)} items, {end}{errors}")
        print(f"     log    {job.log}\n     items  {job.feed}")
    counted = site.stats()
    pages = sum(job.pages for job in jobs)
    print(f"  in all: {pages} pages, {len(lines)} items, {len(set(lines))} of them different")
    print("  the site counted {requests} requests for {fetched} of its {pages} pages".format(**counted))
    print(f"  all of it is in {folder}")
    whole = counted["requests"] == counted["fetched"] == counted["pages"] and len(lines) == len(set(lines))
    return whole and all(job.reason for job in jobs)


def _stay(scrapyd: ScrapydProcess, curl: str) -> None:
    print(
        f"\nScrapyd's page: {scrapyd.url}   Crawl once more:\n     {curl}\nCtrl-C stops everything.",
        flush=True,
    )
    try:
        while not scrapyd.pause(3600.0):
            pass
    except KeyboardInterrupt:
        return
    raise NeighbourError(f"Scrapyd has ended (log: {scrapyd.log})")


def _signals() -> list[signal.Signals]:
    return [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Make SIGTERM and SIGHUP what Ctrl-C is, so that after them too everything is stopped."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    for number in _signals():
        signal.signal(number, signal.SIG_IGN)


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
