"""What each route of /api/v1 does. The first line of a docstring is its summary in the OpenAPI document."""

import json
import math
import signal
import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from twisted.internet.threads import deferToThread

from aioscrapy.version import __version__
from aioscrapy_scrapyd.actions import NotFoundError
from aioscrapy_scrapyd.api.call import JOB_FIELDS, Call
from aioscrapy_scrapyd.joblog import LEVELS, read_log
from aioscrapy_scrapyd.jobview import about, cursor_behind, cursor_of
from aioscrapy_scrapyd.numbers import whole
from aioscrapy_scrapyd.state.history import Filter
from aioscrapy_scrapyd.state.job import Job, JobError, State
from aioscrapy_scrapyd.state.jobs import starting_order

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "object": (dict,),
    "number": (int, float),
    "integer": (int,),
}


async def status(call: Call) -> dict[str, Any]:
    """Count the jobs and the free slots, and name what is wrong with the node."""
    jobs, store = call.actions.node.jobs, call.actions.node.store
    running = len(jobs.live())
    return {
        "node_name": call.actions.node_name,
        "version": __version__,
        "finished": await deferToThread(store.count_ended),
        "pending": jobs.count_pending(),
        "running": running,
        "slots": jobs.limits.slots,
        "free": jobs.limits.slots - running,
        "problems": call.actions.node.problems(),
    }


async def projects(call: Call) -> dict[str, Any]:
    """List the projects."""
    return {"projects": list(call.actions.projects())}


async def delete_project(call: Call) -> dict[str, Any]:
    """Delete a project with all its versions."""
    await call.actions.delete(call.path["project"], None)
    return {"project": call.path["project"]}


async def versions(call: Call) -> dict[str, Any]:
    """List the versions of a project, and which one is active."""
    project = call.path["project"]
    call.actions.check_project(project)
    stored, active = await call.actions.versions(project)
    return {
        "versions": [call.actions.eggs.records.about(project, version) for version in stored],
        "active": active,
    }


async def deploy(call: Call) -> dict[str, Any]:
    """Take in an egg and make it the active version."""
    project, version = call.path["project"], call.path["version"]
    record = await call.actions.deploy(project, version, call.body, call.user)
    return {"project": project, **call.actions.eggs.records.about(project, record.version)}


async def delete_version(call: Call) -> dict[str, Any]:
    """Delete a version."""
    await call.actions.delete(call.path["project"], call.path["version"])
    return dict(call.path)


async def activate(call: Call) -> dict[str, Any]:
    """Make a stored version the one that jobs without a version run."""
    previous = await call.actions.activate(call.path["project"], call.path["version"], call.user)
    return {**call.path, "previous": previous}


async def spiders(call: Call) -> dict[str, Any]:
    """List the spiders of a version."""
    call.actions.check_project(call.path["project"])
    return {"spiders": await call.actions.spiders(call.path["project"], call.query.get("version"))}


async def jobs(call: Call) -> dict[str, Any]:
    """List waiting, running and ended jobs; the newest ended ones first, page by page."""
    only = _filter(call.query)
    limit = _whole(call.query, "limit", 100, 1000)
    before = cursor_of(call.query["before"]) if "before" in call.query else None
    node = call.actions.node
    ended = await deferToThread(node.store.ended, limit, only, before) if only.is_about_ended else []
    here = [] if before or only.since or only.until else [one for one in node.jobs if only.accepts(one)]
    live = [one for one in here if one.state is not State.PENDING]
    waiting = [one for one in here if one.state is State.PENDING]
    return {
        "pending": [_job(one) for one in sorted(waiting, key=starting_order)],
        "running": [_job(one) for one in sorted(live, key=lambda one: one.seq)],
        "ended": [_job(one) for one in ended],
        "next": cursor_behind(ended[-1]) if len(ended) == limit else None,
    }


def _filter(query: dict[str, str]) -> Filter:
    states = frozenset(filter(None, query.get("state", "").split(",")))
    unknown = sorted(states - set(State))
    if unknown:
        raise JobError(f"state={unknown[0][:80]!r} is not one of {', '.join(State)}")
    return Filter(
        query.get("project"),
        query.get("spider"),
        query.get("crawl"),
        states,
        query.get("text", ""),
        _time(query, "since"),
        _time(query, "until"),
    )


async def schedule(call: Call) -> dict[str, Any]:
    """Take in a job, or several jobs that work on one crawl."""
    fields = _fields(call.body)
    job = Job(
        fields.get("project", ""),
        fields.get("spider", ""),
        fields.get("job") or uuid.uuid1().hex,
        version=fields.get("version"),
        args=_texts("args", fields.get("args", {})),
        settings=_texts("settings", fields.get("settings", {})),
        priority=fields.get("priority", 0),
        user=call.user,
        timeout_s=fields.get("timeout", 0),
        retries=fields.get("retries", 0),
    )
    call.check_access(job.project)
    taken, is_new = await call.actions.schedule(job, fields.get("instances", 1))
    return {"jobs": [_job(one) for one in taken], "crawl": taken[0].crawl or None, "existing": not is_new}


async def job(call: Call) -> dict[str, Any]:
    """Return one job."""
    return _job(await _find(call))


async def cancel(call: Call) -> dict[str, Any]:
    """Stop a job, or all jobs of a crawl; a second call ends it within a second."""
    at_once = call.query.get("now", "no")
    if at_once not in {"yes", "no"}:
        raise JobError(f"now={at_once[:80]!r} is not yes or no")
    number = signal.SIGKILL if at_once == "yes" else signal.SIGINT
    states = call.actions.cancel(call.path["project"], call.path["job"], call.user, number)
    if not states:
        await _find(call)  # an ended job is no error: nothing is to be stopped
    return {"jobs": states}


async def retry(call: Call) -> dict[str, Any]:
    """Start a new job with the version, the arguments and the settings of an ended one."""
    return {"jobs": [_job(await call.actions.retry(await _find(call), call.user))]}


async def samples(call: Call) -> dict[str, Any]:
    """Return the counters of a job over its time, the oldest first."""
    one = await _find(call)
    rows = await deferToThread(call.actions.node.store.samples, *one.key)
    return {"samples": [asdict(row) for row in rows]}


async def log(call: Call) -> dict[str, Any]:
    """Return lines of a job's log."""
    found = await _find(call)
    level = call.query.get("level", "")
    if level and level.upper() not in LEVELS:
        raise JobError(f"level={level[:80]!r} is not one of {', '.join(LEVELS)}")
    if not found.log:
        raise NotFoundError("log of job", found.id)
    after = _whole(call.query, "after", -1, 10**18, least=0) if "after" in call.query else None
    tail = _whole(call.query, "tail", 200, 10_000)
    return await deferToThread(read_log, Path(found.log), tail, after, level.upper())


async def _find(call: Call) -> Job:
    found = await call.actions.job(call.path["project"], call.path["job"])
    if found is None:
        raise NotFoundError("job", call.path["job"])
    return found


def _job(one: Job) -> dict[str, Any]:
    return {
        "job": one.id,
        "project": one.project,
        "spider": one.spider,
        "priority": one.priority,
        "created": one.created or None,
        "started": one.started or None,
        "ended": one.ended or None,
        "pid": one.pid or None,
        "by": one.user or None,
        "seconds": _seconds(one),
        "log_url": _file_url("logs", one, "log") if one.log else None,
        "items_url": _file_url("items", one, "jl") if one.items else None,
        **about(one),
    }


def _seconds(one: Job) -> float | None:
    """Return how long a job ran, or has run so far, by the clock of the node; None if it has not started."""
    return max(0.0, (one.ended or time.time()) - one.started) if one.started else None


def _file_url(folder: str, one: Job, suffix: str) -> str:
    return quote(f"/{folder}/{one.project}/{one.spider}/{one.id}.{suffix}")


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise JobError("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise JobError("the body is not a JSON object")
    for name, value in fields.items():
        if name not in JOB_FIELDS:
            raise JobError(f"{name[:80]!r} is not a field of a job; the fields are {', '.join(JOB_FIELDS)}")
        kind = JOB_FIELDS[name][0]
        if not isinstance(value, _TYPES[kind]) or isinstance(value, bool) or _is_huge(value):
            raise JobError(f"{name} is not of type {kind}")
    return fields


def _is_huge(value: Any) -> bool:
    return isinstance(value, int) and abs(value) > 2**63


def _texts(name: str, values: dict[str, Any]) -> dict[str, str]:
    for key, value in values.items():
        if not isinstance(value, str):
            raise JobError(f"{name}: the value of {key[:80]!r} is not a text")
    return dict(values)


def _time(query: dict[str, str], name: str) -> float:
    text = query.get(name, "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise JobError(f"{name}={text[:80]!r} is not a number of seconds since 1970")
    return seconds


def _whole(query: dict[str, str], name: str, default: int, most: int, *, least: int = 1) -> int:
    text = query.get(name)
    if text is None:
        return default
    number = whole(text)
    if number is None or not least <= number <= most:
        raise JobError(f"{name}={text[:80]!r} is not a whole number from {least} to {most}")
    return number
