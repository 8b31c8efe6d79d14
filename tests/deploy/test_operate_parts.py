"""The parts of the operating commands: tables, ids, ends of logs."""

import json
import os
import pty
import re
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.cells import cell_len

from aioscrapy.cmdline import main
from aioscrapy.crawls.ids import new_id
from aioscrapy_deploy import Job, ScrapydClient
from aioscrapy_deploy.fleet import Node
from aioscrapy_deploy.operate.find_jobs import JobOnNode, match_jobs, new_job
from aioscrapy_deploy.remote.job_end import End, read_end
from aioscrapy_deploy.terminal.screen import fitted
from aioscrapy_deploy.terminal.table import coloured, table
from support.deploying import Server

STATS = """2026-11-24 05:02:27 [aioscrapy.stats] INFO: Dumping Scrapy stats:
{'elapsed_time_seconds': 0.5,
 'finish_reason': 'finished',
 'finish_time': datetime.datetime(2026, 11, 24, 5, 2, 27, 500000, tzinfo=datetime.timezone.utc),
 'item_scraped_count': 3,
 'response_received_count': 4,
 'start_time': datetime.datetime(2026, 11, 24, 5, 2, 27, tzinfo=datetime.timezone.utc)}
2026-11-24 05:02:27 [aioscrapy.crawler] INFO: Spider closed (finished)
"""


def jobs(*ids: str, **arguments: str) -> list[JobOnNode]:
    node = Node(ScrapydClient("http://localhost"))
    return [JobOnNode(node, Job(id, "shop", "one", "pending", arguments=arguments)) for id in ids]


def ids(found: list[JobOnNode]) -> list[str]:
    return [each.job.id for each in found]


def test_a_table_puts_words_left_and_numbers_right() -> None:
    rows: list[dict[str, Any]] = [
        {"job": "a", "pages": 5, "pid": None},
        {"job": "long", "pages": 1000, "pid": 7},
    ]
    assert table(rows, ("job", "pages", "pid")) == [
        "job   pages  pid",
        "a         5",
        "long   1000    7",
    ]


def drawn(rows: list[dict[str, Any]], columns: list[str], optional: list[str], width: int) -> list[str]:
    from rich.console import Console

    terminal = Console(width=width, color_system="standard", force_terminal=True, highlight=False)
    with terminal.capture() as captured:
        terminal.print(fitted(rows, columns, optional, width))
    return captured.get().splitlines()


def test_colours_mark_states_and_bad_ends() -> None:
    rows = [
        {"state": "running"},
        {"state": "pending"},
        {"state": "failed"},
        {"state": "finished", "reason": "finished"},
        {"state": "finished", "reason": "shutdown"},
    ]
    lines = drawn(rows, ["state"], [], 80)
    assert [line.partition("m")[0] for line in lines] == [f"\x1b[{code}" for code in (1, 32, 33, 31, 2, 31)]
    assert all(line.endswith("\x1b[0m") for line in lines)


@pytest.mark.parametrize("width", [20, 34, 40, 60, 80, 200])
def test_a_table_is_not_wider_than_the_terminal(width: int) -> None:
    """A column that may go goes first, then words are cut; also wide characters have their width."""
    rows = [
        {"job": "c589d1-8e9ab1", "pid": 47110815, "reason": "[red]not_started[/red]: a long reason " * 3},
        {"job": "爬虫任务-8e9ab1\x1b[2J", "pid": 7, "reason": "😀 :smile:", "empty": None},
    ]
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in drawn(rows, [*rows[0], "empty"], ["pid"], width)]
    assert len(lines) == 3
    assert all(cell_len(line) <= width for line in lines), lines
    assert ("pid" in lines[0]) is (width >= 80)
    assert "empty" not in lines[0]
    assert not set("".join(lines)) & set("\x1b\x07")
    if width == 200:
        assert "[red]not_started[/red]: a long" in lines[1]
        assert ":smile:" in lines[2]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)],
)
def test_colours_are_for_terminals(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert not coloured()
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert coloured() is expected
    os.close(ours)


def test_a_crawl_s_id_means_its_jobs() -> None:
    crawl = new_id()
    of_crawl, other = [new_job(crawl) for _ in range(3)], new_job(None)
    assert ids(match_jobs(jobs(*of_crawl, other), crawl)) == of_crawl
    assert ids(match_jobs(jobs(*of_crawl, other), of_crawl[1])) == [of_crawl[1]]
    assert match_jobs(jobs(*of_crawl, other), crawl[:15]) == []
    assert match_jobs(jobs("20261125T194904-80ec15-594587"), "20261125T194904") == []
    assert ids(match_jobs(jobs("c-80ec15", "c-80ec15-2", "c-80ec15-256"), "c")) == [
        "c-80ec15",
        "c-80ec15-2",
        "c-80ec15-256",
    ]
    assert ids(match_jobs(jobs("x", crawl="a/b"), "a/b")) == ["x"]
    assert new_job("a/b").startswith("a_b-")


def test_the_job_goes_before_a_crawl_of_the_same_name() -> None:
    assert ids(match_jobs(jobs("a", "a-123abc"), "a")) == ["a"]


def end_of(server: Server, text: str | None, record: str | None = None) -> End:
    """Return the end of a job with this log and this record; without them a server says 404."""
    server.status, server.body = (404, b"") if text is None else (200, text.encode())
    server.answers["a.json"] = b"" if record is None else record.encode()
    return read_end(ScrapydClient(server.url), jobs("a")[0].job)


RECORD = {
    "format": 1,
    "reason": "not_started",
    "error": "shop/x.py:1: \x1b[2JKeyError",
    "pages": None,
    "items": 3,
    "start_time": "2026-11-24T05:02:27.250000+00:00",
    "end_time": "2026-11-24T06:02:27+01:00",
    "a later key": 1,
}


def test_the_record_goes_before_the_log(server: Server) -> None:
    end = end_of(server, STATS, json.dumps(RECORD))
    assert end == End(
        "not_started",
        error="shop/x.py:1: \\x1b[2JKeyError",
        items=3,
        started=datetime(2026, 11, 24, 5, 2, 27, 250_000, tzinfo=UTC),
        ended=datetime(2026, 11, 24, 5, 2, 27, tzinfo=UTC),
    )
    killed = end_of(server, STATS, json.dumps({"reason": "killed", "end_time": None}))
    assert (killed.reason, killed.seconds) == ("killed", None)


@pytest.mark.parametrize("record", ["", "no JSON", "[]", "{}", '{"format": 1}'])
def test_a_record_that_is_not_one_leaves_the_log(server: Server, record: str) -> None:
    assert end_of(server, STATS, record).reason == "finished"


def test_the_record_of_a_job_stands_beside_its_spider_s_logs(server: Server) -> None:
    server.status, server.body = 404, b""
    client = ScrapydClient(server.url)
    plain = Job("a b", "shop", "one", "finished")
    assert client.end_record(plain) is None
    moved = Job("a", "shop", "one", "finished", log_url="/far/logs/shop/one/a.log")
    assert client.end_record(moved) is None
    assert [seen.path for seen in server.seen] == [
        "/logs/shop/.ends/one/a%20b.json",
        "/far/logs/shop/.ends/one/a.json",
    ]


@pytest.mark.parametrize(
    "text",
    [
        STATS.replace("2026-11-24 05:02:27 [aioscrapy.stats] INFO: ", "2026|INFO|aioscrapy.stats|"),
        STATS.replace("2026-11-24 05:02:27 [aioscrapy.stats] INFO: ", ""),
        STATS.replace("Dumping Scrapy stats:", "Dumping stats:"),
        STATS.replace("\n", "\r\n"),
        '{"message": "' + STATS.replace("\n", "\\n") + '"}',
    ],
    ids=["own format", "bare", "aioscrapy's", "windows", "JSON"],
)
def test_a_log_of_any_format_has_its_end(server: Server, text: str) -> None:
    end = end_of(server, f"before\n{text}")
    assert (end.reason, end.pages, end.items, end.seconds) == ("finished", 4, 3, 0.5)


def test_the_stats_of_a_log_give_the_end_of_the_job(server: Server) -> None:
    end = end_of(server, f"before\n{STATS}")
    assert end == End(
        "finished",
        pages=4,
        items=3,
        started=datetime(2026, 11, 24, 5, 2, 27, tzinfo=UTC),
        ended=datetime(2026, 11, 24, 5, 2, 27, 500_000, tzinfo=UTC),
    )
    assert end.seconds == 0.5


def test_stats_above_a_long_rest_are_read_too(server: Server) -> None:
    assert end_of(server, "x" * 300_000 + "\n" + STATS + "late\n" * 10_000).pages == 4


@pytest.mark.parametrize(
    "text", ["", "killed\n", "y" * 300_000, "{'finish_reason': 'finished'}\n", STATS.partition("{")[0]]
)
def test_a_log_without_stats_has_no_end(server: Server, text: str) -> None:
    assert end_of(server, text).reason is None
    assert end_of(server, text).has_log


def test_a_missing_log_is_reported(server: Server) -> None:
    assert end_of(server, None) == End(has_log=False)


def test_a_proxy_that_ignores_ranges_does_no_harm(server: Server) -> None:
    server.body = b"0123456789"
    client, job = ScrapydClient(server.url), jobs("a")[0].job
    assert client.log(job, 2, 3) == b"234"
    assert client.log(job) == b"0123456789"


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        ("schedule one --jobs 0", "argument --jobs: '0' is not a whole number of at least 1"),
        ("schedule one --jobs x", "argument --jobs: 'x' is not a whole number of at least 1"),
        ("schedule one --priority nan", "argument --priority: 'nan' is not a number"),
        ("jobs --watch x", "argument -w/--watch: 'x' is not a number"),
        ("jobs --watch nan", "argument -w/--watch: 'nan' is not a number"),
        ("jobs --watch 1e99", "argument -w/--watch: '1e99' is not a number of seconds from 0 to 86400"),
        ("jobs --watch 0", "argument -w/--watch: a pause of 0 seconds is not possible"),
        ("schedule one -a x", "argument -a: 'x' is not NAME=VALUE"),
        ("schedule one -s =x", "argument -s: '=x' is not NAME=VALUE"),
        ("crawl one -s x", "Invalid -s value, use -s NAME=VALUE: 'x' is not NAME=VALUE"),
        ("cancel --all --timeout nan", "argument --timeout: 'nan' is not a number"),
        ("cancel --all --timeout=-1", "argument --timeout: '-1' is not a number of seconds from 0"),
    ],
)
def test_a_value_of_the_wrong_type_is_wrong_usage(
    argv: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv.split())
    assert ended.value.code == 2
    assert problem in capsys.readouterr().err
