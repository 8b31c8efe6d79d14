"""After an answer that is not a clear success a deploy ends with what a real Scrapyd has."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aioscrapy.cmdline import main
from aioscrapy_deploy import upload
from support.deploying import Run, Write
from support.garbling import Garbling, garbling
from support.scrapyd import ScrapydServer

pytestmark = pytest.mark.server

UNCLEAR = [502, 504, 500, 200, 0]
SPIDER = """
    import asyncio

    from aioscrapy import Spider


    class One(Spider):
        name = "one"

        async def start_requests(self):
            await asyncio.sleep(600)
            return
            yield
"""


@pytest.fixture(scope="module", params=["off", "on"], ids=["debug off", "debug on"])
def daemon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScrapydServer]:
    conf: dict[str, str | None] = {"debug": str(request.param)}
    with ScrapydServer(tmp_path_factory.mktemp("scrapyd"), conf=conf) as server:
        yield server


@pytest.fixture
def proxy(daemon: ScrapydServer) -> Iterator[Garbling]:
    with garbling(daemon.url) as server:
        yield server


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "LATE_S", 0.05)


@pytest.fixture
def shop(proxy: Garbling, daemon: ScrapydServer, write: Write) -> Path:
    """A project whose target is the proxy before a Scrapyd that has version 1 of it."""
    folder = write(
        {
            "aioscrapy.cfg": f"""
                [settings]
                default = shop.settings
                [deploy:local]
                url = {proxy.url}
                project = shop
            """,
            "shop/__init__.py": "",
            "shop/settings.py": "SPIDER_MODULES = ['shop.spiders']\n",
            "shop/spiders/__init__.py": "",
            "shop/spiders/one.py": SPIDER,
        }
    )
    if versions(daemon):
        daemon.api("delproject", "POST", project="shop")
    return folder


def versions(daemon: ScrapydServer) -> list[str]:
    return list(daemon.api("listversions", project="shop")["versions"])


def broken_egg() -> str:
    with zipfile.ZipFile("broken.egg", "w") as egg:
        egg.writestr("EGG-INFO/PKG-INFO", "Name: shop\n")
        egg.writestr("EGG-INFO/entry_points.txt", "[aioscrapy]\nsettings = nothing.settings\n")
    return "broken.egg"


@pytest.mark.parametrize("status", UNCLEAR)
def test_an_egg_that_has_arrived_is_deployed(
    shop: Path, deploy: Run, daemon: ScrapydServer, proxy: Garbling, status: int
) -> None:
    proxy.pages["addversion.json"] = status
    done = deploy("local", "-v", "1")
    assert (done.status, versions(daemon)) == (0, ["1"])
    assert done.err.endswith("Version 1 is deployed anyway: the server has it, and lists 1 spider\n")
    assert daemon.api("listspiders", project="shop")["spiders"] == ["one"]


@pytest.mark.parametrize("status", UNCLEAR)
def test_an_egg_that_has_not_arrived_is_not_deployed(
    shop: Path, deploy: Run, daemon: ScrapydServer, proxy: Garbling, status: int
) -> None:
    assert deploy("local", "-v", "1").status == 0
    proxy.held_back, proxy.pages["addversion.json"] = {"addversion.json"}, status
    done = deploy("local", "-v", "2")
    assert (done.status, versions(daemon)) == (1, ["1"])
    assert done.err.endswith("Version 2 is not on the server; the latest there is 1\n")


@pytest.mark.parametrize("status", UNCLEAR)
def test_an_egg_that_the_server_cannot_list_is_taken_off(
    shop: Path, deploy: Run, daemon: ScrapydServer, proxy: Garbling, status: int
) -> None:
    assert deploy("local", "-v", "1").status == 0
    proxy.pages["addversion.json"] = status
    done = deploy("local", "-v", "2", "--egg", broken_egg())
    assert (done.status, versions(daemon)) == (1, ["1"])
    assert done.err.endswith("Version 2 is deleted on the server again; the latest there is 1\n")


@pytest.mark.parametrize("status", [502, 504, 0])
def test_a_server_that_is_slow_or_away_for_a_while_is_asked_again(
    shop: Path, deploy: Run, daemon: ScrapydServer, proxy: Garbling, status: int
) -> None:
    proxy.after_upload = {"addversion.json": 504, "listversions.json": status, "listspiders.json": status}
    # the connection itself asks three times
    proxy.times = {"listversions.json": 7, "listspiders.json": 5}
    done = deploy("local", "-v", "1")
    assert (done.status, versions(daemon)) == (0, ["1"])
    assert done.err.endswith("and lists 1 spider\n")


def test_the_server_s_own_answer_about_a_broken_egg_takes_it_off(
    shop: Path, deploy: Run, daemon: ScrapydServer
) -> None:
    assert deploy("local", "-v", "1").status == 0
    done = deploy("local", "-v", "2", "--egg", broken_egg())
    assert (done.status, versions(daemon)) == (1, ["1"])
    assert done.err.endswith("Version 2 is deleted on the server again; the latest there is 1\n")


def test_a_replaced_version_stays_and_may_be_either_egg(
    shop: Path, deploy: Run, daemon: ScrapydServer, proxy: Garbling
) -> None:
    assert deploy("local", "-v", "1").status == 0
    proxy.pages["addversion.json"] = 502
    done = deploy("local", "-v", "1")
    assert (done.status, versions(daemon)) == (1, ["1"])
    assert done.err.endswith("Warning: version 1 may be the old or the new egg; deploy again to be sure\n")


def test_a_replaced_version_is_not_taken_off_for_a_proxy_s_answer(
    shop: Path, deploy: Run, daemon: ScrapydServer, proxy: Garbling
) -> None:
    assert deploy("local", "-v", "1").status == 0
    proxy.pages = dict.fromkeys(["addversion.json", "listspiders.json"], 504)
    assert deploy("local", "-v", "1").status == 1
    assert versions(daemon) == ["1"]


def test_a_server_that_answers_nothing_more_is_not_claimed_to_be_known(
    shop: Path, deploy: Run, daemon: ScrapydServer, proxy: Garbling
) -> None:
    assert deploy("local", "-v", "1").status == 0
    proxy.pages = dict.fromkeys(["addversion.json", "listspiders.json", "delversion.json"], 502)
    done = deploy("local", "-v", "2")
    assert done.status == 1
    assert versions(daemon) == ["1"]  # delversion.json arrived, and its answer was not believed
    assert done.err.endswith("Version 2 is deleted on the server again; the latest there is 1\n")
    proxy.held_back = {"delversion.json"}
    done = deploy("local", "-v", "2")
    assert (done.status, versions(daemon)) == (1, ["1", "2"])
    assert done.err.endswith("Warning: version 2 can't be deleted on the server: jobs use 2\n")


@pytest.mark.parametrize("status", UNCLEAR)
def test_a_rollback_looks_at_the_server_too(
    shop: Path, deploy: Run, daemon: ScrapydServer, proxy: Garbling, status: int
) -> None:
    assert deploy("local", "-v", "1").status == deploy("local", "-v", "2").status == 0
    proxy.pages["delversion.json"] = status
    assert deploy("--rollback", "local").status == 0
    assert versions(daemon) == ["1"]
    assert deploy("local", "-v", "3").status == 0
    proxy.held_back = {"delversion.json"}
    assert deploy("--rollback", "local").status == 1
    assert versions(daemon) == ["1", "3"]


@pytest.mark.parametrize("status", [502, 200, 0])
def test_a_job_is_scheduled_once_and_cancelled_once_whatever_the_answers(
    shop: Path,
    deploy: Run,
    daemon: ScrapydServer,
    proxy: Garbling,
    capfd: pytest.CaptureFixture[str],
    status: int,
) -> None:
    assert deploy("local", "-v", "1").status == 0
    proxy.pages = dict.fromkeys(["schedule.json", "cancel.json"], status)
    assert main(["schedule", "one", "-t", "local"]) == 0
    job = capfd.readouterr().out.split()[0]
    daemon.wait_running(job)
    assert main(["cancel", job, "-t", "local"]) == 0
    assert capfd.readouterr().out == f"{job}: ended\n"
    assert [entry for entry in daemon.jobs("finished", "shop") if entry == job] == [job]
