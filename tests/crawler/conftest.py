"""A shared crawl's settings, in a Redis without a key; and a client that looks into it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from aioscrapy.db import db_manager
from support.frontier import EAGER, redis_settings
from support.redis import RedisServer


@pytest.fixture
async def no_connection_is_left() -> AsyncIterator[None]:
    yield
    await db_manager.close_all()


@pytest.fixture
def shared(redis_url: str, no_connection_is_left: None) -> dict[str, Any]:
    """Settings of workers that share a crawl, each of which holds only what it works on."""
    return redis_settings(redis_url, **EAGER)


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Any]:
    with redis_server.client(decode_responses=True) as client:
        yield client
