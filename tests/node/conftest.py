"""A node: the real Scrapyd with our application."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.scrapyd import ScrapydServer

APPLICATION = "aioscrapy_scrapyd.app.application"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[ScrapydServer]:
    with ScrapydServer(tmp_path / "node", conf={"application": APPLICATION}) as server:
        yield server


@pytest.fixture
def node_server(node: ScrapydServer) -> ScrapydServer:
    """The same, for a module that has another `node`."""
    return node
