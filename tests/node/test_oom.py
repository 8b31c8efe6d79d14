"""A job that the kernel kills because there is no memory left: its reason says so."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aioscrapy_scrapyd import oom
from aioscrapy_scrapyd.oom import OutOfMemoryKills
from node.test_jobs import deploy, schedule
from node.test_machine_faults import EGG, conf, end_of, failed, is_good_again
from support.scrapyd import ScrapydServer

LIMIT = 350 << 20


@contextlib.contextmanager
def small_cgroup() -> Iterator[Path]:
    """Make a cgroup of LIMIT bytes, in the first or the second version of cgroups."""
    for root, limit in (("memory", "memory.limit_in_bytes"), ("", "memory.max")):
        folder = Path("/sys/fs/cgroup") / root / f"aioscrapy-{os.getpid()}"
        try:
            folder.mkdir()
            (folder / limit).write_text(str(LIMIT))
        except OSError:
            with contextlib.suppress(OSError):
                folder.rmdir()
            continue
        try:
            yield folder
        finally:
            folder.rmdir()
        return
    pytest.skip("makes a cgroup, which is not allowed here")


@pytest.mark.server
def test_a_job_that_eats_all_memory_is_named(tmp_path: Path) -> None:
    with small_cgroup() as folder:
        wrapper = ("sh", "-c", f'echo $$ > {folder}/cgroup.procs && exec "$@"', "sh")
        with ScrapydServer(tmp_path / "node", conf=conf(), wrapper=wrapper) as node:
            deploy(node, egg=EGG)
            job = schedule(node, "eats")
            failed(node, job, "killed by the kernel: out of memory")
            assert end_of(node, job)["signal"] == 9
            failed(node, schedule(node, "dies"), "killed by signal 9")
            is_good_again(node)


def machine(tmp_path: Path, cgroup: str, **files: str) -> OutOfMemoryKills:
    (tmp_path / "self").mkdir(exist_ok=True)
    (tmp_path / "self" / "cgroup").write_text(cgroup)
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return OutOfMemoryKills(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("cgroup", "file"),
    [
        ("0::/a/b\n", "a__b__memory_DOT_events"),
        ("0::/not/mounted/here\n", "memory_DOT_events"),
        ("9:name=systemd:/\n4:cpu,memory:/c\n0::/\n", "memory__c__memory_DOT_oom_control"),
        ("0::/\n", "vmstat"),
        ("", "vmstat"),
    ],
)
def test_the_counter_of_the_kernel_is_read_wherever_it_is(tmp_path: Path, cgroup: str, file: str) -> None:
    kills = machine(tmp_path, cgroup, **{file: "low 0\noom 7\noom_kill 3\n"})
    assert (kills.count(), kills.explains()) == (3, False)
    machine(tmp_path, cgroup, **{file: "low 0\noom 9\noom_kill 5\n"})
    kills.look()
    assert [kills.explains() for _ in range(3)] == [True, True, False]


def test_a_kill_of_long_ago_explains_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kills = machine(tmp_path, "", vmstat="oom_kill 0\n")
    machine(tmp_path, "", vmstat="oom_kill 1\n")
    kills.look()
    monkeypatch.setattr(oom, "WINDOW_S", -1.0)
    assert not kills.explains()


def test_without_a_counter_nothing_is_explained(tmp_path: Path) -> None:
    kills = OutOfMemoryKills(tmp_path, tmp_path)
    kills.look()
    assert (kills.count(), kills.explains()) == (0, False)
