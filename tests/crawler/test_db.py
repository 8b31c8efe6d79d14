"""Shared connections by alias, as spiders and pipelines use them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from aioscrapy.db import DbManager, db_manager
from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.settings import Settings
from support.crawling import SiteSpider, crawl
from support.site import Site


@pytest.fixture
async def manager() -> AsyncIterator[DbManager]:
    made = DbManager()
    yield made
    await made.close_all()


async def test_an_alias_is_one_client(manager: DbManager, redis_url: str) -> None:
    settings = Settings({"REDIS_ARGS": {"queue": {"url": redis_url, "max_connections": 10, "timeout": 30}}})
    await manager.from_settings(settings)
    client = manager.redis("queue")
    assert client is manager.redis.queue is manager.redis.get("queue") is manager.redis.executor("queue")
    assert await client.ping()


async def test_host_and_port_do_as_well_as_a_url(manager: DbManager, redis_server: Any) -> None:
    arguments = {"default": {"host": "127.0.0.1", "port": redis_server.port, "db": 1}}
    await manager.from_settings(Settings({"REDIS_ARGS": arguments}))
    assert await manager.redis().ping()


async def test_the_seeds_timeout_is_a_wait_for_a_free_connection(manager: DbManager, redis_url: str) -> None:
    arguments = {"queue": {"url": redis_url, "max_connections": 1, "timeout": 0.2}}
    await manager.from_settings(Settings({"REDIS_ARGS": arguments}))
    client = manager.redis("queue")
    await client.ping()
    blocked = asyncio.create_task(client.blpop("nothing", timeout=3))
    await asyncio.sleep(0.1)  # by then it has the one connection
    with pytest.raises(RedisConnectionError):
        await client.ping()
    blocked.cancel()
    await asyncio.wait([blocked])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"queue": "redis://x"}, "'queue' must be a dict"),
        ({"queue": {"url": "nonsense://x"}}, "'queue': url must begin with one of redis://"),
    ],
)
async def test_arguments_that_can_not_be_used_are_named(
    manager: DbManager, arguments: dict[str, Any], problem: str
) -> None:
    async def use() -> None:
        await manager.from_settings(Settings({"REDIS_ARGS": arguments}))
        manager.redis("queue")

    with pytest.raises(SettingError, match=f"setting REDIS_ARGS: {problem}"):
        await use()


async def test_an_unknown_alias_says_which_there_are(manager: DbManager, redis_url: str) -> None:
    await manager.from_settings(Settings({"REDIS_ARGS": {"a": {"url": redis_url}, "b": {"url": redis_url}}}))
    with pytest.raises(SettingError, match=r"has no alias 'queue' \(it has: a, b\)"):
        manager.redis("queue")
    with pytest.raises(AttributeError):
        manager.redis._private  # noqa: B018 that is the act


async def test_a_spider_finds_its_connections_and_leaves_none(site: Site, redis_url: str, redis: Any) -> None:
    class Storing(SiteSpider):
        async def parse(self, response: Any) -> Any:
            await db_manager.redis("items").rpush("seen", self.path_of(response.url))

    await crawl(Storing, {"REDIS_ARGS": {"items": {"url": redis_url}}}, site=site.url)
    assert redis.lrange("seen", 0, -1) == ["/"]
    assert len(redis.client_list()) == 1  # ours


async def test_the_functions_of_aio_scrapy_give_redis_and_name_what_is_missing(
    manager: DbManager, redis_url: str
) -> None:
    await manager.from_dict({"redis": {"default": {"url": redis_url}}})
    assert manager.get_pool("redis") is manager.get_manager("redis").get("default") is manager.redis()
    with pytest.raises(ConfigError, match="supports redis, not mysql: open the database in a pipeline"):
        manager.get_manager("mysql")
    with pytest.raises(AttributeError, match="supports redis, not mongo"):
        _ = manager.mongo
