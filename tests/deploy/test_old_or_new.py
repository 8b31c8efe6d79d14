"""Whatever becomes of a deploy, jobs on a real Scrapyd run the old version or the new one, whole."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from support import child_environment
from support.deploying import PROGRAM, Done, Run, Write
from support.scrapyd import ScrapydServer

pytestmark = pytest.mark.server

ONLY_THERE = "import os\nif 'SCRAPY_PROJECT' in os.environ:\n    raise KeyError('only there')\n"
ONLY_SECOND = "import os\nif 'SECOND' in os.environ:\n    raise KeyError('only on the second')\n"
SETTINGS = "SPIDER_MODULES = ['shop.spiders']\nEDITION = {!r}\n"
SPIDER = """
    from aioscrapy import Spider


    class One(Spider):
        name = "one"

        async def start_requests(self):
            self.logger.info("edition %s runs", self.settings["EDITION"])
            return
            yield
"""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    with ScrapydServer(tmp_path_factory.mktemp("first")) as server:
        yield server


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    with ScrapydServer(tmp_path_factory.mktemp("second"), environment={"SECOND": "1"}) as server:
        yield server


@pytest.fixture
def shop(first: ScrapydServer, second: ScrapydServer, write: Write) -> Iterator[Path]:
    """A project whose targets are two real Scrapyds, neither of which has a version of it."""
    yield write(
        {
            "aioscrapy.cfg": f"""
                [settings]
                default = shop.settings

                [deploy]
                project = shop

                [deploy:first]
                url = {first.url}

                [deploy:second]
                url = {second.url}
            """,
            "shop/__init__.py": "",
            "shop/settings.py": SETTINGS.format("1"),
            "shop/spiders/__init__.py": "",
            "shop/spiders/one.py": SPIDER,
        }
    )
    for daemon in (first, second):
        daemon.api("delproject", "POST", project="shop")


def versions(daemon: ScrapydServer) -> list[str]:
    return list(daemon.api("listversions", project="shop")["versions"])


def edition_that_runs(daemon: ScrapydServer) -> str:
    """Schedule a job as any client does, and return the edition that its log tells."""
    job = daemon.api("schedule", "POST", project="shop", spider="one")["jobid"]
    daemon.wait_job(job)
    _, found, rest = daemon.log("shop", "one", job).partition("edition ")
    assert found
    return rest.partition(" runs")[0]


def deployed(write: Write, deploy: Run, edition: str, *argv: str, before: str = "") -> Done:
    """Deploy an edition under the version of the same name; `before` goes into its settings."""
    write({"shop/settings.py": before + SETTINGS.format(edition)})
    return deploy(*argv, "-v", edition)


def test_a_broken_project_leaves_the_old_version(
    shop: Path, write: Write, deploy: Run, first: ScrapydServer
) -> None:
    assert deployed(write, deploy, "1", "first").status == 0
    egg = (first.folder / "eggs" / "shop" / "1.egg").read_bytes()
    done = deployed(write, deploy, "2", "first", before="import nonesuch\n")
    assert (done.status, versions(first)) == (1, ["1"])
    assert done.err.splitlines()[-1].startswith("Error: the project can't be imported: shop/settings.py:1: ")
    assert (first.folder / "eggs" / "shop" / "1.egg").read_bytes() == egg
    assert edition_that_runs(first) == "1"


def test_jobs_run_the_old_version_after_one_that_fails_on_the_server_alone(
    shop: Path, write: Write, deploy: Run, first: ScrapydServer
) -> None:
    assert deployed(write, deploy, "1", "first").status == 0
    done = deployed(write, deploy, "2", "first", before=ONLY_THERE)
    assert (done.status, versions(first)) == (1, ["1"])
    assert done.err.endswith("Version 2 is deleted on the server again; the latest there is 1\n")
    assert edition_that_runs(first) == "1"
    assert deployed(write, deploy, "3", "first").status == 0
    assert edition_that_runs(first) == "3"


def test_what_fails_on_one_of_all_leaves_that_one_alone_at_the_old(
    shop: Path, write: Write, deploy: Run, first: ScrapydServer, second: ScrapydServer
) -> None:
    assert deployed(write, deploy, "1", "-a").status == 0
    done = deployed(write, deploy, "2", "-a", before=ONLY_SECOND)
    assert done.status == 1
    assert done.err.endswith("Deploy failed for 1 of 2 targets: second\n")
    rows = [line.split()[:4] for line in done.err.splitlines()[-3:-1]]
    assert rows == [["first", "shop", "1", "2"], ["second", "shop", "1", "2"]]
    assert (versions(first), versions(second)) == (["1", "2"], ["1"])
    assert (edition_that_runs(first), edition_that_runs(second)) == ("2", "1")


def test_a_broken_project_changes_no_server(
    shop: Path, write: Write, deploy: Run, first: ScrapydServer, second: ScrapydServer
) -> None:
    assert deployed(write, deploy, "1", "-a").status == 0
    assert deployed(write, deploy, "2", "-a", before="1/0\n").status == 1
    assert (versions(first), versions(second)) == (["1"], ["1"])


def test_a_dry_run_changes_no_server(
    shop: Path, write: Write, deploy: Run, first: ScrapydServer, second: ScrapydServer
) -> None:
    assert deployed(write, deploy, "1", "first").status == 0
    done = deployed(write, deploy, "2", "-a", "-n")
    assert (done.status, versions(first), versions(second)) == (0, ["1"], [])
    assert [" ".join(line.split()) for line in done.err.splitlines()[-3:]] == [
        "target project before version result",
        "first shop 1 2 would be deployed",
        "second shop 2 would be deployed",
    ]
    done = deployed(write, deploy, "0", "-a", "-n")
    assert done.status == 1
    assert done.err.endswith("Deploy failed for 1 of 2 targets: first\n")


def test_all_are_listed_and_rolled_back_each_by_itself(
    shop: Path, write: Write, deploy: Run, first: ScrapydServer, second: ScrapydServer
) -> None:
    assert deployed(write, deploy, "1", "-a").status == 0
    assert deployed(write, deploy, "2", "first").status == 0
    places = [daemon.url.rstrip("/") for daemon in (first, second)]
    done = deploy("--list-versions", "-a")
    assert (done.status, done.out.splitlines()) == (
        0,
        [f"1 {places[0]}", f"2 {places[0]}", f"1 {places[1]}"],
    )
    assert edition_that_runs(first) == "2"
    done = deploy("--rollback", "-a")
    assert (done.status, versions(first), versions(second)) == (1, ["1"], ["1"])
    back, alone = done.err.splitlines()
    assert back == f"Version 2 is deleted in {places[0]}; the latest is 1, with 1 spider"
    assert alone.startswith(f'Error: project "shop" in {places[1]} has only version 1')
    assert (edition_that_runs(first), edition_that_runs(second)) == ("1", "1")


def start(version: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "first", "-v", version],
        env=child_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_upload(process: "subprocess.Popen[str]") -> None:
    assert process.stderr is not None
    while not process.stderr.readline().startswith("Deploying"):
        assert process.poll() is None


def test_a_kill_at_ten_random_moments_leaves_the_old_version_or_the_new_one(
    shop: Path, write: Write, deploy: Run, first: ScrapydServer
) -> None:
    """Five in the build and five in the upload, most of these early: Scrapyd lists in the rest of it.

    KILL_SEED repeats them; 20 MB take long enough to be met on their way.
    """
    seed = int(os.environ.get("KILL_SEED", time.time_ns()))
    chance = random.Random(seed)
    (shop / "shop" / "data").write_bytes(random.Random(1).randbytes(20_000_000))
    eggs = {}
    for edition in map(str, range(110, 99, -1)):
        write({"shop/settings.py": SETTINGS.format(edition)})
        assert deploy("--build-egg", "it.egg").status == 0
        eggs[edition] = sha256(Path("it.egg").read_bytes()).digest()
    began = time.monotonic()
    with start("100") as process:
        wait_for_upload(process)
        build_s = time.monotonic() - began
        assert process.wait(60) == 0
        upload_s = time.monotonic() - began - build_s
    moments = []
    for number in range(101, 111):
        old, edition = versions(first), str(number)
        write({"shop/settings.py": SETTINGS.format(edition)})
        with start(edition) as process:
            moment_s = chance.random() * build_s
            if number % 2:
                wait_for_upload(process)
                moment_s = chance.random() ** 3 * upload_s
            with suppress(subprocess.TimeoutExpired):
                process.wait(moment_s)
            killed = process.poll() is None
            if killed:
                os.killpg(process.pid, signal.SIGKILL)
        new = versions(first)
        moments.append(("upload" if number % 2 else "build", round(moment_s, 3), killed, new[-1] == edition))
        assert set(old) <= set(new) <= {*old, str(number - 1), edition}  # what was on its way may still come
        egg = first.folder / "eggs" / "shop" / f"{new[-1]}.egg"
        assert sha256(egg.read_bytes()).digest() == eggs[new[-1]]
        assert first.api("listspiders", project="shop")["spiders"] == ["one"]
    sys.stderr.write(f"KILL_SEED={seed}: build {build_s:.2f} s, upload {upload_s:.2f} s\n{moments}\n")
    assert sum(killed for _, _, killed, _ in moments) >= 7
    assert edition_that_runs(first) == versions(first)[-1]
