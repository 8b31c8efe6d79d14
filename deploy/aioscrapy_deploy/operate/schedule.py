"""Start a spider on a target, as one job or as several jobs that share one crawl.

Examples:
  aioscrapy schedule quotes -a tag=love -s DOWNLOAD_DELAY=0.5
  aioscrapy schedule quotes --jobs 4 --wait     # on all servers of the target, until the crawl has ended
"""

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from aioscrapy.crawls.ids import new_id
from aioscrapy_deploy.errors import ReportedError, ScrapydError, ServerError, TargetError
from aioscrapy_deploy.fleet import Fleet, Node, add_target_options, explained, reported, warn
from aioscrapy_deploy.operate.find_jobs import JobOnNode, new_job
from aioscrapy_deploy.operate.wait import Waiting
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.models import RESERVED, Job
from aioscrapy_deploy.terminal.option_types import count, finite, name_value
from aioscrapy_deploy.terminal.table import print_json

INTERRUPTED = 130


@dataclass(frozen=True)
class JobTemplate:
    """What all jobs of one `schedule` have in common."""

    project: str
    spider: str
    arguments: dict[str, str]
    settings: dict[str, str]
    version: str | None
    priority: float | None

    @property
    def crawl(self) -> str | None:
        """The crawl that the jobs name; None if they join the current crawl of their spider."""
        return self.arguments.get("crawl")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("spider", metavar="SPIDER", help="name of the spider")
    add_target_options(parser)
    pairs: dict[str, Any] = {"action": "append", "default": [], "type": name_value, "metavar": "NAME=VALUE"}
    add("-a", **pairs, dest="arguments", help="spider argument")
    add("-s", **pairs, dest="settings", help="setting of the job")
    add("-v", "--version", help="version of the project (default: the latest)")
    add(
        "--priority",
        type=finite,
        metavar="P",
        help="priority in Scrapyd's queue; higher runs first (default: 0)",
    )
    add(
        "--jobs",
        type=count,
        default=1,
        metavar="N",
        help="start N jobs that share one crawl in Redis, spread over the servers of the target",
    )
    add(
        "--crawl",
        metavar="ID",
        help="id of the crawl, same as -a crawl=ID (default: for one job the spider's current crawl, "
        "for several a new id)",
    )
    add(
        "--wait",
        action="store_true",
        help="wait until all jobs have ended; exit status 0 only if every job ended with `finished`",
    )


@reported
def run(options: argparse.Namespace) -> int:
    """Check all servers, then start the jobs; with --wait wait for them and print the totals."""
    fleet = Fleet.from_options(options)
    template = _template(fleet.needed_project, options)
    nodes = _nodes(fleet, template)
    jobs: list[JobOnNode] = []
    try:
        for node, number in _shares(nodes, options.jobs):
            started = _start(node, template, number)
            jobs += started
            if not options.json:
                print("\n".join(f"{job.job.id} at {node.name}" for job in started), flush=True)
    except (ServerError, KeyboardInterrupt):
        if jobs:
            warn(f"{len(jobs)} of {options.jobs} jobs were started. {_how_to_cancel(fleet, template, jobs)}")
        raise
    if options.wait:
        return _wait(fleet, template, jobs, options.json)
    if options.json:
        print_json(_as_json(template, jobs))
    return 0


def _template(project: str, options: argparse.Namespace) -> JobTemplate:
    arguments = dict(options.arguments)
    if taken := RESERVED & arguments.keys():
        raise TargetError(f"-a {min(taken)}: Scrapyd reserves this name")
    if options.crawl and arguments.setdefault("crawl", options.crawl) != options.crawl:
        raise TargetError(f"--crawl {options.crawl} and -a crawl={arguments['crawl']} are different crawls")
    if options.jobs > 1:
        arguments.setdefault("crawl", new_id())
    settings = dict(options.settings)
    return JobTemplate(project, options.spider, arguments, settings, options.version, options.priority)


def _nodes(fleet: Fleet, template: JobTemplate) -> list[Node]:
    """Return the Scrapyds that have the spider, the least busy first, without those that do not answer.

    Different versions in one crawl are a warning, not an error: this is how a crawl moves to a new version.

    Raises:
        ReportedError: the only server of the target failed.
        TargetError: no Scrapyd answers, or one does not have the project, version or spider.
    """

    def ready(client: ScrapydClient) -> tuple[int, str]:
        status = client.daemonstatus()
        try:
            spiders = client.listspiders(template.project, template.version)
        except ScrapydError as exc:
            raise TargetError(explained(exc)) from exc
        if template.spider not in spiders:
            known = f"it has {', '.join(spiders)}" if spiders else "it has none"
            raise TargetError(
                f"{client.url}: project {template.project} has no spider {template.spider!r}; {known}"
            )
        version = template.version or client.versions(template.project).in_use
        return status.pending + status.running, version or ""  # a project without an egg has no version

    answers = fleet.query(ready)
    if not answers and len(fleet.nodes) == 1:
        raise ReportedError(f"target {fleet.target.name} does not answer: nothing is started")
    if not answers:
        raise TargetError(f"no Scrapyd of target {fleet.target.name} answers: nothing is started")
    if len({version for _, (_, version) in answers}) > 1:
        versions = ", ".join(f"{version} at {node.name}" for node, (_, version) in answers)
        warn(f"the latest versions differ: {versions}; deploy to all of them, or use -v")
    return [node for node, _ in sorted(answers, key=lambda answer: answer[1][0])]


def _shares(nodes: list[Node], jobs: int) -> Iterator[tuple[Node, int]]:
    """Yield a server and how many jobs it starts with its next call: a node all of its share at once."""
    for position, node in enumerate(nodes):
        share = len(range(position, jobs, len(nodes)))
        if share > 1 and node.client.is_node:
            yield node, share
        else:
            yield from ((node, 1) for _ in range(share))


def _start(node: Node, template: JobTemplate, number: int) -> list[JobOnNode]:
    job = Job(
        new_job(template.crawl),
        template.project,
        template.spider,
        "pending",
        version=template.version,
        settings=template.settings,
        arguments=template.arguments,
    )
    if number > 1:
        ids = node.client.schedule_instances(job, number, template.priority)
    else:
        ids = [
            node.client.schedule(
                job.project,
                job.spider,
                arguments=job.arguments,
                settings=job.settings,
                version=job.version,
                priority=template.priority,
                job=job.id,
            )
        ]
    return [JobOnNode(node, replace(job, id=id)) for id in ids]


def _wait(fleet: Fleet, template: JobTemplate, jobs: list[JobOnNode], as_json: bool) -> int:
    waiting = Waiting(fleet, jobs, quiet=as_json)
    try:
        waiting.until_all_have_ended()
    except KeyboardInterrupt:
        warn(f"the jobs continue. {_how_to_cancel(fleet, template, jobs)}")
        return INTERRUPTED
    if as_json:
        print_json(_as_json(template, jobs) | waiting.totals())
    else:
        print(f"{f'crawl {template.crawl}' if template.crawl else template.spider}: {waiting.summary()}")
    return 0 if waiting.all_finished else 1


def _as_json(template: JobTemplate, jobs: list[JobOnNode]) -> dict[str, Any]:
    started = [{"job": job.job.id, "node": job.node.name, "url": job.node.client.url} for job in jobs]
    return {"project": template.project, "spider": template.spider, "crawl": template.crawl, "jobs": started}


def _how_to_cancel(fleet: Fleet, template: JobTemplate, jobs: list[JobOnNode]) -> str:
    words = [template.crawl] if template.crawl else [job.job.id for job in jobs]
    options = ["-t", fleet.target.name]
    if template.project != fleet.target.project:
        options += ["-p", template.project]
    return f"To cancel: aioscrapy cancel {shlex.join([*words, *options])}"
