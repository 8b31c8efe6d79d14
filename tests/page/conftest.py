"""A node with jobs of all kinds, and a browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from node.conftest import APPLICATION
from support.browser import Visitor, chromium
from support.scrapyd import ScrapydServer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one file: while it runs, Playwright keeps the event loop that other files need."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    """A node of this module's own."""
    folder = tmp_path_factory.mktemp("node")
    with ScrapydServer(folder, conf={"application": APPLICATION, "node_name": "one"}) as server:
        yield server


@pytest.fixture
def visitor(browser: Browser, node: ScrapydServer) -> Iterator[Callable[..., Visitor]]:
    """Return a function that makes a visitor of the node; at the end no browser has complained."""
    visitors: list[Visitor] = []

    def visit(**options: Any) -> Visitor:
        visitors.append(Visitor(browser, node.url, **options))
        return visitors[-1]

    yield visit
    for one in visitors:
        one.close()
