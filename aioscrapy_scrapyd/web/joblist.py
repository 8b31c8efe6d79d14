"""The list of jobs: its filters in the address, its order, and where a page of it begins."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aioscrapy_scrapyd.jobview import cursor_behind, cursor_of
from aioscrapy_scrapyd.node import Node
from aioscrapy_scrapyd.state.history import Filter
from aioscrapy_scrapyd.state.job import Job, JobError, State
from aioscrapy_scrapyd.web.ended import EndedJobs
from aioscrapy_scrapyd.web.screen import Visit

# Value of the filter `state` -> the states that it lets pass.
STATES = {
    "pending": frozenset({State.PENDING}),
    "running": frozenset({State.STARTING, State.RUNNING, State.STOPPING}),
    "finished": frozenset({State.FINISHED}),
    "failed": frozenset({State.FAILED}),
    "cancelled": frozenset({State.CANCELLED}),
}
# Value of the filter `since` -> seconds.
SPANS = {"1h": 3600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000}
FILTERS = ("state", "project", "spider", "crawl", "since", "q")

Order = tuple[int, float, int]


@dataclass(frozen=True)
class Page:
    """One page of the list; `next` is where the next one begins, "" at the end."""

    jobs: list[Job]
    next: str


def filter_of(visit: Visit) -> Filter:
    """Return the filter that the address of a page asks for.

    Raises:
        JobError: a value is not one of those that exist.
    """
    state, since = visit.ask("state"), visit.ask("since")
    if state and state not in STATES:
        raise JobError(f"state={state[:80]!r} is not one of {', '.join(STATES)}")
    if since and since not in SPANS:
        raise JobError(f"since={since[:80]!r} is not one of {', '.join(SPANS)}")
    return Filter(
        project=visit.ask("project") or None,
        spider=visit.ask("spider") or None,
        crawl=visit.ask("crawl") or None,
        projects=visit.user.projects if visit.user is not None else frozenset(),
        states=frozenset(str(one) for one in STATES[state]) if state else frozenset(),
        text=visit.ask("q").strip(),
        since=time.time() // 60 * 60 - SPANS[since] if since else 0.0,
    )


async def read_page(node: Node, ended_jobs: EndedJobs, only: Filter, begin: str, limit: int) -> Page:
    """Return `limit` jobs: those that run, those that wait, those that have ended; the newest first.

    Args:
        node: the node.
        ended_jobs: those of it that have ended.
        only: which jobs.
        begin: `next` of the page before; "" for the first page.
        limit: jobs of a page.

    Raises:
        JobError: `begin` is not a place in the list.
        StoreError: the history can't be read.
    """
    rows: list[Job] = []
    before = None
    if begin.startswith("ended:"):
        before = cursor_of(begin.removeprefix("ended:"))
    else:
        rows = _not_ended(node.jobs, only, _order_of(begin))
        if len(rows) > limit:
            rows = rows[:limit]
            return Page(rows, ":".join(["live", *map(repr, _order(rows[-1]))]))
    ended: list[Job] = []
    if only.is_about_ended:
        ended = await ended_jobs.page(limit - len(rows) + 1, only, before)
    seen = {job.key for job in rows}  # a job may have ended in the meantime
    rest = limit - len(rows)
    rows += [job for job in ended[:rest] if job.key not in seen]
    behind = f"ended:{cursor_behind(ended[rest - 1])}" if len(ended) > rest > 0 else ""
    if len(ended) > rest == 0:
        behind = ":".join(["live", *map(repr, _order(rows[-1]))])
    return Page(rows, behind)


def counts(jobs: Iterable[Job], only: Filter) -> dict[str, int]:
    """Return how many jobs wait and run."""
    here = [job.state for job in jobs if only.accepts(job)]
    waiting = here.count(State.PENDING)
    return {"pending": waiting, "running": len(here) - waiting}


def _not_ended(jobs: Iterable[Job], only: Filter, behind: Order | None) -> list[Job]:
    rows = sorted((job for job in jobs if not job.ended and only.accepts(job)), key=_order)
    return [job for job in rows if behind is None or _order(job) > behind]


def _order(job: Job) -> Order:
    if job.state is State.PENDING:
        return 1, -job.priority, job.seq
    return 0, 0.0, -job.seq


def _order_of(begin: str) -> Order | None:
    if not begin:
        return None
    kind, _, rest = begin.partition(":")
    parts: list[Any] = rest.split(":")
    try:
        rank, priority, seq = int(parts[0]), float(parts[1]), int(parts[2])
    except (ValueError, IndexError):
        rank, priority, seq = -1, 0.0, 0
    if kind != "live" or rank not in {0, 1}:
        raise JobError(f"begin={begin[:80]!r} is not a place in the list: take `next` of the page before")
    return rank, priority, seq
