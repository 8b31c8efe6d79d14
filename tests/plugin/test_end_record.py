"""How a job ended: in its log, in its end record, and in the exit status."""

import json
import os
import signal
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aioscrapy.ends import End
from aioscrapy_scrapyd.job.end_record import EndRecord
from aioscrapy_scrapyd.job.job_files import JobFiles, job_feeds, without_setting
from aioscrapy_scrapyd.job.progress import stats_of
from plugin.jobs import SETTINGS, Daemon, make_egg
from plugin.test_runner_crawl import HANGS, PAGES
from support.site import Site


def job_args(daemon: Daemon, url: str, *more: str, spider: str = "pages") -> list[str]:
    """Return the command line of job j1 of project p; its log is where Scrapyd puts it."""
    folder = daemon.folder / "logs" / "p" / spider
    folder.mkdir(parents=True, exist_ok=True)
    return [
        "crawl",
        spider,
        "-s",
        f"LOG_FILE={folder / 'j1.log'}",
        *more,
        "-a",
        "_job=j1",
        "-a",
        f"url={url}",
    ]


def log_of(daemon: Daemon, spider: str = "pages") -> str:
    return (daemon.folder / "logs" / "p" / spider / "j1.log").read_text()


def record_of(daemon: Daemon, spider: str = "pages") -> dict[str, Any]:
    folder = daemon.folder / "logs" / "p" / ".ends" / spider
    assert [path.name for path in folder.iterdir()] == ["j1.json"]
    record: dict[str, Any] = json.loads((folder / "j1.json").read_text())
    return record


def test_a_finished_crawl(daemon: Daemon, site: Site) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES}), version="1_2")
    before = time.time()
    with daemon.start(*job_args(daemon, f"{site.url}/")) as process:
        assert process.wait(60) == 0
    record = record_of(daemon)
    pages = len(site.urls)
    expected = {
        "format": 1,
        "project": "p",
        "spider": "pages",
        "job": "j1",
        "version": "1_2",
        "pid": process.pid,
        "reason": "finished",
        "exit_status": 0,
        "error": "",
        "pages": pages,
        "items": pages,
        "errors": 0,
    }
    assert {name: record[name] for name in expected} == expected
    began, ended = (datetime.fromisoformat(record[name]).timestamp() for name in ("start_time", "end_time"))
    assert before - 1 <= began <= ended <= time.time() + 1
    assert record["stats"]["finish_reason"] == "finished"
    assert record["stats"]["item_scraped_count"] == pages
    assert "Job ended" not in log_of(daemon)


@pytest.mark.parametrize(
    "quiet",
    [
        {"LOG_LEVEL": "CRITICAL"},
        {"LOG_FORMAT": "%(message)s"},
        {"LOG_ENABLED": "0"},
        {"STATS_DUMP": "0", "LOG_DATEFORMAT": "%s"},
        {"LOG_ENCODING": "utf-16"},
    ],
)
def test_the_form_of_the_log_does_not_matter(daemon: Daemon, site: Site, quiet: dict[str, str]) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES}))
    settings = [word for name, value in quiet.items() for word in ("-s", f"{name}={value}")]
    assert daemon.run(*job_args(daemon, f"{site.url}/headers", *settings))[0] == 0
    record = record_of(daemon)
    assert (record["reason"], record["exit_status"], record["items"]) == ("finished", 0, 1)


def test_worker_processes_are_one_job(daemon: Daemon, site: Site) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES}))
    assert daemon.run(*job_args(daemon, f"{site.url}/", "-s", "CRAWL_PROCESSES=2"))[0] == 0
    record = record_of(daemon)
    pages = len(site.urls)
    assert (record["reason"], record["pages"], record["items"]) == ("finished", pages, pages)


BROKEN = {
    "settings that raise": ({"settings.py": "raise RuntimeError('no luck')"}, "RuntimeError: no luck"),
    "settings that exit": ({"settings.py": "import sys\nsys.exit('no luck')"}, "SystemExit: no luck"),
    "settings with a fault": ({"settings.py": "def"}, "SyntaxError: "),
    "a spider that is not there": (
        {"spiders/a.py": PAGES.replace('"pages"', '"other"')},
        "Spider not found: ",
    ),
    "a module that fails": ({"spiders/a.py": "import absent_library\n"}, "No module named 'absent_library'"),
    "an __init__ without _job": (
        {"spiders/a.py": PAGES.replace("url, **arguments", "url").replace("**arguments", "")},
        "unexpected keyword argument '_job'",
    ),
    "an __init__ that raises": (
        {
            "spiders/a.py": PAGES.replace(
                "        self.start", "        raise OSError('no luck')\n        self.start"
            )
        },
        "OSError: no luck",
    ),
    "an __init__ that exits": (
        {
            "spiders/a.py": PAGES.replace(
                "        self.start", "        raise SystemExit(3)\n        self.start"
            )
        },
        "SystemExit: 3",
    ),
    "a from_crawler that raises": (
        {
            "spiders/a.py": PAGES
            + "    @classmethod\n    def from_crawler(cls, *a, **k):\n        raise OSError('no luck')\n"
        },
        "OSError: no luck",
    ),
    "an open_spider that raises": (
        {
            "pipes.py": "class Pipe:\n    def open_spider(self, spider):\n        raise OSError('no luck')\n",
            "settings.py": SETTINGS + "ITEM_PIPELINES = {'bot.pipes.Pipe': 1}\n",
        },
        "OSError: no luck",
    ),
    "a pipeline that can't be imported": (
        {"settings.py": SETTINGS + "ITEM_PIPELINES = {'bot.absent.Pipe': 1}\n"},
        "bot.absent",
    ),
    "an extension that raises": (
        {
            "ext.py": "class Ext:\n    def __init__(self):\n        raise OSError('no luck')\n",
            "settings.py": SETTINGS + "EXTENSIONS = {'bot.ext.Ext': 1}\n",
        },
        "no luck",
    ),
    "a setting of a wrong type": (
        {"settings.py": SETTINGS + "CONCURRENT_REQUESTS = 'x'\n"},
        "CONCURRENT_REQUESTS",
    ),
    "a Redis that does not answer": (
        {
            "settings.py": SETTINGS + "SCHEDULER_QUEUE_CLASS = 'aioscrapy.queue.redis.SpiderPriorityQueue'\n"
            "REDIS_ARGS = {'queue': {'url': 'redis://127.0.0.1:9/0'}}\n"
        },
        "127.0.0.1:9",
    ),
}


@pytest.mark.parametrize("level", ["DEBUG", "CRITICAL"])
@pytest.mark.parametrize(("modules", "text"), BROKEN.values(), ids=BROKEN)
def test_what_kept_a_job_from_starting_is_in_its_log_and_its_record(
    daemon: Daemon, modules: dict[str, str], text: str, level: str
) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES, **modules}))
    status, _, err = daemon.run(*job_args(daemon, "http://127.0.0.1:9/", "-s", f"LOG_LEVEL={level}"))
    assert status != 0
    record = record_of(daemon)
    assert text in record["error"]
    assert text in log_of(daemon)
    assert text in err
    assert (record["reason"], record["exit_status"]) == ("not_started", status)
    assert record["end_time"]


@pytest.mark.parametrize(
    ("conf", "argv", "text"),
    [
        ("[scrapyd]\neggs_dir = %(absent)s", [], "Scrapyd's configuration"),
        ("[scrapyd]\neggs_dir = elsewhere", [], "project 'p' has no egg"),
        ("", ["-s", "FEEDS={1"], "FEEDS"),
        ("", ["-s", "no equals sign"], ""),
        ("", ["--no-such-option"], ""),
    ],
)
def test_what_is_wrong_beside_the_project(daemon: Daemon, conf: str, argv: list[str], text: str) -> None:
    daemon.configure(conf)
    daemon.store(make_egg({"spiders/a.py": PAGES}))
    status, _, _ = daemon.run(*job_args(daemon, "http://127.0.0.1:9/", *argv))
    assert status in {1, 2}
    record = record_of(daemon)
    assert (record["reason"], record["exit_status"]) == ("not_started", status)
    assert text in record["error"]
    assert "Job ended (not_started)" in log_of(daemon)
    assert text in log_of(daemon)


def test_an_error_has_its_traceback_in_the_log_and_no_control_characters(daemon: Daemon) -> None:
    daemon.store(make_egg({"settings.py": "x = 1\nraise RuntimeError('\\x1b[31mred\\nsecond \\x9b line')"}))
    assert daemon.run(*job_args(daemon, "http://127.0.0.1:9/"))[0] == 1
    log = log_of(daemon)
    assert 'bot/settings.py", line 2, in <module>' in log
    assert all(char.isprintable() or char in "\n\t" for char in log)
    assert record_of(daemon)["error"].endswith("RuntimeError: \\x1b[31mred second \\x9b line")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_cancel_before_the_crawl_leaves_a_log_and_a_record(daemon: Daemon, number: signal.Signals) -> None:
    daemon.store(make_egg({"settings.py": f"import os\nos.kill(os.getpid(), {int(number)})\n{SETTINGS}"}))
    assert daemon.run(*job_args(daemon, "http://127.0.0.1:9/"))[0] == 130
    record = record_of(daemon)
    assert (record["reason"], record["exit_status"]) == ("shutdown", 130)
    assert record["error"] == "interrupted before the crawl began"
    assert "Job ended (shutdown), exit status 130: interrupted before the crawl began" in log_of(daemon)


def test_a_cancel_while_the_runner_is_loaded_leaves_a_log(daemon: Daemon) -> None:
    """Signal the process the moment that its log exists, which is before the runner's own imports."""
    daemon.store(make_egg({"spiders/a.py": HANGS}))
    log = daemon.folder / "logs" / "p" / "hangs" / "j1.log"
    with daemon.start(*job_args(daemon, "http://127.0.0.1:9/", spider="hangs")) as process:
        while not log.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        status = process.wait(60)
    record = record_of(daemon, "hangs")
    assert (record["reason"], record["exit_status"]) == ("shutdown", status)
    assert "(shutdown)" in log.read_text()


def wait_for(path: Path, text: str) -> None:
    deadline = time.monotonic() + 60
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < deadline, path.read_text() if path.exists() else path
        time.sleep(0.02)  # a file does not announce that it has grown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_crawl(daemon: Daemon, site: Site, number: signal.Signals) -> None:
    daemon.store(make_egg({"spiders/a.py": HANGS}))
    args = job_args(daemon, f"{site.url}/", "-s", "SHUTDOWN_TIMEOUT=0.2", spider="hangs")
    with daemon.start(*args) as process:
        wait_for(daemon.folder / "logs" / "p" / "hangs" / "j1.log", "in the callback")
        process.send_signal(number)
        assert process.wait(30) == 0
    record = record_of(daemon, "hangs")
    assert (record["reason"], record["exit_status"], record["error"]) == ("shutdown", 0, "")


def test_the_record_of_a_job_that_runs_has_its_counts_and_a_killed_one_keeps_them(
    daemon: Daemon, site: Site
) -> None:
    many = HANGS.replace(
        "self.start_urls = [url]", "self.start_urls = [f'{url}page/{n}' for n in range(1, 41)]"
    )
    daemon.store(make_egg({"spiders/a.py": many}), version="7")
    record = daemon.folder / "logs" / "p" / ".ends" / "hangs" / "j1.json"
    args = job_args(daemon, f"{site.url}/", "-s", "CONCURRENT_REQUESTS=3", spider="hangs")
    with daemon.start(*args) as process:
        wait_for(record, '"pages": 3')
        live = json.loads(record.read_text())
        process.kill()
    killed = record_of(daemon, "hangs")
    assert live["waiting"] > 0
    assert live["rss"] > 1 << 20
    for read in (live, killed):
        assert (read["reason"], read["end_time"], read["exit_status"]) == ("killed", None, None)
        assert (read["version"], read["pid"], read["pages"], read["items"]) == ("7", process.pid, 3, 0)
    assert "killed" in killed["error"]


def test_the_counts_of_worker_processes_are_renewed(daemon: Daemon, site: Site) -> None:
    slow = PAGES.replace(
        "        yield {", "        import asyncio\n        await asyncio.sleep(0.2)\n        yield {", 1
    )
    daemon.store(make_egg({"spiders/a.py": slow}))
    record = daemon.folder / "logs" / "p" / ".ends" / "pages" / "j1.json"
    with daemon.start(*job_args(daemon, f"{site.url}/", "-s", "CRAWL_PROCESSES=2")) as process:
        deadline = time.monotonic() + 60
        while not (record.exists() and json.loads(record.read_text())["items"]):
            assert time.monotonic() < deadline
            time.sleep(0.02)  # a file does not announce that it has changed
        assert json.loads(record.read_text())["reason"] == "killed"
        assert process.wait(60) == 0
    assert record_of(daemon)["reason"] == "finished"


def test_a_daemon_may_name_the_record(daemon: Daemon, site: Site, tmp_path: Path) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES}))
    path = tmp_path / "records" / "of this job"
    args = ["crawl", "pages", "-a", "_job=j1", "-a", f"url={site.url}/headers"]
    assert daemon.run(*args, AIOSCRAPY_JOB_RECORD=str(path))[0] == 0
    assert json.loads(path.read_text())["reason"] == "finished"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "stays",
    [
        "import threading\nthreading.Thread(target=threading.Event().wait, name='stays').start()\n",
        "import atexit, threading\natexit.register(threading.Event().wait)\n",
    ],
)
def test_a_job_ends_although_threads_of_the_project_stay(daemon: Daemon, site: Site, stays: str) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES, "settings.py": SETTINGS + stays}))
    began = time.monotonic()
    assert daemon.run(*job_args(daemon, f"{site.url}/headers"))[0] == 0
    assert 15 <= time.monotonic() - began < 40
    assert record_of(daemon)["reason"] == "finished"
    what = "threads of the project (stays)" if "stays" in stays else "atexit handlers of the project"
    assert f"WARNING: The process ends although {what} still run 15 s after the crawl" in log_of(daemon)


def test_threads_that_end_are_waited_for(daemon: Daemon, site: Site) -> None:
    late = """
        import atexit, threading, time
        from pathlib import Path

        def write():
            time.sleep(1)
            Path("late").write_text("thread")

        threading.Thread(target=write).start()
        atexit.register(lambda: Path("at exit").touch())
    """
    daemon.store(make_egg({"spiders/a.py": PAGES, "late.py": late, "spiders/b.py": "import bot.late\n"}))
    assert daemon.run(*job_args(daemon, f"{site.url}/headers")) == (0, "", "")
    assert (daemon.folder / "late").read_text() == "thread"
    assert (daemon.folder / "at exit").exists()


def test_the_oldest_records_are_removed(daemon: Daemon, site: Site) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES}))
    folder = daemon.folder / "logs" / "p" / ".ends" / "pages"
    folder.mkdir(parents=True)
    for number in range(150):
        (folder / f"old{number}.json").touch()
        os.utime(folder / f"old{number}.json", (number, number))
    assert daemon.run(*job_args(daemon, f"{site.url}/headers"))[0] == 0
    assert len(list(folder.iterdir())) == 100
    assert {path.name for path in folder.glob("old*")} == {f"old{number}.json" for number in range(51, 150)}


def test_a_log_elsewhere_has_no_record(daemon: Daemon, site: Site) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES}))
    log = daemon.folder / "elsewhere.log"
    args = ["crawl", "pages", "-s", f"LOG_FILE={log}", "-a", "_job=j1", "-a", f"url={site.url}/headers"]
    assert daemon.run(*args) == (0, "", "")
    assert not list(daemon.folder.rglob(".ends"))


def test_stats_of_every_kind_make_a_record(tmp_path: Path) -> None:
    log = tmp_path / "p" / "s" / "j.log"
    record = EndRecord(JobFiles("s", "j", str(log), ""), "p")
    stats = {
        "nan": float("nan"),
        "text": "\ud800\x1b",
        "time": datetime(2026, 11, 25),  # noqa: DTZ001 as a project may set it
        "list": [1, (2, {3})],
        "object": object,
        7: {"a": b"b"},
        "response_received_count": 5,
        "item_scraped_count": float("inf"),
    }
    record.end(End("finished", 0), stats)
    (path,) = (tmp_path / "p" / ".ends" / "s").iterdir()
    read = json.loads(path.read_text(encoding="ascii"))
    assert (read["pages"], read["items"]) == (5, 0)
    assert read["stats"]["time"] == "2026-11-25T00:00:00"
    record.end(End("finished", 0), {f"host{n}": "x" * 100 for n in range(10_000)})
    assert json.loads(path.read_text())["stats"] == {}


class Mute(dict[str, Any]):
    """An object of a project that fails at everything that shows it."""

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__

    def items(self) -> Any:
        raise KeyError("no items")


@pytest.mark.parametrize("kind", ["itself", "deep", "mute", "name", "digits", "huge", "negative", "false"])
def test_a_stat_of_the_project_does_not_hide_how_a_job_ended(tmp_path: Path, kind: str) -> None:
    itself: dict[str, Any] = {}
    itself["x"] = itself
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    stats: dict[Any, Any] = {
        "itself": {"odd": itself},
        "deep": {"odd": deep},
        "mute": {"odd": Mute(a=1)},
        "name": {type("Name", (), {"__str__": Mute.__str__})(): 1},
        "digits": {"odd": 10**5000},
        "huge": {"item_scraped_count": 10**5000},
        "negative": {"item_scraped_count": -1},
        "false": {"item_scraped_count": "many"},
    }[kind]
    record = EndRecord(JobFiles("s", "j", str(tmp_path / "p" / "s" / "j.log"), ""), "p")
    record.renew(record.counts(stats))
    record.end(End("finished", 0), {"response_received_count": 5, **stats})
    read = json.loads((tmp_path / "p" / ".ends" / "s" / "j.json").read_text())
    assert (read["reason"], read["pages"], read["items"]) == ("finished", 5, 0)
    assert read["stats"]["response_received_count"] == 5


@pytest.mark.parametrize("stats", [[1], None, "x"])
def test_a_collector_of_the_project_may_return_anything(stats: Any) -> None:
    collector = SimpleNamespace(get_stats=lambda: stats)
    assert stats_of(SimpleNamespace(stats=collector)) == {}
    assert stats_of(None) == {}


@pytest.mark.parametrize(
    ("feeds", "is_scrapyds"),
    [
        ('{"file:///srv/items/p/s/j.jl": {"format": "jsonlines"}}', True),
        ('{"s3://bucket/items/p/s/j.jl": {"format": "jsonlines"}}', True),
        ('{"file:///srv/items/other.jl": {"format": "jsonlines"}}', False),
        ('{"p/s/j.jl": {}, "other.jl": {}}', False),
        ("[1]", False),
        ("{1", False),
        ("", False),
    ],
)
def test_only_the_feed_of_items_dir_is_added_to_those_of_the_project(feeds: str, is_scrapyds: bool) -> None:
    argv = ["crawl", "s", "-s", "LOG_FILE=x", "-s", f"FEEDS={feeds}", "-a", "_job=j", "-a", "FEEDS=kept"]
    files = JobFiles.of(argv)
    assert files == ("s", "j", "x", feeds)
    assert bool(job_feeds(files, "p")) is is_scrapyds
    assert without_setting(argv, "FEEDS") == [*argv[:4], *argv[6:]]


@pytest.mark.parametrize("where", ["settings", "spider"])
def test_the_projects_own_feeds_are_written_beside_the_items_of_scrapyd(
    daemon: Daemon, site: Site, where: str
) -> None:
    own = {str(daemon.folder / "own-%(name)s.csv"): {"format": "csv"}}
    modules = {"spiders/a.py": PAGES}
    if where == "settings":
        modules["settings.py"] = f"{SETTINGS}FEEDS = {own!r}\n"
    else:
        line = '    name = "pages"\n'
        modules["spiders/a.py"] = PAGES.replace(line, f"{line}    custom_settings = {{'FEEDS': {own!r}}}\n")
    daemon.store(make_egg(modules))
    items = daemon.folder / "items" / "p" / "pages" / "j1.jl"
    feeds = json.dumps({items.as_uri(): {"format": "jsonlines"}})
    assert daemon.run(*job_args(daemon, f"{site.url}/headers", "-s", f"FEEDS={feeds}")) == (0, "", "")
    assert len(items.read_text().splitlines()) == 1
    assert (
        len((daemon.folder / "own-pages.csv").read_text().splitlines()) == 2
    )  # with the names of the columns
    replacing = json.dumps({str(daemon.folder / "only.jl"): {"format": "jsonlines"}})
    (daemon.folder / "own-pages.csv").unlink()
    assert daemon.run(*job_args(daemon, f"{site.url}/headers", "-s", f"FEEDS={replacing}")) == (0, "", "")
    assert (daemon.folder / "only.jl").exists()
    assert not (daemon.folder / "own-pages.csv").exists()
