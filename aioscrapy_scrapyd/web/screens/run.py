"""Run a spider: project, version, arguments and settings as rows, number of workers, limits."""

import json
import shlex
import uuid
from typing import Any

from aioscrapy_scrapyd.actions import INSTANCES_LIMIT, NotFoundError
from aioscrapy_scrapyd.spidernames import ListingError
from aioscrapy_scrapyd.state.job import Job, JobError, is_secret, masked
from aioscrapy_scrapyd.users import Role
from aioscrapy_scrapyd.web.screen import Action, Data, Done, Preview, Screen, Visit, address

Rows = list[dict[str, Any]]

# Empty rows below the written ones: without JavaScript no button adds one.
SPARE_ROWS = 2
_NUMBERS = {"priority": 0.0, "timeout": 0.0, "workers": 1, "retries": 0}


async def run(visit: Visit) -> Data:
    """Return the form of a project and a version, with the names of its spiders.

    With `like`, the id of a job, it is filled in as that job was started.
    """
    form: dict[str, Any] = {name: visit.ask(name) for name in ("project", "version", "spider")}
    form |= {"args": [], "settings": []}
    if visit.ask("like"):
        form |= await _like(visit, form["project"], visit.ask("like"))
    return await _form_page(visit, form)


async def start(visit: Visit) -> Done | Data | Preview:
    """Start the jobs that the form describes, or return it with the same as a command."""
    form = _form(visit)
    try:
        job, workers = _job(visit, form)
        if not visit.sees(job.project):
            raise NotFoundError("project", job.project)
        if visit.field("as") in _COMMANDS:
            command = _COMMANDS[visit.field("as")](visit, job, workers)
            return Preview({**await _form_page(visit, form), "command": command})
        jobs, _ = await visit.actions.schedule(job, workers)
    except (JobError, NotFoundError, ListingError) as exc:
        return {**await _form_page(visit, form), "problem": str(exc)}
    if len(jobs) == 1:
        names = {"project": job.project, "job": jobs[0].id}
        return Done(address("/job/{project}/{job}/overview", names), "The job is scheduled")
    crawl = jobs[0].crawl
    text = "{count} jobs are scheduled; they work on the crawl {crawl}"
    return Done(address("/", None, crawl=crawl), text, values={"count": len(jobs), "crawl": crawl})


async def _form_page(visit: Visit, form: dict[str, Any]) -> Data:
    """Return the form with the versions of its project and the spiders of its version."""
    actions = visit.actions
    projects = sorted(filter(visit.sees, actions.projects()))
    project = form["project"] if form["project"] in projects else ""
    project = project or (projects[0] if len(projects) == 1 else "")
    versions, active, spiders, problem = list[str](), None, list[str](), ""
    if project:
        versions, active = await actions.versions(project)
        version = form["version"] if form["version"] in versions else ""
        form = {**form, "version": version}
        try:
            spiders = await actions.spiders(project, version or None)
        except (ListingError, NotFoundError) as exc:
            problem = str(exc)
    rows = {name: [*form[name], *(_row("", "") for _ in range(SPARE_ROWS))] for name in ("args", "settings")}
    return {
        **{name: str(default) for name, default in (("workers", 1), ("retries", 0))},
        "priority": "0",
        "timeout": "",
        **form,
        **rows,
        "project": project,
        "projects": projects,
        "versions": list(reversed(versions)),
        "active": active,
        "spiders": spiders,
        "problem": problem,
        "command": "",
        "like": visit.ask("like"),
        "workers_limit": INSTANCES_LIMIT,
    }


async def _like(visit: Visit, project: str, name: str) -> dict[str, Any]:
    """Return the form of a job that exists; the values of secrets are left empty.

    Raises:
        NotFoundError: there is no such job.
    """
    job = await visit.actions.job(project, name) if visit.sees(project) else None
    job = job or (visit.ended.recent(project, name) if visit.sees(project) else None)
    if job is None:
        raise NotFoundError("job", name)
    return {
        "version": job.version or "",
        "spider": job.spider,
        "priority": f"{job.priority:g}",
        "timeout": f"{job.timeout_s:g}" if job.timeout_s else "",
        "retries": str(job.retries),
        "args": _filled(job.args),
        "settings": _filled(job.settings),
    }


def _filled(values: dict[str, str]) -> Rows:
    return [_row(name, "" if is_secret(name) else value) for name, value in values.items()]


def _form(visit: Visit) -> dict[str, Any]:
    names = ("project", "version", "spider", *_NUMBERS)
    return {
        **{name: visit.field(name).strip() for name in names},
        "args": _rows(visit, "arg"),
        "settings": _rows(visit, "setting"),
    }


def _rows(visit: Visit, kind: str) -> Rows:
    names, values = visit.fields(f"{kind}_name"), visit.fields(f"{kind}_value")
    pairs = zip(names, [*values, *[""] * len(names)], strict=False)
    return [_row(name.strip(), value) for name, value in pairs if name.strip() or value]


def _row(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "secret": is_secret(name)}


def _job(visit: Visit, form: dict[str, Any]) -> tuple[Job, int]:
    """Return the job of a form and how many are to be started.

    Raises:
        JobError: a number or a name can't be used.
    """
    numbers = {name: _number(name, form[name], default) for name, default in _NUMBERS.items()}
    job = Job(
        form["project"],
        form["spider"],
        uuid.uuid4().hex,
        version=form["version"] or None,
        args=_pairs("argument", form["args"]),
        settings=_pairs("setting", form["settings"]),
        priority=numbers["priority"],
        timeout_s=numbers["timeout"],
        retries=int(numbers["retries"]),
        user=visit.user_name,
    )
    return job, int(numbers["workers"])


def _number(name: str, text: str, default: float) -> float:
    try:
        value = type(default)(text) if text else default
    except ValueError:
        raise JobError(f"{name}: {text[:80]!r} is not a number") from None
    return value


def _pairs(kind: str, rows: Rows) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for row in rows:
        if not row["name"]:
            raise JobError(f"the {kind} with the value {row['value'][:80]!r} has no name")
        if row["name"] in pairs:
            raise JobError(f"the {kind} {row['name'][:80]!r} is there twice")
        pairs[row["name"]] = row["value"]
    return pairs


def _as_curl(visit: Visit, job: Job, workers: int) -> str:
    """Return the call of /api/v1 that starts the same; secrets are masked."""
    body: dict[str, Any] = {"project": job.project, "spider": job.spider}
    more = {
        "version": job.version,
        "args": masked(job.args),
        "settings": masked(job.settings),
        "priority": job.priority,
        "instances": workers if workers > 1 else 0,
        "timeout": job.timeout_s,
        "retries": job.retries,
    }
    body |= {name: value for name, value in more.items() if value}
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    login = " -H 'Authorization: Bearer aio_…'" if visit.actions.facts.users else ""
    return f"curl -X POST{login} {visit.actions.facts.url}api/v1/jobs -d {data}"


def _as_command(visit: Visit, job: Job, workers: int) -> str:
    """Return the command of the terminal that starts the same; secrets are masked."""
    words = ["aioscrapy", "schedule", "-t", visit.actions.facts.url, "-p", job.project]
    words += ["-v", job.version] if job.version else []
    for option, pairs in (("-a", job.args), ("-s", job.settings)):
        for name, value in masked(pairs).items():
            words += [option, f"{name}={value}"]
    words += ["--priority", f"{job.priority:g}"] if job.priority else []
    words += ["--jobs", str(workers)] if workers > 1 else []
    return shlex.join([*words, job.spider])


_COMMANDS = {"curl": _as_curl, "command": _as_command}

SCREENS = (Screen("/run", run, "run.html", role=Role.OPERATOR, nav="run"),)
ACTIONS = (Action("/run", start, Role.OPERATOR),)
