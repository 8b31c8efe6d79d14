"""Eggs are unpacked once, whole or not at all, and stay as long as a job lives in them."""

import io
import json
import multiprocessing
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aioscrapy_scrapyd.job.eggcache import ABANDONED_S, KEEP_S, prune, unpacked
from aioscrapy_scrapyd.job.exceptions import EggError
from plugin.jobs import Daemon, make_egg, spider
from support import child_environment

EGG = make_egg({"spiders/a.py": spider("one")})
LIMIT = 1 << 30
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
LONG_AGO = KEEP_S + 60


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("AIOSCRAPY_EGG_CACHE", str(folder))
    return folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def age(folder: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(folder, (then, then))


def held_by_a_child(cache: Path) -> subprocess.Popen[bytes]:
    """Start a process that lives in the egg until its standard input is closed."""
    program = (
        "import io, sys\n"
        "from aioscrapy_scrapyd.job.eggcache import unpacked\n"
        "with unpacked(io.BytesIO(sys.stdin.buffer.read(int(sys.argv[1]))), 1 << 30) as folder:\n"
        "    print(folder, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(len(EGG))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(AIOSCRAPY_EGG_CACHE=str(cache)),
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(EGG)
    process.stdin.flush()
    assert process.stdout.readline().strip()
    return process


def test_the_same_bytes_have_the_same_folder(cache: Path) -> None:
    with unpacked(io.BytesIO(EGG), LIMIT) as first, unpacked(io.BytesIO(EGG), LIMIT) as second:
        assert first == second
        assert first.parent == cache
        assert first.suffix == ".egg"
        assert "name = 'one'" in (first / "bot/spiders/a.py").read_text()
    assert [path.name for path in cache.iterdir()] == [first.name]


def test_other_bytes_have_another_folder(cache: Path) -> None:
    with unpacked(io.BytesIO(EGG), LIMIT) as first, unpacked(io.BytesIO(make_egg()), LIMIT) as second:
        assert first != second


def test_a_stream_that_cant_be_rewound_is_unpacked(cache: Path) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, ThreadPoolExecutor(1) as threads:
        threads.submit(write_and_close, writing)
        with unpacked(stream, LIMIT) as folder:
            assert (folder / "bot/settings.py").is_file()


def write_and_close(pipe: int) -> None:
    with os.fdopen(pipe, "wb") as file:
        file.write(EGG)


def test_a_cache_that_cant_be_written_is_replaced_by_one_among_the_temporary_files(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AIOSCRAPY_EGG_CACHE", str(tmp_path / "file" / "cache"))
    with unpacked(io.BytesIO(EGG), LIMIT) as folder:
        assert folder.suffix == ".egg"
        assert (folder / "bot/settings.py").is_file()
        assert folder.parent == temporary / f"aioscrapy-eggs-{os.geteuid()}"
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    with unpacked(io.BytesIO(EGG), LIMIT) as again:
        assert again == folder


def test_a_user_without_a_home_has_a_cache_among_the_temporary_files(daemon: Daemon, tmp_path: Path) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one")}))
    (tmp_path / "tmp").mkdir()
    env = {"AIOSCRAPY_EGG_CACHE": "", "HOME": "/proc/nohome", "TMPDIR": str(tmp_path / "tmp")}
    for _ in range(2):
        assert daemon.list(**env) == (0, "one\n", "")
    (cache,) = (tmp_path / "tmp").iterdir()
    assert [path.suffix for path in cache.iterdir()] == [".egg"]


OPEN_TO_OTHERS = [
    pytest.param(lambda folder: folder.chmod(0o777), id="everybody may write"),
    pytest.param(lambda folder: folder.chmod(0o770), id="the group may write"),
    pytest.param(lambda folder: folder.parent.chmod(0o777), id="everybody may replace it"),
    pytest.param(lambda folder: os.chown(folder, 54321, 54321), id="of another user", marks=ROOT),
]


@pytest.mark.parametrize("open_up", OPEN_TO_OTHERS)
def test_a_cache_that_others_can_change_is_not_used(
    tmp_path: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    open_up: Callable[[Path], None],
) -> None:
    cache = tmp_path / "between" / "cache"
    cache.mkdir(parents=True)
    monkeypatch.setenv("AIOSCRAPY_EGG_CACHE", str(cache))
    with unpacked(io.BytesIO(EGG), LIMIT) as folder:
        planted = cache / folder.name / "bot" / "settings.py"
    planted.write_text("raise SystemExit('planted')")
    open_up(cache)
    with unpacked(io.BytesIO(EGG), LIMIT) as folder:
        assert folder.parent.parent == temporary
        assert "planted" not in (folder / "bot/settings.py").read_text()
    assert "others can write to it" in caplog.text


def test_an_unpacked_egg_that_others_can_change_is_not_used(cache: Path, temporary: Path) -> None:
    with unpacked(io.BytesIO(EGG), LIMIT) as folder:
        folder.chmod(0o777)
    with unpacked(io.BytesIO(EGG), LIMIT) as folder:
        assert folder.parent.parent == temporary


def test_a_squatter_among_the_temporary_files_gets_nothing(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIOSCRAPY_EGG_CACHE", "/proc/nothing")
    (temporary / f"aioscrapy-eggs-{os.geteuid()}").mkdir(mode=0o777)
    (temporary / f"aioscrapy-eggs-{os.geteuid()}").chmod(0o777)
    with unpacked(io.BytesIO(EGG), LIMIT) as folder:
        assert folder.parent.parent == temporary
        assert folder.parent.name.startswith("aioscrapy-egg-")
    assert not folder.parent.exists()
    killed = temporary / "aioscrapy-egg-killed"
    killed.mkdir(mode=0o700)
    age(killed, ABANDONED_S + 60)
    with unpacked(io.BytesIO(EGG), LIMIT):
        assert not killed.exists()


def test_a_new_cache_is_private_whatever_the_umask(cache: Path) -> None:
    before = os.umask(0)
    try:
        with unpacked(io.BytesIO(EGG), LIMIT) as folder, unpacked(io.BytesIO(EGG), LIMIT) as again:
            assert folder == again
            assert folder.parent == cache
            assert not any(path.stat().st_mode & 0o022 for path in (cache, folder))
    finally:
        os.umask(before)


def test_a_relative_cache_is_found_after_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIOSCRAPY_EGG_CACHE", "cache")
    with unpacked(io.BytesIO(EGG), LIMIT) as folder:
        assert folder.parent == tmp_path / "cache"


def test_an_egg_that_nobody_uses_is_pruned(cache: Path) -> None:
    with subprocess_ended(cache):
        (folder,) = cache.iterdir()
        prune(cache, time.time())
        assert folder.is_dir()
        age(folder, LONG_AGO)
        prune(cache, time.time())
        assert not list(cache.iterdir())


def subprocess_ended(cache: Path) -> subprocess.Popen[bytes]:
    process = held_by_a_child(cache)
    process.communicate(timeout=30)
    return process


def test_an_egg_in_which_a_job_lives_is_not_pruned(cache: Path) -> None:
    with held_by_a_child(cache) as process:
        (folder,) = cache.iterdir()
        age(folder, LONG_AGO)
        prune(cache, time.time())
        assert (folder / "bot/settings.py").is_file()
        process.kill()
        process.wait(30)
        prune(cache, time.time())
        assert not folder.exists()


def test_a_use_keeps_an_old_egg(cache: Path) -> None:
    with subprocess_ended(cache):
        (folder,) = cache.iterdir()
    age(folder, LONG_AGO)
    with subprocess_ended(cache):
        prune(cache, time.time())
        assert folder.is_dir()


def test_what_a_killed_process_left_half_unpacked_is_pruned(cache: Path) -> None:
    abandoned = cache / ".unpacking-x"
    abandoned.mkdir(parents=True)
    prune(cache, time.time())
    assert abandoned.is_dir()
    age(abandoned, ABANDONED_S + 60)
    prune(cache, time.time())
    assert not abandoned.exists()


def unpack_and_look(egg: bytes, cache: str, start: "multiprocessing.synchronize.Barrier") -> None:
    os.environ["AIOSCRAPY_EGG_CACHE"] = cache
    start.wait(30)
    with unpacked(io.BytesIO(egg), LIMIT) as folder:
        present = sum(1 for path in folder.rglob("*.txt"))
    (Path(cache).parent / f"{os.getpid()}.json").write_text(json.dumps([str(folder), present]))


def test_jobs_that_unpack_at_once_all_see_a_whole_egg(cache: Path, tmp_path: Path) -> None:
    egg = make_egg({f"data/{i}.txt": "x" * 1000 for i in range(300)})
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    jobs = [context.Process(target=unpack_and_look, args=(egg, str(cache), start)) for _ in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(60)
    assert [job.exitcode for job in jobs] == [0] * 4
    results = {path.read_text() for path in tmp_path.glob("*.json")}
    (folder,) = cache.iterdir()
    assert results == {json.dumps([str(folder), 301])}  # 300 and EGG-INFO/entry_points.txt


def test_two_listings_of_a_new_egg_at_once(daemon: Daemon) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one")}))
    both = [daemon.start("list", "-s", "LOG_STDOUT=0") for _ in range(2)]
    assert [process.communicate(timeout=60) for process in both] == [(b"one\n", b"")] * 2
    (folder,) = daemon.cache.iterdir()
    assert folder.suffix == ".egg"


@settings(max_examples=150, deadline=None)
@given(
    cut=st.integers(0, len(EGG)), flips=st.lists(st.tuples(st.integers(0, len(EGG) - 1), st.integers(0, 255)))
)
def test_damaged_bytes_are_refused_or_unpacked_never_left_half(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(EGG)
    for at, value in flips:
        data[at] = value
    cache = tmp_path_factory.getbasetemp() / "damaged"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIOSCRAPY_EGG_CACHE", str(cache))
        try:
            with unpacked(io.BytesIO(data[:cut]), LIMIT) as folder:
                assert folder.is_dir()
        except EggError:
            pass
    assert not [path for path in cache.glob(".*") if path.is_dir()]
