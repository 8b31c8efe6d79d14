"""The list of all jobs, and what can be done with those that are selected."""

import signal
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from aioscrapy_scrapyd.actions import NotFoundError
from aioscrapy_scrapyd.spidernames import ListingError
from aioscrapy_scrapyd.state.history import Filter
from aioscrapy_scrapyd.state.job import ENDED, Job, JobError, State
from aioscrapy_scrapyd.users import Role
from aioscrapy_scrapyd.web.jobdata import job_data
from aioscrapy_scrapyd.web.joblist import FILTERS, SPANS, STATES, counts, filter_of, read_page
from aioscrapy_scrapyd.web.screen import Action, Data, Done, Screen, Visit, address

# Jobs of a page.
LIMIT = 50


async def jobs(visit: Visit) -> Data:
    """Return one page of the list, with the totals of the node above it."""
    node = visit.actions.node
    only = filter_of(visit)
    page = await read_page(node, visit.ended, only, visit.ask("begin"), LIMIT)
    mine = Filter(projects=only.projects)
    midnight = time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))
    today = await visit.ended.counts(Filter(projects=only.projects, since=midnight))
    pages, items = visit.activity.history(visit.sees)
    return {
        "jobs": [job_data(job, visit.activity.pages_per_minute(job)) for job in page.jobs],
        "next": page.next or None,
        "totals": {
            **counts(node.jobs, mine),
            "slots": node.jobs.limits.slots,
            "failed_today": today.get(State.FAILED, 0),
            "ended_today": sum(today.values()),
            "pages_per_minute": pages,
            "items_per_minute": items,
        },
        "filter": {name: visit.ask(name) for name in FILTERS},
        "projects": sorted(project for project in visit.actions.projects() if visit.sees(project)),
        "states": list(STATES),
        "spans": list(SPANS),
        "problems": list(node.problems()) if visit.may(Role.OPERATOR) else [],
    }


async def change(visit: Visit) -> Done:
    """Do something with one job (a button of its row) or with all that are selected."""
    do, rows = visit.field("do"), visit.fields("job")
    for name in _DOING:
        if visit.field(name):
            do, rows = name, [visit.field(name)]
    back = address("/", None, **_filters(visit.field("back")))
    if do not in _DOING or not rows:
        return Done(back, "Nothing was selected", bad=True)
    doing, message = _DOING[do]
    problems: list[str] = []
    done = 0
    for row in dict.fromkeys(rows):
        project, _, name = row.partition("/")
        try:
            if not visit.sees(project):
                raise NotFoundError("job", name)
            done += await doing(visit, project, name)
        except (JobError, NotFoundError, ListingError) as exc:
            problems.append(str(exc))
    if problems:
        values: dict[str, str | int] = {"done": done, "problem": problems[0], "count": len(problems)}
        return Done(back, "{done} done, {count} not: {problem}", values, bad=True)
    return replace(message, address=back, values={"count": done})


async def stop_job(visit: Visit, project: str, name: str) -> int:
    """Stop one job; returns the number of jobs that were stopped."""
    return _cancel(visit, project, name, signal.SIGINT)


async def kill_job(visit: Visit, project: str, name: str) -> int:
    """End the process of one job at once."""
    return _cancel(visit, project, name, signal.SIGKILL)


async def run_again(visit: Visit, project: str, name: str) -> int:
    """Start a new job like an ended one."""
    job = await visit.actions.job(project, name)
    if job is None:
        raise NotFoundError("job", name)
    await visit.actions.retry(job, visit.user_name)
    return 1


def _cancel(visit: Visit, project: str, name: str, number: int) -> int:
    node = visit.actions.node
    job: Job | None = node.jobs.get(project, name)
    if job is None or job.state in ENDED:
        return 0
    node.cancel(job, visit.user_name, number=number)
    return 1


def _filters(back: str) -> dict[str, Any]:
    return {name: value for name, value in parse_qsl(back) if name in {*FILTERS, "begin"}}


_DOING = {
    "stop": (stop_job, Done("/", "Jobs that are being stopped: {count}")),
    "kill": (kill_job, Done("/", "Jobs that were killed: {count}")),
    "again": (run_again, Done("/", "New jobs: {count}")),
}

SCREENS = (Screen("/", jobs, "jobs.html", nav="jobs", live="job stats"),)
ACTIONS = (Action("/", change, Role.OPERATOR),)
