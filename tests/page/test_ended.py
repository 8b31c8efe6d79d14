"""Ended jobs as the pages read them: from the file once, and complete before the file has them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet import defer

from aioscrapy_scrapyd.state.history import EVERY_JOB, Filter
from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.store import Store
from aioscrapy_scrapyd.web import ended
from aioscrapy_scrapyd.web.ended import KEPT_S, EndedJobs


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "node.db")
    yield store
    store.close()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> EndedJobs:
    """They read in this thread: there is no reactor here."""
    monkeypatch.setattr(ended, "deferToThread", defer.maybeDeferred)
    return EndedJobs(store, clock)


def job(number: int, at: float, state: State = State.FINISHED) -> Job:
    return Job("p", "s", f"j{number}", seq=number, started=1.0, ended=at, state=state)


async def names(jobs: EndedJobs, only: Filter = EVERY_JOB, limit: int = 10) -> list[str]:
    return [one.id for one in await jobs.page(limit, only, None)]


async def test_a_job_is_listed_before_the_file_has_it(jobs: EndedJobs, store: Store) -> None:
    store.save(job(1, 990.0)).result()
    jobs.job_changed(job(2, 999.0, State.FAILED))
    assert await names(jobs) == ["j2", "j1"]
    assert await names(jobs, Filter(states=frozenset({"finished"}))) == ["j1"]
    assert await names(jobs, limit=1) == ["j2"]
    assert [one.id for one in await jobs.page(10, EVERY_JOB, (999.0, 2))] == ["j1"]
    recent = jobs.recent("p", "j2")
    assert recent is not None
    assert recent.state is State.FAILED
    assert jobs.recent("p", "j1") is None
    store.save(job(2, 999.0, State.FAILED)).result()
    assert await names(jobs) == ["j2", "j1"]


async def test_the_file_is_read_again_when_a_job_has_ended_or_time_has_passed(
    jobs: EndedJobs, store: Store, clock: Clock
) -> None:
    store.save(job(1, 900.0)).result()
    assert await names(jobs) == ["j1"]
    assert await jobs.counts(EVERY_JOB) == {"finished": 1}
    store.save(job(2, 901.0)).result()
    assert await names(jobs) == ["j1"]  # nothing has ended in this daemon
    clock.now += KEPT_S + 1
    assert await names(jobs) == ["j2", "j1"]
    store.save(job(3, 902.0)).result()
    jobs.job_changed(job(3, 902.0))
    assert await names(jobs) == ["j3", "j2", "j1"]
    assert await jobs.counts(EVERY_JOB) == {"finished": 3}
    clock.now -= 500  # a clock that was set back
    store.save(job(4, 903.0)).result()
    assert await names(jobs) == ["j4", "j3", "j2", "j1"]
