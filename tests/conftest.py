"""The servers of the tests (a Redis, a web site, Scrapyd), the seed's project, and the marker `server`."""

import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from aioscrapy.doors.scrapy import stop_serving
from support.project import write_seed_project
from support.redis import RedisServer
from support.scrapyd import ScrapydServer
from support.site import Site

SERVER_FIXTURES = {"redis_server", "site_server", "scrapyd", "server", "python"}
SERVER_FOLDERS = {"e2e", "faults", "node", "page", "plugin"}
# The time of one example is not what a property test asserts: on a loaded machine it may take any time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
_STARTS = {"subprocess.Popen", "os.fork", "os.posix_spawn", "socket.bind"}


def pytest_configure(config: pytest.Config) -> None:
    """Stop the servers also if the run is terminated; keep servers out of `scripts/test-fast`.

    A shell starts what it puts in the background with SIGINT ignored, and every child inherits that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))
    if config.getoption("markexpr") == "not server":
        sys.addaudithook(_refuse_servers)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape half surrogate pairs in logs and failures: xdist can't send them and ends the whole run."""
    report = yield
    report.sections = [(title, _encodable(text)) for title, text in report.sections]
    if report.longrepr is not None and _encodable(shown := str(report.longrepr)) != shown:
        report.longrepr = _encodable(shown)
    return report


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _refuse_servers(event: str, _: tuple[object, ...]) -> None:
    if event in _STARTS and "PYTEST_CURRENT_TEST" in os.environ:  # not in what starts the workers of xdist
        raise RuntimeError(f"{event}: a test that starts a process or a server needs @pytest.mark.server")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark with `server` what uses a server's fixture, or is in a folder of such tests."""
    for item in items:
        fixtures = SERVER_FIXTURES.intersection(getattr(item, "fixturenames", ()))
        parameters = item.nodeid.rpartition("[")[2]
        if fixtures or SERVER_FOLDERS.intersection(item.path.parts) or "redis" in parameters:
            item.add_marker(pytest.mark.server)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server for all tests; a test that kills or stops one starts a RedisServer of its own."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of a Redis without a key in it."""
    with redis_server.client() as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def site_server() -> Iterator[Site]:
    with Site(pages=60) as site:
        yield site


@pytest.fixture
def site(site_server: Site) -> Site:
    """A site of 60 pages that has not been asked for anything yet."""
    site_server.reset()
    return site_server


@pytest.fixture
def scrapyd(tmp_path: Path) -> Iterator[ScrapydServer]:
    """A daemon of this test's own, with our runner."""
    with ScrapydServer(tmp_path / "scrapyd") as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, site: Site, redis_url: str, scrapyd: ScrapydServer) -> Path:
    """The seed's project, which crawls `site`, shares its queue in `redis_url` and deploys to `scrapyd`."""
    folder = tmp_path / "myproject"
    return write_seed_project(folder, site_url=site.url, redis_url=redis_url, scrapyd_url=scrapyd.url)


@pytest.fixture(autouse=True)
def real_scrapy() -> Iterator[None]:
    """A command that a test runs in this process serves `import scrapy` from our modules: undo that."""
    yield
    stop_serving()
