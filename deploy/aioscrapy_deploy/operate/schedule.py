"""Start a spider on a target, as one job or as several that share a crawl.

aioscrapy schedule quotes -a tag=love -s DOWNLOAD_DELAY=0.5
aioscrapy schedule quotes --jobs 4 --wait     # over all Scrapyds of the target, until the crawl has ended
"""

import argparse
import shlex
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from aioscrapy_deploy.errors import ScrapydError, ServerError, TargetError
from aioscrapy_deploy.fleet import Fleet, Node, add_target_options, explained, reported, warn
from aioscrapy_deploy.operate.find_jobs import Found, new_crawl, new_job
from aioscrapy_deploy.operate.wait import Waiting
from aioscrapy_deploy.remote.client import RESERVED, ScrapydClient
from aioscrapy_deploy.remote.models import Job
from aioscrapy_deploy.terminal.option_types import count, finite, name_value
from aioscrapy_deploy.terminal.table import print_json

INTERRUPTED = 130


@dataclass(frozen=True)
class Order:
    """What each of the jobs is to be."""

    project: str
    spider: str
    arguments: dict[str, str]
    settings: dict[str, str]
    version: str | None
    priority: float | None

    @property
    def crawl(self) -> str | None:
        """The crawl that the jobs name; None where they join the current one of their spider."""
        return self.arguments.get("crawl")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("spider", metavar="SPIDER", help="name of the spider")
    add_target_options(parser)
    add(
        "-a",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="arguments",
        type=name_value,
        help="spider argument",
    )
    add(
        "-s",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        type=name_value,
        help="setting of the job",
    )
    add("-v", "--version", help="this version of the project, instead of the latest")
    add(
        "--priority", type=finite, metavar="P", help="in Scrapyd's queue: the higher, the sooner (default: 0)"
    )
    add(
        "--jobs",
        type=count,
        default=1,
        metavar="N",
        help="N jobs that share one crawl through Redis, spread over the Scrapyds of the target",
    )
    add(
        "--crawl",
        metavar="ID",
        help="the crawl's id, the same as -a crawl=ID (default: with one job the spider's current crawl, "
        "with more a new id)",
    )
    add("--wait", action="store_true", help="until all have ended; 0 only if each of them has `finished`")


@reported
def run(options: argparse.Namespace) -> int:
    """Start the jobs, all or none as far as that can be known before; with --wait print the totals."""
    fleet = Fleet.from_options(options)
    order = _order(fleet.needed_project, options)
    nodes = _nodes(fleet, order)
    jobs: list[Found] = []
    try:
        for _, node in zip(range(options.jobs), cycle(nodes), strict=False):
            jobs.append(_start(node, order))
            if not options.json:
                print(f"{jobs[-1].job.id} at {node.name}", flush=True)
    except (ServerError, KeyboardInterrupt):
        if jobs:
            warn(f"{len(jobs)} of {options.jobs} jobs were started. {_how_to_cancel(fleet, order, jobs)}")
        raise
    if options.wait:
        return _wait(fleet, order, jobs, options.json)
    if options.json:
        print_json(_told(order, jobs))
    return 0


def _order(project: str, options: argparse.Namespace) -> Order:
    arguments = dict(options.arguments)
    if taken := RESERVED & arguments.keys():
        raise TargetError(f"-a {min(taken)}: Scrapyd takes this name for itself")
    if options.crawl and arguments.setdefault("crawl", options.crawl) != options.crawl:
        raise TargetError(f"--crawl {options.crawl} and -a crawl={arguments['crawl']} are two crawls")
    if options.jobs > 1:
        arguments.setdefault("crawl", new_crawl())
    settings = dict(options.settings)
    return Order(project, options.spider, arguments, settings, options.version, options.priority)


def _nodes(fleet: Fleet, order: Order) -> list[Node]:
    """Return the Scrapyds that have the spider, the idlest first; one that does not answer is left out.

    Jobs of two versions in one crawl are told, but not forbidden: that is how one goes over to a new version.

    Raises:
        TargetError: none answers, or one of them has no such project, version or spider.
    """

    def ready(client: ScrapydClient) -> tuple[int, str]:
        status = client.daemonstatus()
        try:
            spiders = client.listspiders(order.project, order.version)
        except ScrapydError as exc:
            raise TargetError(explained(exc)) from exc
        if order.spider not in spiders:
            known = f"it has {', '.join(spiders)}" if spiders else "it has none"
            raise TargetError(
                f"{client.url}: project {order.project} has no spider {order.spider!r}; {known}"
            )
        versions = [order.version] if order.version else client.listversions(order.project)
        return status.pending + status.running, "".join(versions[-1:])  # none where it runs in place

    answers = fleet.query(ready)
    if not answers:
        raise TargetError(f"no Scrapyd of target {fleet.target.name} answers: nothing is started")
    if len({version for _, (_, version) in answers}) > 1:
        versions = ", ".join(f"{version} at {node.name}" for node, (_, version) in answers)
        warn(f"the latest versions differ: {versions}; deploy to all of them, or say -v")
    return [node for node, _ in sorted(answers, key=lambda answer: answer[1][0])]


def _start(node: Node, order: Order) -> Found:
    job = node.client.schedule(
        order.project,
        order.spider,
        arguments=order.arguments,
        settings=order.settings,
        version=order.version,
        priority=order.priority,
        job=new_job(order.crawl),
    )
    return Found(node, Job(job, order.project, order.spider, "pending", arguments=order.arguments))


def _wait(fleet: Fleet, order: Order, jobs: list[Found], as_json: bool) -> int:
    waiting = Waiting(fleet, jobs, quiet=as_json)
    try:
        waiting.until_all_have_ended()
    except KeyboardInterrupt:
        warn(f"the jobs go on. {_how_to_cancel(fleet, order, jobs)}")
        return INTERRUPTED
    if as_json:
        print_json(_told(order, jobs) | waiting.totals())
    else:
        print(f"{f'crawl {order.crawl}' if order.crawl else order.spider}: {waiting.summary()}")
    return 0 if waiting.all_finished else 1


def _told(order: Order, jobs: list[Found]) -> dict[str, Any]:
    started = [{"job": each.job.id, "node": each.node.name, "url": each.node.client.url} for each in jobs]
    return {"project": order.project, "spider": order.spider, "crawl": order.crawl, "jobs": started}


def _how_to_cancel(fleet: Fleet, order: Order, jobs: list[Found]) -> str:
    words = [order.crawl] if order.crawl else [each.job.id for each in jobs]
    options = ["-t", fleet.target.name]
    if order.project != fleet.target.project:
        options += ["-p", order.project]
    return f"To cancel: aioscrapy cancel {shlex.join([*words, *options])}"
