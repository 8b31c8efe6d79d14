"""A project that works on the server alone is deployed, and its job runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.deploying import Run, Write
from support.scrapyd import ScrapydServer

pytestmark = pytest.mark.server

SPIDER = """
    from aioscrapy import Spider


    class One(Spider):
        name = "one"

        async def start_requests(self):
            self.logger.info("found %s", self.settings["DSN"])
            return
            yield
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    with ScrapydServer(
        tmp_path_factory.mktemp("scrapyd") / "daemon", environment={"SHOP_DSN": "postgres://server"}
    ) as server:
        yield server


@pytest.fixture
def shop(daemon: ScrapydServer, write: Write) -> Path:
    return write(
        {
            "aioscrapy.cfg": f"""
                [settings]
                default = shop.settings
                [deploy:local]
                url = {daemon.url}
                project = shop
            """,
            "shop/__init__.py": "",
            "shop/spiders/__init__.py": "",
            "shop/spiders/one.py": SPIDER,
        }
    )


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ("import os\nDSN = os.environ['SHOP_DSN']\n", ()),
        ("import os\nDSN = os.environ['SHOP_DSN']\n", ("--no-check",)),
        ("import os\nif 'SCRAPY_PROJECT' not in os.environ:\n    1 / 0\nDSN = 1\n", ()),
        ("import os\nif not os.getcwd().endswith('daemon'):\n    1 / 0\nDSN = 1\n", ("--no-check",)),
    ],
    ids=["a variable", "unchecked", "Scrapyd's own variable", "something else"],
)
def test_the_job_finds_what_only_the_server_has(
    shop: Path, write: Write, deploy: Run, daemon: ScrapydServer, settings: str, options: tuple[str, ...]
) -> None:
    write({"shop/settings.py": f"{settings}SPIDER_MODULES = ['shop.spiders']\n"})
    done = deploy("local", *options)
    assert done.status == 0, done.err
    job = daemon.api("schedule", "POST", project="shop", spider="one")["jobid"]
    daemon.wait_job(job)
    log = daemon.log("shop", "one", job)
    assert "found " in log
    assert "Spider closed (finished)" in log


def test_what_the_server_lacks_too_is_not_deployed(
    shop: Path, write: Write, deploy: Run, daemon: ScrapydServer
) -> None:
    write({"shop/settings.py": "import os\nDSN = os.environ['SHOP_OTHER']\n"})
    before = daemon.api("listversions", project="shop")["versions"]
    done = deploy("local")
    assert done.status == 1
    assert "Warning: the project can't be imported here" in done.err
    assert daemon.api("listversions", project="shop")["versions"] == before
