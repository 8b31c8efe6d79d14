"""What a node throws away, and what it keeps."""

import os
from pathlib import Path

import pytest

from aioscrapy_scrapyd.housekeeping import Keep, forget_history, remove_files

DAY_S = 86_400.0
NOW = 1_000 * DAY_S


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    for days in (1, 10, 100):
        for name in (f"p/one/job-{days}.log", f"p/.ends/one/job-{days}.json"):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(1000))
            os.utime(path, (NOW - days * DAY_S,) * 2)
    return tmp_path


def left(folder: Path) -> set[str]:
    return {path.stem for path in folder.rglob("*") if path.is_file()}


def test_old_files_go_with_their_records(logs: Path) -> None:
    assert remove_files([logs], Keep(0, 30, 0), set(), NOW) == 2
    assert left(logs) == {"job-1", "job-10"}


def test_a_file_of_a_live_job_stays_whatever_its_age(logs: Path) -> None:
    remove_files([logs], Keep(0, 1, 0), {"job-100"}, NOW + DAY_S)
    assert left(logs) == {"job-100"}


def test_the_oldest_go_first_when_there_are_too_many_bytes(logs: Path) -> None:
    big = logs / "p/one/big.log"
    with big.open("wb") as file:
        file.truncate(2_000_000_000)
    os.utime(big, (NOW - 5 * DAY_S,) * 2)
    remove_files([logs], Keep(0, 0, 1), set(), NOW)
    assert left(logs) == {"job-1"}


def test_zero_keeps_everything(logs: Path) -> None:
    assert remove_files([logs, logs / "not there"], Keep(0, 0, 0), set(), NOW * 2) == 0
    assert forget_history(Keep(0, 0, 0), NOW) == []


def test_old_history_is_deleted_by_its_end() -> None:
    statements = forget_history(Keep(90, 0, 0), NOW)
    assert [values for _, values in statements] == [[NOW - 90 * DAY_S]] * 3
