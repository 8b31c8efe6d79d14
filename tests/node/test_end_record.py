"""What a job leaves behind is taken with care: the code of a project may have written it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from aioscrapy_scrapyd.endrecord import counts_of, ending_of, exit_status_of, read_record, read_tail
from aioscrapy_scrapyd.processes import Exit
from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.store import Store

FORGED: list[dict[str, Any]] = [
    {"reason": "\ud800 half", "exit_status": 0},
    {"reason": "two\nlines \x1b[31m\u202e", "exit_status": 0},
    {"reason": "x" * 1_000_000, "exit_status": 0},
    {"reason": {"a": ["\udfff"]}, "error": ["\ud800"], "exit_status": "0"},
    {"reason": None, "error": "\ud800", "exit_status": 10**30},
    {"exit_status": True, "pages": True, "items": -5, "errors": 10**400, "rss": 1.5, "waiting": "7"},
    {"pages": 2**63, "items": 2**62, "errors": [], "exit_status": -1},
    {"shared": {"redis": "\ud800", "bot": "b" * 9000, "crawl": "\udc00"}, "exit_status": 0},
    {"shared": {"redis": 1, "bot": None, "crawl": []}},
    {"shared": "x", "stats": 7},
    {},
]


@pytest.mark.parametrize("record", FORGED, ids=lambda record: ascii(record)[:60])
@pytest.mark.parametrize("left", [Exit(), Exit(status=0), Exit(status=3), Exit(signal=9)], ids=str)
def test_a_forged_record_ends_the_job_and_reaches_the_file(
    record: dict[str, Any], left: Exit, tmp_path: Path
) -> None:
    job = Job("p", "s", "a", created=1.0, started=1.0, ended=2.0)
    written = tmp_path / "a.json"
    written.write_text(json.dumps(record))
    read = read_record(written)
    ending = ending_of(job, left, read, "last \udcff words")
    job.state, job.reason, job.exit_status = ending.state, ending.reason, exit_status_of(left, read)
    job.take_counts(ending.counts)
    assert "\n" not in job.reason
    assert len(job.reason) < 5000
    assert all(0 <= job.counts.get(name, 0) < 2**53 for name in ("pages", "items", "errors"))
    store = Store(tmp_path / "node.db")
    try:
        store.end(job).result(timeout=10)
        (stored,) = store.ended(1)
        assert (stored.state, stored.reason, stored.exit_status) == (job.state, job.reason, job.exit_status)
    finally:
        store.close()


def test_the_exit_status_that_was_seen_counts_more_than_the_one_that_was_written() -> None:
    record = {"reason": "finished", "exit_status": 0}
    ending = ending_of(Job("p", "s", "a"), Exit(status=7), record, "")
    assert (ending.state, ending.reason) == (State.FAILED, "exit status 7")
    assert exit_status_of(Exit(status=7), record) == 7
    assert exit_status_of(Exit(), record) == 0


def test_a_process_that_ends_before_its_crawl_has_failed_whatever_its_status() -> None:
    begun = {"reason": "killed", "exit_status": None, "error": "the process ended", "items": 3}
    ending = ending_of(Job("p", "s", "a"), Exit(status=0), begun, "")
    assert (ending.state, ending.counts) == (State.FAILED, {"items": 3})
    assert ending.reason.startswith("exit status 0 before the crawl ended")
    other = ending_of(Job("p", "s", "a"), Exit(status=0), {}, "")  # a runner that writes no record
    assert (other.state, other.reason) == (State.FINISHED, "exit 0")


def test_counts_are_whole_numbers_that_a_sum_can_take() -> None:
    assert counts_of({"pages": 10**15, "items": 0, "errors": 10**15 + 1, "rss": False}) == {
        "pages": 10**15,
        "items": 0,
    }


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 200_000, b'{"pages": ' + b"1" * 5000 + b"}", b'{"a":1}x'],
    ids=lambda content: repr(content[:12]),
)
def test_a_record_that_cannot_be_read_is_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert read_record(path) == {}


def test_what_is_not_a_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    pipe, folder, endless = tmp_path / "pipe", tmp_path / "folder", tmp_path / "endless"
    os.mkfifo(pipe)
    folder.mkdir()
    endless.symlink_to("/dev/zero")
    for path in (pipe, folder, endless, tmp_path / "none"):
        assert read_record(path) == {}
        assert read_tail(path) == ""
