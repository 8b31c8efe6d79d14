"""node.db: filters of the history, totals, samples, and what happens when the file can't be written."""

import itertools
import sqlite3
import stat
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from aioscrapy_scrapyd.samples import Samples, distance_after
from aioscrapy_scrapyd.state.history import SAMPLES_LIMIT, Filter
from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.schema import StoreError
from aioscrapy_scrapyd.state.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "node.db")
    yield opened
    opened.close()


def ended(number: int, state: State = State.FINISHED, **fields: object) -> Job:
    job = Job(
        "shop", "books", f"job-{number}", state=state, seq=number, started=1000.0, ended=1000.0 + number
    )
    for name, value in fields.items():
        setattr(job, name, value)
    return job


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


def test_each_filter_and_all_together(store: Store) -> None:
    jobs = [
        ended(1, State.FAILED, reason="ImportError: No module Übung"),
        ended(2, crawl="c589", args={"category": "Shoes", "api_key": "hush"}),
        ended(3, State.CANCELLED, spider="news"),
        ended(4, project="press"),
    ]
    for job in jobs:
        store.end(job).result()
    store.save(Job("shop", "books", "waits", seq=9)).result()
    expected = {
        Filter(): [4, 3, 2, 1],
        Filter(project="shop"): [3, 2, 1],
        Filter(spider="news"): [3],
        Filter(crawl="c589"): [2],
        Filter(states=frozenset({"failed", "cancelled"})): [3, 1],
        Filter(states=frozenset({"running"})): [],
        Filter(text="übung"): [1],
        Filter(text="CATEGORY=shoes"): [2],
        Filter(text="hush"): [],
        Filter(text="%"): [],
        Filter(since=1002.0, until=1004.0): [3, 2],
        Filter(project="shop", spider="books", states=frozenset({"finished"}), text="job-2", since=1.0): [2],
    }
    for only, numbers in expected.items():
        assert ids(store.ended(10, only)) == [f"job-{number}" for number in numbers], only
        assert sum(store.ended_counts(only).values()) == len(numbers)
    pages = [store.ended(3)]
    pages.append(store.ended(3, before=(pages[0][-1].ended, pages[0][-1].seq)))
    assert [ids(page) for page in pages] == [["job-4", "job-3", "job-2"], ["job-1"]]


def test_a_filter_means_the_same_for_jobs_in_memory() -> None:
    job = Job("shop", "books", "one", crawl="c", args={"category": "Shoes", "password": "hush"})
    accepted = [
        Filter(),
        Filter("shop", "books", "c"),
        Filter(states=frozenset({"pending"})),
        Filter(text="SHOES"),
    ]
    refused = [
        Filter("press"),
        Filter(crawl=""),
        Filter(states=frozenset({"running"})),
        Filter(text="hush"),
        Filter("shop", text="boots"),
    ]
    assert all(only.accepts(job) for only in accepted)
    assert not any(only.accepts(job) for only in refused)


def test_totals_stay_when_the_history_is_deleted(store: Store) -> None:
    for number in (1, 2):
        store.end(ended(number, counts={"pages": 10, "items": 5, "rss": 7})).result()
    store.end(ended(3, State.FAILED)).result()
    store.write([("DELETE FROM job", [])]).result()
    assert [tuple(asdict(total).values()) for total in store.totals()] == [
        ("shop", "books", "failed", 1, 0, 0, 0, 3.0),
        ("shop", "books", "finished", 2, 20, 10, 0, 3.0),
    ]


def test_samples_of_a_long_job_are_few_and_span_all_of_its_time(store: Store) -> None:
    samples, job = Samples(store), Job("shop", "books", "long", state=State.RUNNING, started=1000.0)
    for second in range(0, 100_000, 7):
        job.counts = {"pages": second, "items": 1, "rss": 5}
        samples.job_changed(job, 1000.0 + second)
    job.state, job.ended = State.FINISHED, 101_000.0
    job.counts = {"pages": 999_999}
    samples.job_changed(job, job.ended)
    store.write([]).result()
    rows = store.samples("shop", "long")
    assert SAMPLES_LIMIT / 4 < len(rows) <= SAMPLES_LIMIT
    assert (rows[0].pages, rows[-1].pages) == (0, 999_999)
    gaps = [later.time - earlier.time for earlier, later in itertools.pairwise(rows)]
    assert max(gaps) <= 2 * distance_after(100_000)


def test_a_job_that_is_tried_again_has_the_samples_of_its_last_attempt(store: Store) -> None:
    samples, job = Samples(store), Job("shop", "books", "again", state=State.RUNNING, started=1000.0)
    job.counts = {"pages": 5}
    samples.job_changed(job, 1000.0)
    job.state, job.attempt = State.PENDING, 2
    samples.job_changed(job, 1001.0)
    job.state, job.started, job.counts = State.RUNNING, 1002.0, {"pages": 1}
    samples.job_changed(job, 1003.0)
    store.write([]).result()
    assert [row.pages for row in store.samples("shop", "again")] == [1]


def test_a_clock_that_is_set_back_does_not_end_the_samples(store: Store) -> None:
    samples, job = Samples(store), Job("shop", "books", "back", state=State.RUNNING, started=1000.0)
    for now in (1000.0, 1010.0, 500.0, 510.0):
        job.counts = {"pages": int(now)}
        samples.job_changed(job, now)
    store.write([]).result()
    assert [row.pages for row in store.samples("shop", "back")] == [500, 510, 1000, 1010]


def test_a_locked_file_refuses_new_jobs_and_keeps_the_ends(store: Store, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "node.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        end = store.end(ended(1))
        new = [store.save(Job("shop", "books", f"new-{number}", seq=9)) for number in range(5)]
        for refused in new:
            with pytest.raises(StoreError, match="locked"):
                refused.result(5)
        assert "locked" in store.problem
        assert not end.done()
        other.execute("ROLLBACK")
    end.result(5)
    assert store.problem == ""
    assert ids(store.ended(10)) == ["job-1"]
    assert store.totals()[0].jobs == 1


@pytest.mark.parametrize(
    "value",
    ["\ud800", 10**30, float("nan"), b"bytes", object()],
    ids=["surrogate", "huge", "nan", "bytes", "object"],
)
def test_a_value_that_sqlite_refuses_fails_alone(store: Store, value: object) -> None:
    bad = Job("shop", "books", "bad", seq=1)
    bad.priority = value  # type: ignore[assignment]  # what must never come here
    writes = [store.save(Job("shop", "books", "a", seq=2)), store.save(bad, must=True)]
    writes.append(store.save(Job("shop", "books", "b", seq=3)))
    with pytest.raises(StoreError):
        writes[1].result(5)
    assert [writes[n].result(5) for n in (0, 2)] == [None, None]
    assert ids(store.live()) == ["a", "b"]


def test_the_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "dbs" / "node.db"
    Store(path).close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)  # as an earlier version left it
    store = Store(path)
    store.save(Job("shop", "books", "a")).result()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    store.close()
    assert modes == dict.fromkeys(("node.db", "node.db-shm", "node.db-wal"), 0o600)


def test_closing_does_not_wait_for_a_lock_without_end(tmp_path: Path) -> None:
    store = Store(tmp_path / "node.db")
    with sqlite3.connect(tmp_path / "node.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        end = store.end(ended(1))
        closing = threading.Thread(target=store.close)
        closing.start()
        closing.join(10)
        assert not closing.is_alive()
    with pytest.raises(StoreError, match="locked"):
        end.result(0)
