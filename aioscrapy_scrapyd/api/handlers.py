"""What each route of /api/v1 does. The first line of a docstring is its summary in the OpenAPI document."""

import json
import uuid
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.actions import NotFoundError
from aioscrapy_scrapyd.api.call import JOB_FIELDS, Call
from aioscrapy_scrapyd.joblog import LEVELS, read_log
from aioscrapy_scrapyd.jobview import about, cursor_behind, cursor_of
from aioscrapy_scrapyd.state.job import ENDED, Job, JobError, State

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
        "pending": jobs.count_pending(),
        "running": running,
        "slots": jobs.limits.slots,
        "free": jobs.limits.slots - running,
        "problems": [store.problem] if store.problem else [],
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
    query = call.query
    project, spider, state = query.get("project"), query.get("spider"), query.get("state")
    if state is not None and state not in ENDED:
        raise JobError(f"state={state[:80]!r} is not one of {', '.join(sorted(ENDED))}")
    limit = _whole(query, "limit", 100, 1000)
    before = cursor_of(query["before"]) if "before" in query else None
    node = call.actions.node
    ended = await deferToThread(
        node.store.ended, limit, project=project, spider=spider, state=state, before=before
    )
    here = [one for one in node.jobs if project in (None, one.project) and spider in (None, one.spider)]
    live = sorted((one for one in here if one.state is not State.PENDING), key=lambda one: one.seq)
    waiting = [one for one in node.jobs.pending() if one in here]
    return {
        "pending": [] if state or before else [_job(one) for one in waiting],
        "running": [] if state or before else [_job(one) for one in live],
        "ended": [_job(one) for one in ended],
        "next": cursor_behind(ended[-1]) if len(ended) == limit else None,
    }


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
    states = call.actions.cancel(call.path["project"], call.path["job"], call.user)
    if not states:
        await _find(call)  # an ended job is no error: nothing is to be stopped
    return {"jobs": states}


async def retry(call: Call) -> dict[str, Any]:
    """Start a new job with the version, the arguments and the settings of an ended one."""
    old = await _find(call)
    if old.state not in ENDED:
        raise JobError(f"job {old.id!r} has not ended")
    new = Job(
        old.project,
        old.spider,
        uuid.uuid1().hex,
        version=old.version,
        priority=old.priority,
        args=dict(old.args),
        settings=dict(old.settings),
        user=call.user,
        timeout_s=old.timeout_s,
        retries=old.retries,
    )
    taken, _ = await call.actions.schedule(new)
    return {"jobs": [_job(one) for one in taken]}


async def log(call: Call) -> dict[str, Any]:
    """Return lines of a job's log."""
    found = await _find(call)
    level = call.query.get("level", "")
    if level and level.upper() not in LEVELS:
        raise JobError(f"level={level[:80]!r} is not one of {', '.join(LEVELS)}")
    if not found.log:
        raise NotFoundError("log of job", found.id)
    after = _whole(call.query, "after", -1, 2**63, least=0) if "after" in call.query else None
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
        **about(one),
    }


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError:
        raise JobError("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise JobError("the body is not a JSON object")
    for name, value in fields.items():
        if name not in JOB_FIELDS:
            raise JobError(f"{name[:80]!r} is not a field of a job; the fields are {', '.join(JOB_FIELDS)}")
        kind = JOB_FIELDS[name][0]
        if not isinstance(value, _TYPES[kind]) or isinstance(value, bool):
            raise JobError(f"{name} is not of type {kind}")
    return fields


def _texts(name: str, values: dict[str, Any]) -> dict[str, str]:
    for key, value in values.items():
        if not isinstance(value, str):
            raise JobError(f"{name}: the value of {key[:80]!r} is not a text")
    return dict(values)


def _whole(query: dict[str, str], name: str, default: int, most: int, *, least: int = 1) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise JobError(f"{name}={text[:80]!r} is not a whole number from {least} to {most}")
    return int(text)
