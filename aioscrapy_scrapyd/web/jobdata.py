"""A job as the pages and their JSON have it."""

import time
from dataclasses import asdict
from typing import Any

from aioscrapy_scrapyd.actions import NotFoundError
from aioscrapy_scrapyd.jobview import about
from aioscrapy_scrapyd.state.job import Job
from aioscrapy_scrapyd.web.screen import Visit


def job_data(job: Job, pages_per_minute: float | None) -> dict[str, Any]:
    """Return what a row of a list needs; times are seconds since 1970, `seconds` is the runtime."""
    end = job.ended or time.time()
    seconds = end - job.started if job.started else None
    return {
        "job": job.id,
        "project": job.project,
        "spider": job.spider,
        "priority": job.priority,
        "created": job.created or None,
        "started": job.started or None,
        "ended": job.ended or None,
        "pid": job.pid or None,
        "by": job.user or None,
        "kill_at": job.kill_at or None,
        "seconds": seconds,
        "pages_per_minute": pages_per_minute,
        **about(job),
    }


def about_job(visit: Visit, job: Job) -> dict[str, Any]:
    """Return what the pages of one job need."""
    place = visit.actions.crawls.crawl_of(job)
    return {
        **job_data(job, visit.activity.pages_per_minute(job)),
        "timeout": job.timeout_s or None,
        "retries": job.retries,
        "stop_asked": job.stop_asked or None,
        "shared": asdict(place) if place is not None else None,
    }


async def find_job(visit: Visit) -> Job:
    """Return the job that the path names.

    Raises:
        NotFoundError: there is none.
    """
    project, name = visit.names["project"], visit.names["job"]
    job = await visit.actions.job(project, name) or visit.ended.recent(project, name)
    if job is None:
        raise NotFoundError("job", name)
    return job
