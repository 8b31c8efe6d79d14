"""The list of all jobs: those that wait, run and have ended."""

from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.state.job import Job
from aioscrapy_scrapyd.users import Role
from aioscrapy_scrapyd.web.jobdata import job_data
from aioscrapy_scrapyd.web.screen import Action, Data, Done, Screen, Visit

LIMIT = 50


async def jobs(visit: Visit) -> Data:
    """Return one page of the list."""
    node = visit.actions.node
    here = [job for job in node.jobs if visit.sees(job.project)]
    ended: list[Job] = await deferToThread(node.store.ended, LIMIT)
    return {"jobs": [job_data(job) for job in (*here, *ended)]}


async def stop(visit: Visit) -> Done:
    """Stop the selected jobs."""
    return Done("/", "Nothing was selected", bad=True)


SCREENS = (Screen("/", jobs, "jobs.html", nav="jobs", live="job stats"),)
ACTIONS = (Action("/", stop, Role.OPERATOR),)
