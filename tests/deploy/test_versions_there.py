"""Versions that sort, the way back, and what a server keeps when a deploy fails, ends or is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scrapyd.eggstorage import sorted_versions

from aioscrapy_deploy.build.version import newest_version
from aioscrapy_deploy.eggs.versions import is_latest, stored_name
from support import child_environment
from support.deploying import PROGRAM, Run, Server, Write
from support.scrapyd import ScrapydServer

pytestmark = pytest.mark.server

SPIDER = "from aioscrapy import Spider\n\n\nclass One(Spider):\n    name = 'one'\n"
ONLY_HERE = "import os\nif 'SCRAPY_PROJECT' in os.environ:\n    raise KeyError('only there')\n"
SETTINGS = "SPIDER_MODULES = ['shop.spiders']\n"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    with ScrapydServer(tmp_path_factory.mktemp("scrapyd")) as server:
        yield server


@pytest.fixture
def shop(daemon: ScrapydServer, write: Write) -> Iterator[Path]:
    """A project whose target `local` is the real Scrapyd, which has no version of it."""
    yield write(
        {
            "aioscrapy.cfg": "[settings]\ndefault = shop.settings\n"
            f"[deploy:local]\nurl = {daemon.url}\nproject = shop\n",
            "shop/__init__.py": "",
            "shop/settings.py": SETTINGS,
            "shop/spiders/__init__.py": "",
            "shop/spiders/one.py": SPIDER,
        }
    )
    daemon.api("delproject", "POST", project="shop")


def versions(daemon: ScrapydServer) -> list[str]:
    return list(daemon.api("listversions", project="shop")["versions"])


STORED = [
    [],
    ["1_9_0"],
    ["r9-main"],
    ["1", "2"],
    ["9999999999"],
    ["main"],
    ["v2-main", "1764000000"],
    ["z1-a"],
]


@pytest.mark.parametrize("stored", STORED, ids=str)
def test_a_version_of_ours_is_the_latest_under_scrapyd_s_rule(stored: list[str], tmp_path: Path) -> None:
    names = list(stored)
    for _ in range(3):
        names.append(stored_name(newest_version(None, tmp_path, [names])))
        assert sorted_versions(names)[-1] == names[-1]
        assert len(set(names)) == len(names)


def test_git_keeps_scrapyd_client_s_text_where_that_sorts(write: Write, folder: Path, tmp_path: Path) -> None:
    git = ("git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for number in range(10):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", str(number)], check=True)
    assert newest_version("GIT", folder, [["r10-main"]]) == "r10-main"
    assert newest_version("GIT", folder, []) == "r10-main"
    version = newest_version("GIT", folder, [["r9-main"], ["a"]])
    assert version.startswith("z")
    assert version.endswith("-r10-main")
    assert sorted_versions(["r9-main", version])[-1] == version


@pytest.mark.parametrize(
    ("version", "stored", "expected"),
    [
        ("1.10.0", ["1_9_0"], False),
        ("2", ["1", "10"], False),
        ("11", ["1", "10"], True),
        ("01", ["1"], False),
    ],
)
def test_what_is_the_latest(version: str, stored: list[str], expected: bool) -> None:
    assert is_latest(version, stored) is expected


def test_a_version_that_would_not_be_the_latest_needs_force(
    shop: Path, daemon: ScrapydServer, deploy: Run
) -> None:
    assert deploy("local", "-v", "1.9.0").status == 0
    done = deploy("local", "-v", "1.10.0")
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        f"Error: version 1.10.0 would not be the latest in {daemon.url.rstrip('/')}: Scrapyd sorts the name "
        "1_10_0 before 1_9_0 (deploy it anyway: --force)\n"
    )
    assert versions(daemon) == ["1_9_0"]
    done = deploy("local", "-v", "1.10.0", "--force")
    assert done.status == 0
    assert versions(daemon) == ["1_10_0", "1_9_0"]
    assert "is replaced" in deploy("local", "-v", "1.9.0").err  # replaced, with a warning


def test_back_to_the_version_before(shop: Path, daemon: ScrapydServer, deploy: Run) -> None:
    for version in ("1", "2"):
        assert deploy("local", "-v", version).status == 0
    assert deploy("--list-versions", "local").out == "1\n2\n"
    none = deploy("--list-versions", "local", "-p", "other")
    assert (none.status, none.out) == (1, "")
    assert none.err == f'Error: project "other" has no version in {daemon.url.rstrip("/")}\n'
    assert deploy("--rollback", "local", "--dry-run").err.startswith("Would delete version 2 in ")
    done = deploy("--rollback", "local")
    assert (done.status, versions(daemon)) == (0, ["1"])
    assert done.err.endswith("; the latest is 1, with 1 spider\n")
    done = deploy("--rollback", "local")
    assert (done.status, versions(daemon)) == (1, ["1"])
    assert "has only version 1: there is no previous version" in done.err


def test_a_spider_that_is_missing_only_there_takes_the_version_off(
    shop: Path, write: Write, daemon: ScrapydServer, deploy: Run
) -> None:
    assert deploy("local", "-v", "1").status == 0
    write({"shop/spiders/two.py": ONLY_HERE + SPIDER.replace("'one'", "'two'")})
    done = deploy("local", "-v", "2")
    assert "the server finds 1 spiders in the egg, which has one, two" in done.err
    assert (done.status, versions(daemon)) == (1, ["1"])


def test_several_targets_end_in_a_table(shop: Path, daemon: ScrapydServer, deploy: Run) -> None:
    with (shop / "aioscrapy.cfg").open("a") as cfg:
        cfg.write("[deploy:off]\nurl = http://127.0.0.1:1\nproject = shop\n")
        cfg.write("[deploy:not-asked]\nurl = http://127.0.0.1:1\nproject = shop\n")
    done = deploy("off", "local", "-v", "1")
    assert (done.status, versions(daemon)) == (1, ["1"])
    table = [line.split()[:4] for line in done.err.splitlines()[-4:-1]]
    assert table[0] == ["target", "project", "before", "version"]
    assert [line[0] for line in table[1:]] == ["off", "local"]
    assert done.err.endswith("Deploy failed for 1 of 2 targets: off\n")


def start(shop: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "local"],
        cwd=shop,
        env=child_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_upload_takes_off_what_arrived(
    project: Path, server: Server, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    server.answer_now.clear()
    with start(project) as process:
        assert server.arrived.wait(30)
        server.versions = [server.seen[0].fields["version"].decode()]  # Scrapyd has stored it
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == status
    assert b"Traceback" not in err
    assert server.versions == []
    assert err.decode().splitlines()[-1] == "Interrupted: nothing more is sent"
    assert list((tmp_path / "tmp").iterdir()) == []
    assert sorted(path.name for path in project.iterdir()) == ["aioscrapy.cfg", "shop"]


def test_a_server_that_hangs_up_in_the_upload_is_one_line(project: Path, server: Server, deploy: Run) -> None:
    server.next_statuses = [0]
    done = deploy("local", "-v", "7")
    assert done.status == 1
    assert done.err.splitlines()[-2].startswith("Deploy failed: ")
    assert done.err.splitlines()[-1] == "Version 7 is not on the server; the project has no version there"
