"""The operating commands on two real Scrapyds whose jobs share one Redis."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.cmdline import main
from aioscrapy_deploy import Job, ScrapydClient, ScrapydError
from support import child_environment
from support.commands import output, write_shop
from support.deploying import Done, Server
from support.redis import RedisServer
from support.scrapyd import ScrapydServer
from support.site import Site

Command = Callable[..., Done]
KEEP = {"jobs_to_keep": "100", "max_proc": "8", "poll_interval": "0.1"}


@pytest.fixture(scope="module")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ScrapydServer]]:
    with ExitStack() as running:
        folders = (tmp_path_factory.mktemp("scrapyd") for _ in range(2))
        yield [running.enter_context(ScrapydServer(folder, conf=KEEP)) for folder in folders]


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer, daemons: list[ScrapydServer]
) -> Path:
    """A deployed project, with the targets `one` and `both`, and `half` of which one Scrapyd is down."""
    folder = write_shop(tmp_path_factory.mktemp("project") / "shop", redis_server.url)
    one, other = (daemon.url for daemon in daemons)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{free.getsockname()[1]}"
    with (folder / "aioscrapy.cfg").open("a") as cfg:
        cfg.write("[deploy]\nproject = shop\nversion = 7\n")
        for name, urls in {"one": one, "both": f"{one} {other}", "half": f"{down} {one}"}.items():
            cfg.write(f"[deploy:{name}]\nurl = {urls}\n")
    output(folder, "deploy", "both")
    return folder


@pytest.fixture
def command(shop: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Return `command(*argv)`, which runs `aioscrapy` in the project's folder."""
    monkeypatch.chdir(shop)
    monkeypatch.setenv("TERM", "xterm")

    def command(*argv: str) -> Done:
        capfd.readouterr()
        status = main(list(argv))
        printed = capfd.readouterr()
        return Done(status, printed.out, printed.err)

    return command


def json_of(done: Done) -> Any:
    """Return what a command that must succeed writes as JSON."""
    assert (done.status, done.err) == (0, "")
    return json.loads(done.out)


def refused(done: Done, *texts: str) -> None:
    """Check that there is one line that holds `texts`, and status 1."""
    assert done.status == 1
    assert done.err.startswith("aioscrapy: ")
    assert done.err.count("\n") == 1, done.err
    for text in texts:
        assert text in done.err


def start(command: Command, *argv: str) -> str:
    """Start one job at `one`, and return its id."""
    return str(json_of(command("schedule", "tested", "-t", "one", "--json", *argv))["jobs"][0]["job"])


def hanging(command: Command, daemon: ScrapydServer, site: Site, *argv: str) -> str:
    """Start a job at `one` whose only page never comes; returns when it was asked for."""
    job = start(command, "-a", f"site={site.url}/hang", *argv)
    daemon.wait_running(job)
    while "/hang" not in site.counts():
        assert daemon.api("status", job=job)["currstate"] == "running"
    return job


def names(daemons: list[ScrapydServer]) -> list[str]:
    return [f"127.0.0.1:{daemon.port}" for daemon in daemons]


def test_four_jobs_on_two_scrapyds_are_one_crawl(
    command: Command, daemons: list[ScrapydServer], site: Site, redis_url: str
) -> None:
    done = command("schedule", "tested", "-t", "both", "--jobs", "4", "--wait", "-a", f"site={site.url}/")
    assert (done.status, done.err) == (0, "")
    *lines, total = done.out.splitlines()
    assert site.counts() == {url.removeprefix(site.url): 1 for url in site.urls}
    pages = len(site.urls)
    crawl = total.split()[1].rstrip(":")
    assert total.startswith(f"crawl {crawl}: 4 jobs, {pages} pages, {pages} items in ")
    assert total.endswith(" s, finished")
    assert sorted(line.partition(" at ")[2] for line in lines[:4]) == sorted(2 * names(daemons))
    # Between the starts and the ends, a crawl of more than ten seconds has lines of its progress.
    assert len([line for line in lines[4:] if " finished: " in line]) == 4
    from_redis = [json.loads(line) for line in output(Path.cwd(), "items", crawl).splitlines()]
    assert {item["url"] for item in from_redis} == site.urls
    assert len(from_redis) == pages
    from_scrapyd = [json.loads(line) for line in command("items", crawl, "-t", "both").out.splitlines()]
    assert sorted(map(str, from_scrapyd)) == sorted(map(str, from_redis))
    rows = [row for row in json_of(command("jobs", "-t", "both", "--json")) if row["job"].startswith(crawl)]
    assert sum(row["pages"] for row in rows) == pages
    assert {row["reason"] for row in rows} == {"finished"}


def test_wait_prints_the_sums_as_json(command: Command, site: Site, redis_url: str) -> None:
    whole = json_of(
        command(
            *("schedule", "tested", "-t", "one", "--crawl", "c/1", "--wait", "--json"),
            *("-a", f"site={site.url}/", "-s", "CLOSESPIDER_PAGECOUNT=0"),
        )
    )
    (job,) = whole.pop("jobs")
    assert job["job"].startswith("c_1-")
    assert (job["reason"], job["pages"], job["items"]) == ("finished", 61, 61)
    assert (whole["project"], whole["spider"], whole["crawl"]) == ("shop", "tested", "c/1")
    assert (whole["pages"], whole["items"], whole["reason"]) == (61, 61, "finished")
    assert 0 < whole["seconds"] < 60


def test_wait_fails_where_a_job_has_not_finished(command: Command, site: Site, redis_url: str) -> None:
    wait = ("schedule", "tested", "-t", "one", "--wait", "-a", f"site={site.url}/")
    done = command(*wait, "--crawl", "few", "-s", "EXTENSIONS={'aioscrapy.nonesuch.Nothing': 1}")
    assert done.status == 1
    assert done.out.splitlines()[-1].endswith(", not_started")
    done = command(*wait, "--crawl", "some", "-s", "CLOSESPIDER_PAGECOUNT=5")
    assert done.status == 1
    assert done.out.splitlines()[-1].endswith(" s, closespider_pagecount")


def test_ctrl_c_while_waiting_leaves_the_jobs(
    command: Command, shop: Path, daemons: list[ScrapydServer], site: Site, redis_url: str
) -> None:
    argv = ["schedule", "tested", "-t", "one", "--wait", "--crawl", "on", "-a", f"site={site.url}/hang"]
    with subprocess.Popen(
        [sys.executable, "-m", "aioscrapy", *argv],
        cwd=shop,
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as waiting:
        assert waiting.stdout is not None
        job = waiting.stdout.readline().split()[0]
        daemons[0].wait_running(job)
        waiting.send_signal(signal.SIGINT)
        _, errors = waiting.communicate(timeout=30)
    assert waiting.returncode == 130
    assert errors == "aioscrapy: the jobs continue. To cancel: aioscrapy cancel on -t one\n"
    assert daemons[0].api("status", job=job)["currstate"] == "running"
    assert command("cancel", "on", "-t", "one", "--timeout", "0").out == f"{job}: ended by force\n"


def test_ctrl_c_does_not_wait_for_a_server_that_hangs(shop: Path, server: Server) -> None:
    server.answer_now.clear()
    with subprocess.Popen(
        [sys.executable, "-m", "aioscrapy", "status", "-t", server.url],
        cwd=shop,
        env=child_environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as asking:
        assert server.arrived.wait(30)
        asking.send_signal(signal.SIGINT)
        _, errors = asking.communicate(timeout=5)
    assert (asking.returncode, errors) == (130, "aioscrapy: interrupted\n")


def test_two_latest_versions_are_a_warning(
    command: Command, daemons: list[ScrapydServer], tmp_path: Path, site: Site, redis_url: str
) -> None:
    egg = tmp_path / "shop.egg"
    assert command("deploy", "--build-egg", str(egg)).status == 0
    client = ScrapydClient(daemons[1].url)
    assert client.addversion("shop", "8", egg.read_bytes()).failure is None
    try:
        done = command("schedule", "tested", "-t", "both", "--jobs", "2", "--wait")
        assert done.status == 0
        ours, others = names(daemons)
        assert done.err == (
            f"aioscrapy: the latest versions differ: 7 at {ours}, 8 at {others}; "
            "deploy to all of them, or use -v\n"
        )
        versions = json_of(command("versions", "-t", "both", "--json"))
        assert versions == [{"version": "7", "nodes": [ours, others]}, {"version": "8", "nodes": [others]}]
    finally:
        client.delversion("shop", "8")


def test_jobs_that_were_started_before_a_failure_are_named(command: Command, server: Server) -> None:
    server.body = b"""{"status": "ok", "pending": 0, "running": 0, "spiders": ["one"], "versions": ["1"],
        "currstate": null}"""
    server.next_statuses = [200] * 3 + [500]  # of the daemon, the spiders and the first job
    done = command("schedule", "one", "-p", "other", "-t", server.url, "--jobs", "3", "--crawl", "c")
    assert done.status == 1
    assert done.err.splitlines() == [
        f"aioscrapy: 1 of 3 jobs were started. To cancel: aioscrapy cancel c -t {server.url} -p other",
        f"aioscrapy: {server.url}/schedule.json: the server answers with status 500. "
        "The server has failed: its log has the reason",
    ]


def test_what_is_deployed_is_listed(command: Command, daemons: list[ScrapydServer]) -> None:
    assert [row["target"] for row in json_of(command("targets", "--json"))] == ["one", "both", "half"]
    assert command("targets").out.splitlines()[1].split() == ["one", "shop", daemons[0].url]
    for verb, name in {"projects": "shop", "spiders": "tested", "versions": "7"}.items():
        assert command(verb, "-t", "one").out == f"{name}\n"
        assert (
            command(verb, "-t", daemons[1].url, *(() if verb == "projects" else ("-p", "shop"))).out
            == f"{name}\n"
        )
        assert json_of(command(verb, "-t", "both", "--json")) == [{verb[:-1]: name, "nodes": names(daemons)}]
        assert command(verb, "-t", "both").out.splitlines()[1].split() == [name, *names(daemons)]


def test_status_prints_daemons_or_jobs(
    command: Command, daemons: list[ScrapydServer], site: Site, redis_url: str
) -> None:
    job = hanging(command, daemons[0], site)
    rows = json_of(command("status", "-t", "both", "--json"))
    assert [(row["node"], row["running"], row["pending"]) for row in rows] == [
        (names(daemons)[0], 1, 0),
        (names(daemons)[1], 0, 0),
    ]
    assert json_of(command("status", job, "-t", "both", "--json")) == [
        {"job": job, "state": "running", "node": names(daemons)[0]}
    ]
    assert command("status", job, "-t", "one").out.splitlines()[1].split() == [
        job,
        "running",
        names(daemons)[0],
    ]
    assert command("cancel", job, "-t", "both", "--timeout", "0").status == 0


def test_a_scrapyd_that_is_down_is_one_line_and_the_others_are_listed(
    command: Command, daemons: list[ScrapydServer]
) -> None:
    for verb in ("status", "jobs", "projects", "spiders", "versions"):
        done = command(verb, "-t", "half", "--json")
        refused(done, ".json: Connection refused: is a Scrapyd running there?")
        answer = json.loads(done.out)
        assert verb == "jobs" or answer
    done = command("schedule", "tested", "-t", "half", "--jobs", "2", "--wait", "--json")
    assert done.status == 0
    assert done.err.count("Connection refused: is a Scrapyd running there?\n") == 1
    assert {job["node"] for job in json.loads(done.out)["jobs"]} == {names(daemons)[0]}


def test_a_cancelled_job_ends_gracefully(
    command: Command, daemons: list[ScrapydServer], site: Site, redis_url: str
) -> None:
    job = hanging(command, daemons[0], site, "-s", "SHUTDOWN_TIMEOUT=0.2", "--crawl", "soft")
    assert json_of(command("cancel", "soft", "-t", "both", "--json")) == [
        {"job": job, "node": names(daemons)[0], "was": "running", "forced": False, "ended": True}
    ]
    assert command("cancel", job, "-t", "one").out == f"{job}: had ended already\n"
    assert "'finish_reason': 'shutdown'" in command("log", job, "-t", "one").out


def test_after_the_deadline_the_second_signal_ends_it(
    command: Command, daemons: list[ScrapydServer], site: Site, redis_url: str
) -> None:
    job = hanging(command, daemons[0], site, "-s", "SHUTDOWN_TIMEOUT=60")
    assert command("cancel", "--all", "-t", "both", "--timeout", "0.3").out == f"{job}: ended by force\n"
    assert command("cancel", "--all", "-t", "both").out == "No job of project shop is pending or running\n"


def test_a_job_that_waits_is_taken_out_of_the_queue(tmp_path: Path, shop: Path, command: Command) -> None:
    with ScrapydServer(tmp_path / "scrapyd", conf={"poll_interval": "1000"}) as daemon:
        client = ScrapydClient(daemon.url)
        egg = tmp_path / "shop.egg"
        assert command("deploy", "--build-egg", str(egg)).status == 0
        assert client.addversion("shop", "1", egg.read_bytes()).failure is None
        options = ("-t", daemon.url, "-p", "shop")
        for _ in range(2):  # the first poll was at the start, and there may be a slot that takes one at once
            start_ = command(
                "schedule", "tested", *options, "--json", "-v", "1", "-a", "note=a=b", "--priority", "2"
            )
            (job,) = json_of(start_)["jobs"]
        (row,) = [row for row in json_of(command("jobs", *options, "--json")) if row["job"] == job["job"]]
        assert (row["state"], row["version"], row["arguments"]) == ("pending", "1", {"note": "a=b"})
        refused(command("log", job["job"], *options), "is pending and has no log")
        done = command("cancel", job["job"], *options)
        assert (done.status, done.out) == (0, f"{job['job']}: removed from the queue\n")


def test_a_scrapyd_with_a_password_is_operated(
    tmp_path: Path, shop: Path, command: Command, home: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = {"username": "me", "password": "secret-word", **KEEP}
    egg = tmp_path / "shop.egg"
    assert command("deploy", "--build-egg", str(egg)).status == 0
    with ScrapydServer(tmp_path / "scrapyd", conf=conf) as daemon:
        monkeypatch.setenv("SCRAPYD_PASSWORD", "wrong")  # the daemon would read it, too
        refused(
            command("jobs", "-t", daemon.url), "status 401. The server requires a username and a password"
        )
        monkeypatch.setenv("SCRAPYD_PASSWORD", "secret-word")
        target = ("-t", daemon.url.replace("//", "//me@"), "-p", "shop")
        client = ScrapydClient(daemon.url, "me", "secret-word")
        assert client.addversion("shop", "1", egg.read_bytes()).failure is None
        done = command("schedule", "tested", "--wait", "--json", *target)
        job = json_of(done)["jobs"][0]["job"]
        assert command("log", job, *target).out == daemon.log("shop", "tested", job)
        (home / ".netrc").write_text("machine 127.0.0.1 login me password secret-word\n")
        monkeypatch.delenv("SCRAPYD_PASSWORD")
        assert json_of(command("status", "-t", daemon.url, "--json"))[0]["finished"] == 1
        for text in (done.out, daemon.log("shop", "tested", job), daemon.daemon_text()):
            assert "secret-word" not in text


def test_a_password_on_the_open_net_is_warned_of_wherever_one_goes(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch, shop: Path
) -> None:
    """The server plays a proxy here, which is asked for a machine that does not exist."""
    monkeypatch.setenv("http_proxy", server.url)
    server.body = b'{"status": "ok", "projects": ["shop"]}'
    url = "http://me:hush@scrapyd.example"
    warning = "Warning: the password for http://scrapyd.example goes over the net as plain text"
    done = command("projects", "-t", url)
    assert (done.status, done.out) == (0, "shop\n")
    assert done.err.startswith(f"aioscrapy: {warning}")
    with (shop / "aioscrapy.cfg").open("a") as cfg:
        cfg.write(f"[deploy:open]\nurl = {url}\n")
    assert f"open    shop     {url.replace('me:hush@', '')}" in command("targets").out
    deployed = command("deploy", "open")
    assert warning in deployed.err
    for line in (done.err, deployed.err, deployed.out):
        assert line.count("plain text") <= 1
        assert "hush" not in line


def test_a_log_is_followed_to_the_end(
    command: Command, daemons: list[ScrapydServer], site: Site, redis_url: str
) -> None:
    job = start(command, "-a", f"site={site.url}/", "-s", "DOWNLOAD_DELAY=0.02")
    done = command("log", job, "-f", "-t", "both")
    assert done.status == 0
    assert done.out == daemons[0].log("shop", "tested", job)
    assert done.out.endswith("Spider closed (finished)\n")


def test_the_files_of_a_forgotten_job_can_be_read(
    command: Command, daemons: list[ScrapydServer], tmp_path: Path
) -> None:
    folder = daemons[1].folder
    items = '{"a": 1}\n{"a": 2}\n{"a": '  # a killed job may leave a half line
    for kind, text in {"logs": "an old log\n", "items": items}.items():
        path = folder / kind / "shop" / "tested" / f"old.{'log' if kind == 'logs' else 'jl'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert command("log", "old", "-t", "both").out == "an old log\n"
    done = command("items", "old", "-t", "both")
    assert done.out == '{"a": 1}\n{"a": 2}\n'
    assert "nothing says how job old ended: items may be missing" in done.err
    file = tmp_path / "old.csv"
    done = command("items", "old", "-t", "both", "-o", str(file))
    assert (done.status, done.out) == (0, f"2 items exported to {file}\n")
    assert file.read_text().split() == ["a", "1", "2"]


def test_the_live_table_ends_by_ctrl_c(command: Command, shop: Path) -> None:
    argv = [sys.executable, "-m", "aioscrapy", "jobs", "-t", "both", "--watch", "0.05"]
    for as_json in (False, True):
        with subprocess.Popen(
            [*argv, *(["--json"] if as_json else [])],
            cwd=shop,
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as watch:
            assert watch.stdout is not None
            first = watch.stdout.readline()
            second = watch.stdout.readline()
            os.kill(watch.pid, signal.SIGINT)
            _, errors = watch.communicate(timeout=30)
        assert (watch.returncode, errors) == (0, b"")
        if as_json:
            assert isinstance(json.loads(first), list)
            assert isinstance(json.loads(second), list)
        else:
            assert b" running, " in first
            assert b"\x1b" not in first + second


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        ("jobs", "which target? Use -t with one of one, both, half"),
        ("jobs -t nonesuch", "Unknown target: nonesuch; Known targets: one, both, half"),
        ("jobs -t ftp://host", "the url must begin with http:// or https://"),
        ("spiders -t one -p nonesuch", "/listspiders.json: project 'nonesuch' not found"),
        (
            "versions -t one -p nonesuch",
            "/listversions.json: project 'nonesuch' not found: deploy it",
        ),
        ("spiders -t one -v 8", "/listspiders.json: version '8' not found: see `aioscrapy versions`"),
        ("jobs -t one -p nonesuch", "/listjobs.json: project 'nonesuch' not found"),
        ("schedule nonesuch -t one", "project shop has no spider 'nonesuch'; it has tested"),
        ("schedule tested -t one -p nonesuch", "project 'nonesuch' not found: deploy it"),
        ("schedule tested -t one -v 8", "version '8' not found"),
        ("schedule tested -t one -a _job=1", "-a _job: Scrapyd reserves this name"),
        ("schedule tested -t one -a crawl=a --crawl b", "are different crawls"),
        ("log nonesuch -t one", "no job of project shop is named 'nonesuch' at target one"),
        ("items nonesuch -t one", "no job of project shop is named 'nonesuch' at target one"),
        ("items nonesuch -t one --delete", "--delete and --redis are for crawls in Redis"),
        ("status nonesuch -t one", "no job of project shop is named 'nonesuch' at target one"),
        ("cancel nonesuch -t one", "no job of project shop is named 'nonesuch' at target one"),
        ("cancel -t one", "which jobs? Name them, or use --all"),
        ("cancel x --all -t one", "which jobs? Name them, or use --all"),
    ],
)
def test_what_can_t_be_done_is_one_line(command: Command, argv: str, problem: str) -> None:
    refused(command(*argv.split()), problem)


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (200, b"<html>\nWelcome</html>\n", "the answer is not from a Scrapyd: Welcome</html>"),
        (401, b"", "the server answers with status 401. The server requires a username and a password"),
        (404, b"", "the server answers with status 404. There is no Scrapyd at this url"),
        (500, b"", "the server answers with status 500."),
        (200, b'{"status": "error", "message": "no disk"}', ".json: no disk"),
    ],
)
def test_another_server_than_a_scrapyd_is_one_line(
    command: Command, server: Server, status: int, body: bytes, problem: str
) -> None:
    server.status, server.body = status, body
    for verb in ("jobs", "status", "projects"):
        refused(command(verb, "-t", server.url), problem)


def test_the_client_has_every_verb(
    daemons: list[ScrapydServer], shop: Path, tmp_path: Path, command: Command
) -> None:
    client = ScrapydClient(daemons[1].url)
    egg = tmp_path / "shop.egg"
    assert command("deploy", "--build-egg", str(egg)).status == 0
    assert client.addversion("other", "1", egg.read_bytes()).failure is None
    assert client.listprojects() == ["other", "shop"]
    assert client.listversions("other") == ["1"]
    assert client.listspiders("other", "1") == ["tested"]
    job = client.schedule(
        "other", "tested", arguments={"crawl": "odd"}, settings={"LOG_LEVEL": "INFO"}, priority=1
    )
    daemons[1].wait_job(job)
    assert client.status(job) == "finished"
    assert client.status("nonesuch") is None
    (entry,) = client.listjobs("other")
    assert (entry.id, entry.state, entry.pid, entry.project) == (job, "finished", None, "other")
    whole = client.log(entry)
    assert whole is not None
    assert client.log(entry, 5, 10) == whole[5:15]
    assert client.log(entry, -10) == whole[-10:]
    assert client.log(entry, -(1 << 20)) == whole
    assert client.log(entry, len(whole)) == b""
    assert client.log(Job("nonesuch", "other", "tested", "finished")) is None
    feed = client.items(entry)
    assert feed is not None
    assert b"".join(feed) == b""
    assert client.cancel("other", job) is None
    with pytest.raises(ScrapydError, match="version '8' not found"):
        client.delversion("other", "8")
    client.delversion("other", "1")
    assert client.listprojects() == ["shop"]
    assert client.daemonstatus().node_name
