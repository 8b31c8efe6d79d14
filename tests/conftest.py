"""The servers of the tests: a Redis, a web site, the real Scrapyd; and the seed's project."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.project import write_seed_project
from support.redis import RedisServer
from support.scrapyd import ScrapydServer
from support.site import Site


def pytest_configure() -> None:
    """Stop the servers also when the run is terminated, as on Ctrl-C.

    A shell starts what it puts in the background with SIGINT ignored, and every child inherits that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))


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
