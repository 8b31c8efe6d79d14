"""`runner crawl`, started as Scrapyd starts it: its files, its pipes, its signals, its exit status."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from twisted.logger import formatEvent

from plugin.jobs import SETTINGS, Daemon, make_egg
from support.site import Site

PAGES = """
from aioscrapy import Request, Spider


class Pages(Spider):
    name = "pages"

    def __init__(self, url, **arguments):
        super().__init__(**arguments)
        self.start_urls = [url]

    async def parse(self, response):
        yield {"url": response.url, "job": self._job, "note": getattr(self, "note", None)}
        for href in response.css("a::attr(href)"):
            yield Request(response.urljoin(href))
"""


def crawl_args(daemon: Daemon, url: str, *more: str, spider: str = "pages") -> list[str]:
    """Return the command line that scrapyd.environ and scrapyd.launcher make, with all folders set."""
    feeds = {(daemon.folder / "job.jl").as_uri(): {"format": "jsonlines"}}
    settings = {"LOG_FILE": daemon.folder / "job.log", "FEEDS": json.dumps(feeds)}
    pairs = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
    return ["crawl", spider, *pairs, *more, "-a", "_job=j1", "-a", f"url={url}"]


def items(daemon: Daemon) -> list[dict[str, str]]:
    return [json.loads(line) for line in (daemon.folder / "job.jl").read_text().splitlines()]


def test_a_job_writes_its_log_and_its_items_and_not_a_word_more(daemon: Daemon, site: Site) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES}))
    assert daemon.run(*crawl_args(daemon, f"{site.url}/")) == (0, "", "")
    written = items(daemon)
    assert len(written) == len(site.urls)
    assert {item["url"] for item in written} == site.urls
    assert {item["job"] for item in written} == {"j1"}
    log = (daemon.folder / "job.log").read_text()
    assert "'finish_reason': 'finished'" in log
    assert "Spider closed (finished)" in log
    assert sorted(path.name for path in daemon.folder.iterdir()) == [
        "cache",
        "eggs",
        "home",
        "job.jl",
        "job.log",
    ]


@pytest.mark.parametrize(
    "note", ["a=b=c", '{"a": [1, "é"]}', "two\nlines", " spaces ", "", "-s x=y", "%d {} $HOME"]
)
def test_arguments_arrive_as_they_were_sent(daemon: Daemon, site: Site, note: str) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES}))
    one_page = crawl_args(daemon, f"{site.url}/headers", "-s", "HTTPERROR_ALLOW_ALL=1", "-a", f"note={note}")
    assert daemon.run(*one_page) == (0, "", "")
    assert [item["note"] for item in items(daemon)] == [note]


def test_a_setting_of_the_command_line_goes_before_the_projects_and_the_spiders(
    daemon: Daemon, site: Site
) -> None:
    own = "    custom_settings = {'USER_AGENT': 'of-the-spider'}\n"
    show = PAGES.replace('    name = "pages"\n', f'    name = "pages"\n{own}').replace(
        "response.url,", "response.json()['user-agent'],"
    )
    daemon.store(
        make_egg({"spiders/a.py": show, "settings.py": SETTINGS + "USER_AGENT = 'of-the-project'\n"})
    )
    args = crawl_args(daemon, f"{site.url}/headers", "-s", "USER_AGENT=one=two")
    assert daemon.run(*args) == (0, "", "")
    assert items(daemon)[0]["url"] == "one=two"


def test_what_a_crawl_prints_reaches_neither_the_daemon_nor_its_log(daemon: Daemon, site: Site) -> None:
    noise = """
        import os, subprocess
        print("by print at import")
        os.write(1, b"by file descriptor")
        os.write(2, b"by file descriptor")
        subprocess.run("echo by a child; echo by a child >&2; cat", shell=True)
    """
    printing = PAGES.replace("        yield {", "        print('by the callback')\n        yield {", 1)
    daemon.store(make_egg({"spiders/a.py": printing, "spiders/b.py": noise}))
    assert daemon.run(*crawl_args(daemon, f"{site.url}/")) == (0, "", "")
    assert "by a child" not in (daemon.folder / "job.log").read_text()
    assert len(items(daemon)) == len(site.urls)


def test_a_feed_to_standard_output_is_refused_unless_items_dir_has_the_items(
    daemon: Daemon, site: Site
) -> None:
    settings = "BOT_NAME = 'bot'\nSPIDER_MODULES = ['bot.spiders']\nFEEDS = {'-': {'format': 'jsonlines'}}\n"
    daemon.store(make_egg({"settings.py": settings, "spiders/a.py": PAGES}))
    job = ["crawl", "pages", "-a", "_job=j1", "-a", f"url={site.url}/headers", "-s", "LOG_FILE=job.log"]
    status, out, err = daemon.run(*job)
    assert (status, out) == (1, "")
    assert "setting FEEDS: stdout: can't be written" in err
    assert "Spider opened" not in (daemon.folder / "job.log").read_text()
    path = daemon.folder / "p" / "pages" / "j1.jl"
    feeds = json.dumps({path.as_uri(): {"format": "jsonlines"}})
    assert daemon.run(*job, "-s", f"FEEDS={feeds}") == (0, "", "")
    assert len(path.read_text().splitlines()) == 1


def test_log_stdout_puts_what_is_printed_in_the_log(daemon: Daemon, site: Site) -> None:
    printing = PAGES.replace("        yield {", "        print('printed {}')\n        yield {", 1)
    daemon.store(make_egg({"spiders/a.py": printing}))
    args = crawl_args(daemon, f"{site.url}/headers", "-s", "LOG_STDOUT=1")
    assert daemon.run(*args) == (0, "", "")
    assert "[stdout] INFO: printed {}" in (daemon.folder / "job.log").read_text()


def test_without_a_log_file_the_log_goes_to_the_daemon_as_text_that_it_can_format(
    daemon: Daemon, site: Site
) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES}))
    status, out, err = daemon.run("crawl", "pages", "-a", "_job=j1", "-a", f"url={site.url}/")
    assert (status, out) == (0, "")
    text = formatEvent({"log_format": err})  # what scrapyd.launcher's log.error(data) comes to
    assert f"{{'url': '{site.url}/', 'job': 'j1', 'note': None}}" in text
    assert "Spider closed (finished)" in text


def test_a_crash_reaches_the_daemon(daemon: Daemon, site: Site) -> None:
    crash = "import sys\nsys.stderr.write('half a line')\nraise KeyboardInterrupt('{}')\n"
    daemon.store(make_egg({"spiders/a.py": crash}))
    status, out, err = daemon.run(*crawl_args(daemon, site.url))
    assert (status, out) == (130, "")
    assert err == "half a lineaioscrapy: interrupted before the crawl began\n"
    assert "Job ended (shutdown), exit status 130: interrupted" in (daemon.folder / "job.log").read_text()


def test_children_that_outlive_the_job_do_not_keep_its_pipes(daemon: Daemon, site: Site) -> None:
    starts = """
import multiprocessing, os, subprocess, sys, time
from pathlib import Path


def live_on():
    sys.stderr.write("from a forked child")
    sys.stderr.flush()
    time.sleep(300)


class Parent(Pages):
    name = "parent"

    async def parse(self, response):
        by_exec = subprocess.Popen(["sleep", "300"], close_fds=False)
        by_fork = os.fork()
        if not by_fork:
            live_on()
        Path("children").write_text(f"{by_exec.pid} {by_fork}")
        yield {"url": response.url}
"""
    daemon.store(make_egg({"spiders/a.py": PAGES + starts}))
    status, out, err = daemon.run(
        *crawl_args(daemon, f"{site.url}/", spider="parent")
    )  # to the end of the pipes
    children = [int(pid) for pid in (daemon.folder / "children").read_text().split()]
    try:
        assert (status, out, err) == (0, "", "")
        for pid in children:
            os.kill(pid, 0)  # lives
            streams = {str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in (0, 1, 2)}
            assert streams == {"/dev/null"}
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


def test_a_crawl_goes_on_when_the_daemon_is_gone(daemon: Daemon, site: Site) -> None:
    loud = PAGES.replace("        yield {", "        print('x' * 70000)\n        yield {", 1)
    daemon.store(make_egg({"spiders/a.py": loud}))
    feeds = json.dumps({(daemon.folder / "job.jl").as_uri(): {"format": "jsonlines"}})
    log_to_pipe = ["crawl", "pages", "-s", f"FEEDS={feeds}", "-a", "_job=j1", "-a", f"url={site.url}/"]
    with daemon.start(*log_to_pipe) as process:
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe
            pipe.close()
        assert process.wait(60) == 0
    assert len(items(daemon)) == len(site.urls)


def test_the_version_may_be_deleted_while_its_job_runs(daemon: Daemon, site: Site) -> None:
    deletes = PAGES.replace(
        "    async def parse(self, response):\n",
        "    async def parse(self, response):\n"
        "        import shutil\n"
        "        shutil.rmtree('eggs', ignore_errors=True)\n"
        "        from bot.late import WORD\n"
        "        self.note = WORD\n",
    )
    daemon.store(make_egg({"spiders/a.py": deletes, "late.py": "WORD = 'late'\n"}))
    assert daemon.run(*crawl_args(daemon, f"{site.url}/")) == (0, "", "")
    assert {item["note"] for item in items(daemon)} == {"late"}


def test_a_crawl_imports_nothing_of_the_daemon(daemon: Daemon, site: Site) -> None:
    tells = PAGES.replace(
        "        yield {",
        "        import sys\n        self.note = ' '.join(sys.modules)\n        yield {",
        1,
    )
    daemon.store(make_egg({"spiders/a.py": tells}))
    assert daemon.run(*crawl_args(daemon, f"{site.url}/headers")) == (0, "", "")
    loaded = {name.partition(".")[0] for name in str(items(daemon)[0]["note"]).split()}
    assert "aiohttp" in loaded
    assert (
        not {"scrapy", "scrapyd", "twisted", "zope", "pkg_resources", "setuptools", "requests", "rich"}
        & loaded
    )


def test_a_job_with_a_jobdir_runs(daemon: Daemon, site: Site) -> None:
    daemon.store(make_egg({"spiders/a.py": PAGES}))
    jobdir = daemon.folder / "jobs" / "p" / "pages" / "j1"
    args = crawl_args(daemon, f"{site.url}/", "-s", f"JOBDIR={jobdir}")
    assert daemon.run(*args) == (0, "", "")
    assert jobdir.is_dir()
    assert len(items(daemon)) == len(site.urls)


HANGS = """
import asyncio
from aioscrapy import Spider


class Hangs(Spider):
    name = "hangs"

    def __init__(self, url, **arguments):
        super().__init__(**arguments)
        self.start_urls = [url]

    async def parse(self, response):
        self.logger.info("in the callback")
        await asyncio.sleep(300)
"""


def read_until(process: subprocess.Popen[bytes], text: str) -> str:
    """Read the log, which goes to the pipe here, until a line has `text`."""
    assert process.stderr
    output = ""
    for line in process.stderr:
        output += line.decode()
        if text in output:
            return output
    raise AssertionError(f"the job ended without {text!r}:\n{output}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_a_job_gracefully(daemon: Daemon, site: Site, number: signal.Signals) -> None:
    daemon.store(make_egg({"spiders/a.py": HANGS}))
    args = ["crawl", "hangs", "-s", "SHUTDOWN_TIMEOUT=0.5", "-a", "_job=j1", "-a", f"url={site.url}/"]
    with daemon.start(*args) as process:
        read_until(process, "in the callback")
        process.send_signal(number)
        log = read_until(process, "Spider closed (shutdown)")
        assert f"Received {number.name}, shutting down gracefully. Send again to force" in log
        assert "'finish_reason': 'shutdown'" in log
        assert process.wait(30) == 0


def test_the_second_signal_ends_a_job_at_once(daemon: Daemon, site: Site) -> None:
    daemon.store(make_egg({"spiders/a.py": HANGS}))
    args = ["crawl", "hangs", "-s", "SHUTDOWN_TIMEOUT=100", "-a", "_job=j1", "-a", f"url={site.url}/"]
    with daemon.start(*args) as process:
        read_until(process, "in the callback")
        process.send_signal(signal.SIGINT)
        read_until(process, "shutting down gracefully")
        process.send_signal(signal.SIGINT)
        read_until(process, "Received SIGINT twice, forcing unclean shutdown")
        process.wait(5)


@pytest.mark.parametrize("argv", [("list", "-s", "LOG_STDOUT=0"), ("crawl", "pages", "-a", "_job=1")])
def test_a_signal_before_the_crawl_is_one_line(daemon: Daemon, argv: tuple[str, ...]) -> None:
    daemon.store(make_egg({"settings.py": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"}))
    status, out, err = daemon.run(*argv)
    assert (status, out) == (130, "")
    assert err.startswith("aioscrapy: interrupted")
    assert err.count("\n") == 1


def test_control_characters_of_a_job_do_not_reach_the_daemons_log(daemon: Daemon, site: Site) -> None:
    loud = PAGES.replace(
        "        yield {",
        "        self.logger.info('\\x1b[2J{é}\\x9b\\x07 %s', response.url)\n        yield {",
        1,
    )
    daemon.store(make_egg({"spiders/a.py": loud}))
    status, _, err = daemon.run("crawl", "pages", "-a", "_job=j1", "-a", f"url={site.url}/headers")
    assert status == 0
    assert f"\\x1b[2J{{é}}\\x9b\\x07 {site.url}/headers" in formatEvent({"log_format": err})
    assert all(char.isprintable() or char in "\n\t" for char in err)
