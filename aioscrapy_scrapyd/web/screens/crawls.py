"""The shared crawls in Redis: the list, one crawl, its dead letters, and what can be done with a crawl."""

import uuid
from typing import Any

from twisted.internet.threads import deferToThread

from aioscrapy.exceptions import ConfigError
from aioscrapy_scrapyd.actions import NotFoundError
from aioscrapy_scrapyd.crawls.client import AwayError
from aioscrapy_scrapyd.crawls.shared import LETTERS_LIMIT, CrawlName, UnknownCrawlError
from aioscrapy_scrapyd.numbers import whole
from aioscrapy_scrapyd.state.history import Filter
from aioscrapy_scrapyd.state.job import Job
from aioscrapy_scrapyd.users import Role
from aioscrapy_scrapyd.web.jobdata import job_data
from aioscrapy_scrapyd.web.screen import Action, Data, Done, Screen, Visit, address

OVERVIEW = "/crawl/{server}/{bot}/{spider}/{crawl}/overview"
FAILED = "/crawl/{server}/{bot}/{spider}/{crawl}/failed"
# Ended jobs of a crawl that its page has, and workers that one form may add.
JOBS_LIMIT = 20
WORKERS_LIMIT = 64


async def crawls(visit: Visit) -> Data:
    """Return the crawls of all Redis servers that the node knows."""
    listing = await visit.actions.crawls.listing()
    rows = [row for row in listing.crawls if _sees(visit, row)]
    states = sorted({row["state"] for row in rows})
    chosen = visit.ask("state")
    return {
        "crawls": [row for row in rows if chosen in ("", row["state"])],
        "states": states,
        "state": chosen,
        "problems": [{"text": problem.text, "values": problem.values} for problem in listing.problems],
        "servers": len(list(visit.actions.crawls.servers)),
    }


async def crawl(visit: Visit) -> Data:
    """Return one crawl: its counts, its workers on all nodes, its jobs on this one."""
    row, problem = await _row(visit)
    jobs = await _jobs(visit)
    return {
        "names": dict(visit.names),
        "crawl": row,
        "problem": problem,
        "jobs": [_job_data(visit, job) for job in jobs],
        "workers": [_worker(worker, jobs) for worker in row["workers_alive"]] if row else [],
        "can_add": bool(_projects(visit, row)) if row else False,
    }


async def failed(visit: Visit) -> Data:
    """Return the dead letters of a crawl: requests that failed permanently, with their reasons."""
    row, problem = await _row(visit)
    letters = []
    if problem is None:
        try:
            letters = await visit.actions.crawls.letters(_name(visit))
        except AwayError as exc:
            problem = {"text": exc.text, "values": exc.values}
    return {
        "names": dict(visit.names),
        "crawl": row,
        "problem": problem,
        "letters": [{"url": letter.url, "reason": letter.reason} for letter in letters],
        "limit": LETTERS_LIMIT,
    }


async def stop(visit: Visit) -> Done:
    """End all workers of a crawl, on all nodes."""
    return await _change(visit, "stop")


async def resume(visit: Visit) -> Done:
    """Let workers join a stopped crawl again."""
    return await _change(visit, "resume")


async def retry(visit: Visit) -> Done:
    """Put the dead letters of a crawl back into its queue."""
    return await _change(visit, "retry")


async def add_workers(visit: Visit) -> Done:
    """Start jobs that join the crawl, like the last one that worked on it."""
    row, problem = await _row(visit)
    back = address(OVERVIEW, visit.names)
    if row is None:
        return _away(back, problem)
    number = whole(visit.field("workers", "1"))
    if number is None or not 1 <= number <= WORKERS_LIMIT:
        most = {"most": WORKERS_LIMIT}
        return Done(back, "The number of workers is from 1 to {most}", most, bad=True)
    projects = _projects(visit, row)
    if not projects:
        return Done(back, "No project of this node has the spider of this crawl", bad=True)
    like = next(iter(await _jobs(visit)), None)
    job = Job(
        like.project if like else projects[0],
        visit.names["spider"],
        uuid.uuid4().hex,
        version=like.version if like else None,
        args=dict(like.args) if like else {},
        settings=dict(like.settings) if like else {},
        user=visit.user_name,
    )
    job.crawl = job.args["crawl"] = visit.names["crawl"]
    jobs, _ = await visit.actions.schedule(job, number)
    return Done(back, "New workers: {count}", values={"count": len(jobs)})


async def _change(visit: Visit, what: str) -> Done:
    name, shared = _name(visit), visit.actions.crawls
    back = address(OVERVIEW, visit.names)
    await _row(visit)
    try:
        if what == "stop":
            done = await shared.stop(name)
            return Done(
                back, "The crawl is stopped: its workers end, and nothing is lost" if done else _STOPPED
            )
        if what == "resume":
            done = await shared.resume(name)
            return Done(back, "The crawl is open again: add workers" if done else "The crawl was not stopped")
        count, reopened = await shared.retry(name)
    except AwayError as exc:
        return Done(back, exc.text, exc.values, bad=True)
    except ConfigError:
        return Done(back, "The crawl has finished or expired", bad=True)
    text = "Requests that wait again: {count}. The crawl had finished and is open again: add workers"
    values = {"count": count}
    return Done(back, text if reopened else "Requests that wait again: {count}", values)


def _away(back: str, problem: dict[str, Any] | None) -> Done:
    text, values = (problem["text"], problem["values"]) if problem else ("", {})
    return Done(back, text, values, bad=True)


async def _row(visit: Visit) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the crawl and None, or None and the problem why it can't be read.

    Raises:
        NotFoundError: the crawl does not exist, or the user may not see it.
    """
    try:
        row = await visit.actions.crawls.show(_name(visit))
    except AwayError as exc:
        return None, {"text": exc.text, "values": exc.values}
    except (UnknownCrawlError, ConfigError):
        raise NotFoundError("crawl", visit.names["crawl"]) from None
    if not _sees(visit, row):
        raise NotFoundError("crawl", visit.names["crawl"])
    return row, None


async def _jobs(visit: Visit) -> list[Job]:
    """Return the jobs of this node that work or worked on the crawl, the live ones first."""
    names, node = visit.names, visit.actions.node
    only = Filter(spider=names["spider"], crawl=names["crawl"])
    live = [job for job in node.jobs if only.accepts(job)]
    ended = await deferToThread(node.store.ended, JOBS_LIMIT, only)
    return [job for job in (*live, *ended) if visit.sees(job.project)]


def _job_data(visit: Visit, job: Job) -> dict[str, Any]:
    return job_data(job, visit.activity.pages_per_minute(job))


def _worker(worker: dict[str, Any], jobs: list[Job]) -> dict[str, Any]:
    """Return host, process and silence of a worker, and its job if this node has it."""
    host, _, rest = worker["worker"].rpartition(":")[0].rpartition(":")
    job = next((job for job in jobs if not job.ended and str(job.pid) == rest), None)
    return {
        "host": host or worker["worker"],
        "pid": rest,
        "silent_s": worker["silent_s"],
        "job": job.id if job else None,
        "project": job.project if job else None,
    }


def _projects(visit: Visit, row: dict[str, Any]) -> list[str]:
    projects = set(visit.actions.projects())
    return [project for project in row["projects"] if project in projects and visit.sees(project)]


def _sees(visit: Visit, row: dict[str, Any]) -> bool:
    """Return True if the user may see a crawl: one with projects sees only the crawls of their jobs."""
    is_free = visit.user is None or not visit.user.projects
    return is_free or any(visit.sees(project) for project in row["projects"])


def _name(visit: Visit) -> CrawlName:
    names = visit.names
    return CrawlName(names["server"], names["bot"], names["spider"], names["crawl"])


_STOPPED = "The crawl is stopped: its workers end, and nothing is lost"

SCREENS = (
    Screen("/crawls", crawls, "crawls.html", nav="crawls", live="crawl"),
    Screen(OVERVIEW, crawl, "crawl.html", nav="crawls", live="crawl job"),
    Screen(FAILED, failed, "crawl_failed.html", nav="crawls", live="crawl"),
)
ACTIONS = (
    Action(OVERVIEW.replace("overview", "stop"), stop, Role.OPERATOR),
    Action(OVERVIEW.replace("overview", "resume"), resume, Role.OPERATOR),
    Action(OVERVIEW.replace("overview", "retry"), retry, Role.OPERATOR),
    Action(OVERVIEW.replace("overview", "workers"), add_workers, Role.OPERATOR),
)
