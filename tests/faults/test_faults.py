"""Each fault once, on a small site; the long form is run.py."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.scenarios import ALL
from support.redis import RedisServer
from support.site import Site


@pytest.fixture(scope="module")
def durable_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server of these tests' own, which they may kill; it writes every change to its file at once."""
    with RedisServer(
        tmp_path_factory.mktemp("durable"), appendonly=True, options={"appendfsync": "always"}
    ) as server:
        yield server


@pytest.fixture(scope="module")
def many_pages() -> Iterator[Site]:
    with Site(pages=400, delay_s=0.02) as site:
        yield site


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.__name__)
def test_every_page_comes_out_once(
    scenario: Callable[..., dict[str, Any]], tmp_path: Path, many_pages: Site, durable_redis: RedisServer
) -> None:
    scenario(tmp_path, many_pages, durable_redis, random.Random(7))
