"""One job: what it does and did, how it was started, and what can be done with it."""

import signal
import time
from collections.abc import Sequence
from typing import Any

from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.state.history import Filter, Sample
from aioscrapy_scrapyd.state.job import ENDED, Job
from aioscrapy_scrapyd.users import Role
from aioscrapy_scrapyd.web.jobdata import about_job, find_job, job_data
from aioscrapy_scrapyd.web.screen import Action, Data, Done, Screen, Visit, address
from aioscrapy_scrapyd.web.visible import visible

PATH = "/job/{project}/{job}"
# Earlier jobs of the same spider, and rows of the audit, that the history has.
EARLIER = 20
_AUDIT = """
SELECT time, user, action, result FROM audit
WHERE time >= ? AND (instr(object, ?) OR instr(action, ?)) ORDER BY time DESC LIMIT 50
"""


async def overview(visit: Visit) -> Data:
    """Return the job with its counters over time."""
    job = await find_job(visit)
    samples: list[Sample] = await deferToThread(visit.actions.node.store.samples, job.project, job.id)
    return {"job": about_job(visit, job), "samples": _series(job, samples)}


async def stats(visit: Visit) -> Data:
    """Return the stats that the job wrote at its end."""
    job = await find_job(visit)
    record, _ = await deferToThread(visit.actions.node.files(job).read)
    values = record.get("stats") if isinstance(record.get("stats"), dict) else {}
    rows = {
        visible(str(name), 200): visible(str(value), 500) for name, value in sorted((values or {}).items())
    }
    return {"job": about_job(visit, job), "stats": rows}


async def arguments(visit: Visit) -> Data:
    """Return the arguments and settings of the job; secrets are masked."""
    return {"job": about_job(visit, await find_job(visit))}


async def history(visit: Visit) -> Data:
    """Return what happened to the job, and the jobs of its spider before and after it."""
    job = await find_job(visit)
    store = visit.actions.node.store
    only = Filter(project=job.project, spider=job.spider)
    earlier: list[Job] = await deferToThread(store.ended, EARLIER, only)
    changes: list[Any] = []
    if visit.may(Role.OPERATOR):
        path = address(PATH, {"project": job.project, "job": job.id}) + "/"
        values = [job.created, job.id, path]
        changes = await deferToThread(store.query, _AUDIT, values)
    return {
        "job": about_job(visit, job),
        "earlier": [job_data(one, visit.activity.pages_per_minute(one)) for one in earlier],
        "changes": [
            {"time": when, "user": user, "action": visible(action, 200), "result": result}
            for when, user, action, result in changes
        ],
    }


async def stop(visit: Visit) -> Done:
    """Ask the job to end."""
    return await _cancel(visit, signal.SIGINT, "The job is being stopped")


async def kill(visit: Visit) -> Done:
    """End the process of the job at once."""
    return await _cancel(visit, signal.SIGKILL, "The job was killed")


async def again(visit: Visit) -> Done:
    """Start a new job like this one."""
    new = await visit.actions.retry(await find_job(visit), visit.user_name)
    names = {"project": new.project, "job": new.id}
    return Done(address(f"{PATH}/overview", names), "This job runs again what you chose")


async def _cancel(visit: Visit, number: int, message: str) -> Done:
    job = await find_job(visit)
    back = address(f"{PATH}/overview", {"project": job.project, "job": job.id})
    if job.state in ENDED:
        return Done(back, "The job has ended already", bad=True)
    visit.actions.node.cancel(job, visit.user_name, number=number)
    return Done(back, message)


def _series(job: Job, samples: Sequence[Sample]) -> dict[str, list[float]]:
    """Return time -> counts per minute since the sample before, and what there was at that time."""
    series: dict[str, list[float]] = {
        name: [] for name in ("time", "pages", "items", "errors", "waiting", "memory")
    }
    before = Sample(job.started or (samples[0].time if samples else time.time()), 0, 0, 0, 0, 0)
    for sample in samples:
        minutes = (sample.time - before.time) / 60
        if minutes <= 0:
            continue
        series["time"].append(round(sample.time, 1))
        for name in ("pages", "items", "errors"):
            more = max(0, getattr(sample, name) - getattr(before, name))
            series[name].append(round(more / minutes, 1))
        series["waiting"].append(sample.waiting)
        series["memory"].append(round(sample.rss / 1e6, 1))
        before = sample
    return series


SCREENS = (
    Screen(f"{PATH}/overview", overview, "job_overview.html", nav="jobs", live="job stats"),
    Screen(f"{PATH}/stats", stats, "job_stats.html", nav="jobs", live="job"),
    Screen(f"{PATH}/arguments", arguments, "job_arguments.html", nav="jobs", live="job"),
    Screen(f"{PATH}/history", history, "job_history.html", nav="jobs", live="job"),
)
ACTIONS = (
    Action(f"{PATH}/stop", stop, Role.OPERATOR),
    Action(f"{PATH}/kill", kill, Role.OPERATOR),
    Action(f"{PATH}/again", again, Role.OPERATOR),
)
