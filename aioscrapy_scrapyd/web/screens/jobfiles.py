"""What a job wrote: its log and its items, as pages and as downloads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.actions import NotFoundError
from aioscrapy_scrapyd.joblog import LEVELS
from aioscrapy_scrapyd.numbers import whole
from aioscrapy_scrapyd.state.job import ENDED, Job, JobError
from aioscrapy_scrapyd.web.itemfile import FORMATS, converted, read_items
from aioscrapy_scrapyd.web.jobdata import about_job, find_job
from aioscrapy_scrapyd.web.logfile import Part, Wish, line_start, pieces, read_after, read_before
from aioscrapy_scrapyd.web.screen import Data, Raw, Screen, Visit

PATH = "/job/{project}/{job}"
_KINDS = {"jl": "application/jsonl", "json": "application/json", "csv": "text/csv; charset=utf-8"}


async def log(visit: Visit) -> Data:
    """Return lines of the log: the last ones, those before or behind a byte, those around it."""
    job = await find_job(visit)
    level = visit.ask("level").upper()
    if level and level not in LEVELS:
        raise JobError(f"level={level[:80]!r} is not one of {', '.join(LEVELS)}")
    wish = Wish(level, visit.ask("q").strip())
    places = {name: _byte(visit, name) for name in ("before", "after", "at")}
    part = await _read(job.log, lambda path: _part(path, wish, complete=job.state in ENDED, **places))
    return {
        "job": about_job(visit, job),
        "exists": part is not None,
        "level": level,
        "q": wish.text,
        "at": places["at"],
        "from": part.begin if part else 0,
        "to": part.end if part else 0,
        "size": part.size if part else 0,
        "lines": [vars(line) for line in part.lines] if part else [],
        "levels": list(LEVELS),
    }


async def log_file(visit: Visit) -> Raw:
    """Return the log as a file."""
    job = await find_job(visit)
    return Raw("text/plain; charset=utf-8", pieces(_existing(job, job.log, "log")), f"{job.id}.log")


async def items(visit: Visit) -> Data:
    """Return the first and the last items of the job, and which fields they fill."""
    job = await find_job(visit)
    table = await _read(job.items, read_items)
    return {"job": about_job(visit, job), "table": table, "formats": list(FORMATS)}


async def item_file(visit: Visit) -> Raw:
    """Return all items as a file."""
    job = await find_job(visit)
    form = visit.ask("format", "jl")
    if form not in FORMATS:
        raise JobError(f"format={form[:80]!r} is not one of {', '.join(FORMATS)}")
    path = _existing(job, job.items, "items")
    return Raw(_KINDS[form], converted(path, form), f"{job.id}.{form}")


def _part(path: Path, wish: Wish, *, complete: bool, **places: int | None) -> Part:
    if places["after"] is not None:
        return read_after(path, wish, places["after"], complete=complete)
    if places["at"] is not None:
        return read_after(path, wish, line_start(path, places["at"]), complete=complete)
    return read_before(path, wish, places["before"])


async def _read(path: str, read: Callable[[Path], Any]) -> Any:
    """Return what `read` makes of the file in a thread; None if there is no such file."""
    if not path:
        return None
    try:
        return await deferToThread(read, Path(path))
    except FileNotFoundError:
        return None


def _existing(job: Job, path: str, kind: str) -> Path:
    if not path or not Path(path).is_file():
        raise NotFoundError(f"{kind} of job", job.id)
    return Path(path)


def _byte(visit: Visit, name: str) -> int | None:
    text = visit.ask(name)
    if not text:
        return None
    number = whole(text)
    if number is None:
        raise JobError(f"{name}={text[:80]!r} is not a number of bytes")
    return number


SCREENS = (
    Screen(f"{PATH}/log", log, "job_log.html", nav="jobs", live="job"),
    Screen(f"{PATH}/log/download", log_file),
    Screen(f"{PATH}/items", items, "job_items.html", nav="jobs", live="job"),
    Screen(f"{PATH}/items/download", item_file),
)
ACTIONS = ()
