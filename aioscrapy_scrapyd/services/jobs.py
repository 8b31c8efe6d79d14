"""Services about jobs: schedule.json, cancel.json, listjobs.json, status.json, daemonstatus.json."""

import uuid
from typing import Any

from scrapyd.webservice import param
from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.jobview import JobView, about, cursor_behind, cursor_of, signal_number
from aioscrapy_scrapyd.services.base import NodeResource, user_of
from aioscrapy_scrapyd.state.history import Filter
from aioscrapy_scrapyd.state.job import ENDED, Job, JobError, State, masked

# Ended jobs of one page of listjobs.json at most.
PAGE_LIMIT = 1000


class Schedule(NodeResource):
    """Take in one job, or `instances` jobs that work on one crawl."""

    @param("project")
    @param("spider")
    @param("_version", dest="version", required=False, default=None)
    @param("jobid", required=False, default=lambda: uuid.uuid1().hex)
    @param("priority", required=False, default=0, type=float)
    @param("setting", required=False, default=list, multiple=True)
    @param("instances", required=False, default=1, type=int)
    @param("timeout", required=False, default=0, type=float)
    @param("retries", required=False, default=0, type=int)
    async def render_POST(
        self, txrequest: Any, project: str, spider: str, jobid: str, instances: int, **options: Any
    ) -> dict[str, Any]:
        job = Job(
            project,
            spider,
            jobid,
            version=options["version"],
            priority=options["priority"],
            args=dict(_argument(name, values[0]) for name, values in txrequest.args.items()),
            settings=dict(_pair(line) for line in options["setting"]),
            user=user_of(txrequest),
            timeout_s=options["timeout"],
            retries=options["retries"],
        )
        jobs, is_new = await self.actions.schedule(job, instances)
        if instances > 1 and is_new:
            return {"jobid": job.id, "jobids": [one.id for one in jobs], "crawl": job.crawl}
        return {"jobid": jobs[0].id, **({} if is_new else {"existing": True})}


class Cancel(NodeResource):
    """Stop a job, or all jobs of a crawl."""

    @param("project")
    @param("job")
    @param("signal", required=False, default="INT")
    def render_POST(self, txrequest: Any, project: str, job: str, signal: str) -> dict[str, Any]:
        number = signal_number(signal)
        states = self.actions.cancel(project, job, user_of(txrequest), number)
        previous = "running" if any(state != "pending" for state in states.values()) else "pending"
        for process in list(self.root.launcher.processes.values()):  # of another launcher
            if not isinstance(process, JobView) and (process.project, process.job) == (project, job):
                process.transport.signalProcess(number if signal.isdigit() else signal)
                states[job], previous = State.RUNNING, "running"
        if not states:
            return {"prevstate": None}
        return {"prevstate": previous, **({"jobs": states} if len(states) > 1 else {})}


class ListJobs(NodeResource):
    """List waiting, running and ended jobs; the newest ended ones first, page by page with `before`."""

    @param("project", required=False, default=None)
    @param("spider", required=False, default=None)
    @param("state", required=False, default=None)
    @param("limit", required=False, default=0, type=int)
    @param("before", required=False, default=None)
    async def render_GET(
        self,
        txrequest: Any,
        project: str | None,
        spider: str | None,
        state: str | None,
        limit: int,
        before: str | None,
    ) -> dict[str, Any]:
        if project is not None:
            self.actions.check_project(project)
        if not 0 <= limit <= PAGE_LIMIT:
            raise JobError(f"limit={limit} is not a whole number from 0 to {PAGE_LIMIT}")
        finished = self.root.launcher.finished
        if limit or before or spider or state in ENDED:
            page = limit or 100
            stored = await deferToThread(
                self.actions.node.store.ended,
                page,
                Filter(project, spider, states=frozenset({state or ""} & ENDED)),
                cursor_of(before) if before else None,
            )
            finished = [JobView(job) for job in stored]

        def wanted(job: Any) -> bool:
            return (project is None or job.project == project) and (spider is None or job.spider == spider)

        is_first = not before and state not in ENDED  # pages behind the first one have ended jobs alone
        waiting = [job for job in self.actions.node.jobs.pending() if wanted(job)] if is_first else []
        processes = self.root.launcher.processes.values() if is_first else ()
        answer: dict[str, Any] = {
            "pending": await self._all_pending(waiting),
            "running": [self._running(job) for job in processes if wanted(job)],
            "finished": [self._finished(job) for job in finished if wanted(job)],
        }
        if limit or before:
            answer["next"] = cursor_behind(finished[-1].model) if len(finished) == page else None
        return answer

    async def _all_pending(self, jobs: list[Job]) -> list[dict[str, Any]]:
        if len(jobs) <= PAGE_LIMIT:
            return [self._pending(job) for job in jobs]
        rows: list[dict[str, Any]] = await deferToThread(lambda: [self._pending(job) for job in jobs])
        return rows

    def _pending(self, job: Job) -> dict[str, Any]:
        return {
            "id": job.id,
            "project": job.project,
            "spider": job.spider,
            "version": job.version,
            "settings": masked(job.settings),
            "args": masked(job.args),
        }

    def _running(self, job: Any) -> dict[str, Any]:
        fields = {
            "id": job.job,
            "project": job.project,
            "spider": job.spider,
            "pid": job.pid,
            "start_time": str(job.start_time),
            "log_url": self.root.get_log_url(job),
            "items_url": self.root.get_item_url(job),
        }
        return {**fields, **about(job.model)} if isinstance(job, JobView) else fields

    def _finished(self, job: Any) -> dict[str, Any]:
        fields = {
            "id": job.job,
            "project": job.project,
            "spider": job.spider,
            "start_time": str(job.start_time),
            "end_time": str(job.end_time),
            "log_url": self.root.get_log_url(job),
            "items_url": self.root.get_item_url(job),
        }
        return {**fields, **about(job.model)} if isinstance(job, JobView) else fields


class Status(NodeResource):
    """Say where a job stands."""

    @param("job")
    @param("project", required=False, default=None)
    async def render_GET(self, txrequest: Any, job: str, project: str | None) -> dict[str, Any]:
        if project is not None:
            self.actions.check_project(project)
        model = await self.actions.job(project, job)
        if model is not None:
            return {"currstate": _stock_state(model.state), **about(model)}
        for state, views in (
            ("finished", self.root.launcher.finished),
            ("running", self.root.launcher.processes.values()),
        ):
            if any(view.job == job and project in (None, view.project) for view in views):
                return {"currstate": state}
        return {"currstate": None}


class DaemonStatus(NodeResource):
    """Count the jobs, and name what is wrong with the node."""

    def render_GET(self, txrequest: Any) -> dict[str, Any]:
        launcher, jobs = self.root.launcher, self.actions.node.jobs
        return {
            "pending": jobs.count_pending(),
            "running": len(launcher.processes),
            "finished": len(launcher.finished),
            "slots": jobs.limits.slots,
            "problems": self.actions.node.problems(),
        }


def _stock_state(state: State) -> str:
    if state is State.PENDING:
        return "pending"
    return "finished" if state in ENDED else "running"


def _argument(name: bytes, value: bytes) -> tuple[str, str]:
    try:
        return name.decode(), value.decode()
    except UnicodeDecodeError:
        raise JobError(f"argument {name[:80].decode('utf-8', 'replace')!r} is not UTF-8") from None


def _pair(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals:
        raise JobError(f"setting {line[:80]!r} is not NAME=VALUE")
    return name, value
