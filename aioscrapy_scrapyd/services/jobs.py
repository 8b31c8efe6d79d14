"""Services about jobs: schedule.json, cancel.json, listjobs.json, status.json, daemonstatus.json."""

import uuid
from typing import Any

from scrapyd.webservice import param
from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.jobview import JobView, message_of, signal_number
from aioscrapy_scrapyd.services.base import NodeResource, not_found, user_of
from aioscrapy_scrapyd.state.job import ENDED, Job, JobError, State, check_arguments, check_job_id, check_name

# Jobs that one call may start.
INSTANCES_LIMIT = 256
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
        self.check_project(project)
        if spider not in await self.spiders_of(project, options["version"]):
            raise not_found("spider", spider)
        if not 1 <= instances <= INSTANCES_LIMIT:
            raise JobError(f"instances={instances} is not a number from 1 to {INSTANCES_LIMIT}")
        job = Job(
            check_name("project", project),
            check_name("spider", spider),
            check_job_id(jobid),
            version=options["version"],
            priority=_finite("priority", options["priority"]),
            args={name.decode(): values[0].decode() for name, values in txrequest.args.items()},
            settings=dict(_pair(line) for line in options["setting"]),
            user=user_of(txrequest),
            timeout_s=_finite("timeout", options["timeout"]),
            retries=options["retries"],
        )
        check_arguments(job.args, job.settings)
        if instances == 1:
            taken, is_new = await self.node.schedule(job)
            return {"jobid": taken.id, **({} if is_new else {"existing": True})}
        crawl = job.args.setdefault("crawl", uuid.uuid4().hex[:12])
        jobs = [job, *(_sibling(job, number) for number in range(2, instances + 1))]
        for started in jobs:
            started.crawl = crawl
            await self.node.schedule(started)
        return {"jobid": job.id, "jobids": [one.id for one in jobs], "crawl": crawl}


class Cancel(NodeResource):
    """Stop a job, or all jobs of a crawl."""

    @param("project")
    @param("job")
    @param("signal", required=False, default="INT")
    def render_POST(self, txrequest: Any, project: str, job: str, signal: str) -> dict[str, Any]:
        self.check_project(project)
        number = signal_number(signal)
        known = self.node.jobs.get(project, job)
        jobs = [one for one in self.node.jobs if one is known or (one.project, one.crawl) == (project, job)]
        states = {one.id: self.node.cancel(one, user_of(txrequest), number=number) for one in jobs}
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
            self.check_project(project)
        finished = self.root.launcher.finished
        if limit or before or spider or state in ENDED:
            page = min(limit or 100, PAGE_LIMIT)
            stored = await deferToThread(
                self.node.store.ended,
                page,
                project=project,
                spider=spider,
                state=state if state in ENDED else None,
                before=_cursor(before) if before else None,
            )
            finished = [JobView(job) for job in stored]

        def wanted(job: Any) -> bool:
            return (project is None or job.project == project) and (spider is None or job.spider == spider)

        waiting = [job for job in self.node.jobs.pending() if wanted(job)]
        answer = {
            "pending": [self._pending(job) for job in waiting],
            "running": [self._running(job) for job in self.root.launcher.processes.values() if wanted(job)],
            "finished": [self._finished(job) for job in finished if wanted(job)],
        }
        if limit or before:
            last = finished[-1].model if finished else None
            # a text among the lists of jobs
            answer["next"] = f"{last.ended!r}-{last.seq}" if last and len(finished) == page else None  # type: ignore[assignment]
        return answer

    def _pending(self, job: Job) -> dict[str, Any]:
        message = message_of(job)
        return {
            "id": job.id,
            "project": job.project,
            "spider": job.spider,
            "version": job.version,
            "settings": job.settings,
            "args": {name: value for name, value in message.items() if name not in _NOT_ARGUMENTS},
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
        return {**fields, **_more(job)} if isinstance(job, JobView) else fields

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
        return {**fields, **_more(job)} if isinstance(job, JobView) else fields


class Status(NodeResource):
    """Say where a job stands."""

    @param("job")
    @param("project", required=False, default=None)
    async def render_GET(self, txrequest: Any, job: str, project: str | None) -> dict[str, Any]:
        if project is not None:
            self.check_project(project)
        here = [one for one in self.node.jobs if one.id == job and project in (None, one.project)]
        model = here[0] if here else await deferToThread(self.node.store.find, project, job)
        if model is not None:
            return {"currstate": _stock_state(model.state), **_more(JobView(model))}
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
        launcher, jobs = self.root.launcher, self.node.jobs
        problems = [self.node.store.problem] if self.node.store.problem else []
        return {
            "pending": jobs.count_pending(),
            "running": len(launcher.processes),
            "finished": len(launcher.finished),
            "slots": jobs.limits.slots,
            "problems": problems,
        }


_NOT_ARGUMENTS = {"name", "_job", "_version", "settings"}


def _stock_state(state: State) -> str:
    if state is State.PENDING:
        return "pending"
    return "finished" if state in ENDED else "running"


def _more(view: JobView) -> dict[str, Any]:
    """Return what a node knows of a job beside what Scrapyd says."""
    job = view.model
    return {
        "state": job.state,
        "reason": job.reason or None,
        "exit_status": job.exit_status,
        "signal": job.signal or None,
        "version": job.version,
        "args": job.args,
        "settings": job.settings,
        "crawl": job.crawl or None,
        "attempt": job.attempt,
        "pages": job.counts.get("pages"),
        "items": job.counts.get("items"),
        "errors": job.counts.get("errors"),
        "waiting": job.counts.get("waiting"),
        "cpu_s": job.counts.get("cpu_s"),
        "rss": job.counts.get("rss"),
    }


def _cursor(before: str) -> tuple[float, int]:
    ended, _, seq = before.rpartition("-")
    try:
        return float(ended), int(seq)
    except ValueError:
        raise JobError(f"before={before[:80]!r} is not a cursor: take `next` of the page before") from None


def _pair(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals:
        raise JobError(f"setting {line[:80]!r} is not NAME=VALUE")
    return name, value


def _finite(name: str, number: float) -> float:
    if number != number or number in {float("inf"), float("-inf")}:
        raise JobError(f"{name}={number} is not a number")
    return number


def _sibling(job: Job, number: int) -> Job:
    return Job(
        job.project,
        job.spider,
        check_job_id(f"{job.id}-{number}"),
        version=job.version,
        priority=job.priority,
        args=dict(job.args),
        settings=job.settings,
        user=job.user,
        timeout_s=job.timeout_s,
        retries=job.retries,
    )
