"""A damaged node.db: a node does not start on it, and `aioscrapy node recover` keeps what can be read."""

import sqlite3
from pathlib import Path

import pytest

from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.recovery import recover
from aioscrapy_scrapyd.state.schema import DamagedError, StoreError
from aioscrapy_scrapyd.state.store import Store
from node.conftest import APPLICATION
from node.test_command import node
from node.test_jobs import deploy, end_of, schedule
from support.scrapyd import ScrapydServer
from support.site import Site

JOBS = 2000


def filled(path: Path) -> Path:
    store = Store(path)
    jobs = [Job("p", "s", f"job-{n:05}", seq=n, args={"text": "x" * 200}) for n in range(JOBS)]
    store.save(*jobs).result()
    store.end(Job("p", "s", "ended", state=State.FINISHED, started=1.0, ended=2.0, seq=JOBS)).result()
    store.close()
    return path


def damage(path: Path, begin: float = 0.5, length: int = 20_000) -> None:
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * begin))
        file.write(b"\xa5" * length)


def test_what_can_be_read_is_in_the_new_file_and_all_of_it_in_the_old_one(tmp_path: Path) -> None:
    path = filled(tmp_path / "node.db")
    damage(path)
    before = path.read_bytes()
    with pytest.raises(DamagedError, match="aioscrapy node recover"):
        Store(path)
    aside, rows = recover(path)
    assert aside.read_bytes() == before
    assert JOBS / 2 < rows["job"] < JOBS
    store = Store(path)
    assert {job.id for job in store.live()} < {f"job-{n:05}" for n in range(JOBS)}
    assert len(store.live()) + store.count_ended() == rows["job"]
    store.close()


@pytest.mark.parametrize("content", [b"not a database" * 1000, b"SQLite format 3\0" + bytes(50)])
def test_a_file_of_something_else_is_set_aside_whole(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "node.db"
    path.write_bytes(content)
    aside, rows = recover(path)
    assert (aside.read_bytes(), set(rows.values())) == (content, {0})
    Store(path).close()


def test_a_good_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = filled(tmp_path / "node.db")
    with pytest.raises(StoreError, match="not damaged"):
        recover(path)
    with pytest.raises(StoreError, match="does not exist"):
        recover(tmp_path / "none.db")
    assert [file.name for file in tmp_path.iterdir()] == ["node.db"]


def test_a_node_says_that_its_file_is_damaged_and_starts_after_recover(tmp_path: Path, site: Site) -> None:
    folder = tmp_path / "node"
    conf = {"application": APPLICATION}
    with ScrapydServer(folder, conf=conf) as server:
        deploy(server)
        end_of(server, schedule(server, "page", url=f"{site.url}/headers"))
        running = node(folder, "recover")
        assert (running.returncode, "another daemon" in running.stderr) == (1, True)
    for part in ("-wal", "-shm"):
        (folder / f"dbs/node.db{part}").unlink(missing_ok=True)
    damage(folder / "dbs/node.db", 0.0, 30)
    server = ScrapydServer(folder, conf=conf)
    with pytest.raises(AssertionError, match="is damaged: file is not a database"):
        server.start()
    assert "Traceback" not in server.daemon_text()
    done = node(folder, "recover")
    assert (done.returncode, "is the damaged file" in done.stdout) == (0, True), done.stderr
    with ScrapydServer(folder, conf=conf) as server:
        job = schedule(server, "page", url=f"{site.url}/headers")
        assert end_of(server, job)["state"] == "finished"
    with sqlite3.connect(folder / "dbs/node.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
