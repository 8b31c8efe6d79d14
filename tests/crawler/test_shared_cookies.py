"""Cookies of a crawl that several workers share: a session that one has opened is the session of all."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aioscrapy.db import db_manager
from aioscrapy.exceptions import QueueError
from aioscrapy.http import Request, Response
from aioscrapy.middlewares.cookies import CookiesMiddleware
from aioscrapy.shared_cookies import SharedCookies
from support.crawling import SiteSpider, crawl
from support.frontier import TAG, Worker, crawl_id, numbers, page, redis_settings
from support.http_server import Answer, Connection, Incoming, Outgoing
from support.redis import RedisServer


class CookieWorker(Worker):
    """A worker with the cookies middleware."""

    async def __aenter__(self) -> "CookieWorker":
        await super().__aenter__()
        self.middleware = CookiesMiddleware.from_crawler(self.crawler)
        return self

    def receive(self, request: Request, *set_cookies: str) -> None:
        """Receive a response that sets cookies."""
        self.middleware.process_response(
            request, Response(request.url, headers={"Set-Cookie": list(set_cookies)})
        )

    def sends(self, request: Request) -> set[str]:
        """Return the cookies that go out with a request."""
        self.middleware.process_request(request)
        header = (request.headers.get("Cookie") or b"").decode("latin-1")
        return set(header.split("; ")) - {""}

    async def next_request(self) -> tuple[Any, Request]:
        lease = await self.take_request()
        assert lease.request is not None
        return lease, lease.request


async def test_a_page_that_is_leased_after_the_login_has_its_session(
    shared: dict[str, Any],
) -> None:
    async with CookieWorker(shared) as one, CookieWorker(shared) as other:
        await one.seed(page(1))
        login, request = await one.next_request()
        one.receive(request, "session=s1; Path=/", "theme=dark")
        await one.done(login, page(2), page(3))
        _, behind = await other.next_request()
        assert other.sends(behind) == {"session=s1", "theme=dark"}


async def test_two_workers_that_set_different_cookies_keep_both(shared: dict[str, Any]) -> None:
    async with CookieWorker(shared) as one, CookieWorker(shared) as other:
        await one.seed(*(page(number) for number in range(4)))
        (first, a), (second, b) = await one.next_request(), await other.next_request()
        one.receive(a, "a=1")
        other.receive(b, "b=2")
        await one.done(first)
        await other.done(second)
        (third, c), (fourth, d) = await one.next_request(), await other.next_request()
        await one.done(third)
        await other.done(fourth)
        assert {"a=1", "b=2"} in (one.sends(c), other.sends(d))
        assert "a=1" in one.sends(page(9))
        assert "b=2" in other.sends(page(9))


async def test_a_cookie_that_is_deleted_by_one_is_deleted_for_all(shared: dict[str, Any]) -> None:
    async with CookieWorker(shared) as one, CookieWorker(shared) as other:
        await one.seed(page(1))
        lease, request = await one.next_request()
        one.receive(request, "a=1", "b=2")
        await one.done(lease, page(2), page(3))
        lease, request = await other.next_request()
        assert other.sends(request) == {"a=1", "b=2"}
        other.receive(request, "a=; Max-Age=0")
        await other.done(lease, page(4))
        _, request = await other.next_request()
        assert other.sends(request) == {"b=2"}
        lease, request = await one.next_request()
        await one.done(lease, page(5))
        _, request = await one.next_request()
        assert one.sends(request) == {"b=2"}


async def test_each_jar_and_each_site_is_for_itself(shared: dict[str, Any]) -> None:
    async with CookieWorker(shared) as one, CookieWorker(shared) as other:
        jars: list[Any] = [1, "one", [1, 2], None]
        seeding = await one.take_seeding()
        for number, jar in enumerate(jars):
            one.receive(page(number, meta={"cookiejar": jar}), f"n={number}")
        links = [page(10 + number, meta={"cookiejar": jar}) for number, jar in enumerate(jars)]
        await one.done(seeding, page(1), *links, page(99, "other.test"))
        sent = {}
        for _ in range(len(jars) + 1):
            lease, request = await other.next_request()
            sent[int(request.url.rpartition("/")[2])] = other.sends(request)
            await other.done(lease)
        expected = {1: {"n=3"}, 10: {"n=0"}, 11: {"n=1"}, 12: {"n=2"}, 13: {"n=3"}, 99: set()}
        assert sent.items() <= expected.items()


async def test_a_worker_that_joins_later_has_the_session_too(shared: dict[str, Any]) -> None:
    async with CookieWorker(shared) as one:
        await one.seed(page(1, cookies={"own": "1"}))
        lease, request = await one.next_request()
        one.sends(request)
        await one.done(lease, page(2), page(3))
        async with CookieWorker(shared) as other:
            _, request = await other.next_request()
            assert other.sends(request) == {"own=1"}


async def test_with_the_scope_of_a_worker_cookies_stay_with_it(shared: dict[str, Any], redis: Any) -> None:
    private = {**shared, "COOKIES_SCOPE": "worker"}
    async with CookieWorker(private) as one, CookieWorker(private) as other:
        await one.seed(page(1))
        lease, request = await one.next_request()
        one.receive(request, "a=1")
        await one.done(lease, page(2), page(3))
        _, request = await other.next_request()
        assert other.sends(request) == set()
        assert not redis.exists(f"{TAG}:{crawl_id(one)}:cookies")


async def test_a_jar_without_changes_elsewhere_is_not_fetched_again() -> None:
    cookies, reads = SharedCookies(), []
    cookies.connect(lambda request: "jar", lambda jar, values: None)

    async def read(jars: Any) -> dict[str, dict[str, bytes]]:
        reads.append(jars)
        if len(reads) == 2:
            raise QueueError("away")
        return {jar: {} for jar in jars}

    for version, sent, expected in (
        (0, [], 0),
        (1, [("jar", "a", b"1")], 1),
        (1, [], 1),
        (2, [("jar", "a", b"2")], 1),
    ):
        await cookies.refresh([page(1)], version, sent, read)
        assert len(reads) == expected
    await cookies.refresh(
        [page(1)], 4, [("jar", "a", b"3")], read
    )  # another worker's change; the first read fails
    assert len(reads) == 3


BYTES = st.binary(max_size=8)


QUICK = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # a failure may wait ten seconds: to shrink it takes minutes
)


@QUICK
@given(lines=st.lists(st.tuples(BYTES, BYTES, BYTES), min_size=1, max_size=6), garbage=BYTES)
def test_whatever_a_site_sets(
    redis_url: str, redis_server: RedisServer, lines: list[tuple[bytes, bytes, bytes]], garbage: bytes
) -> None:
    """Both workers send the same cookies, whatever bytes they hold; damaged ones in Redis stop nobody."""

    async def work() -> None:
        with redis_server.client() as raw:
            raw.flushall()
            shared = redis_settings(redis_url, CONCURRENT_REQUESTS=1, SCHEDULER_PREFETCH=0)
            async with CookieWorker(shared) as one, CookieWorker(shared) as other:
                await one.seed(page(1))
                lease, request = await one.next_request()
                values = [b"%b=%b; %b" % line for line in lines]
                response = Response(request.url, headers={"Set-Cookie": values})
                one.middleware.process_response(request, response)
                await one.done(lease, page(2), page(3))
                lease, request = await other.next_request()
                assert other.sends(request) == one.sends(page(2))
                key, field = f"{TAG}:{crawl_id(one)}:cookies", json.dumps([None, "example.com"])
                entries = {b'[null,"a","example.com","/"]': garbage, garbage: b'["v",true,false,null]'}
                raw.hset(key, field, msgpack.packb(entries) if len(garbage) % 2 else garbage)
                other.receive(request, "x=1")
                await other.done(lease, page(4))
                lease, request = await one.next_request()
                await one.done(lease, page(5))
                rests = await asyncio.gather(one.rest(), other.rest())
                assert sorted(numbers(url for rest in rests for url in rest)) == [4, 5]

    async def alone() -> None:
        try:
            await work()
        finally:
            await db_manager.close_all()

    asyncio.run(alone())


class Member(SiteSpider):
    """Logs in, then yields what the pages behind the login say."""

    paths = ("/login",)

    def parse(self, response: Any) -> Any:
        for number in range(40):
            yield self.request(f"/member/{number}", callback=self.member)

    def member(self, response: Any) -> Any:
        yield {"text": response.text}


@asynccontextmanager
async def login_site() -> AsyncIterator[str]:
    """Serve a site whose pages are for members only; yields its URL."""

    def connection() -> Connection:
        return Connection(respond, lambda request: None)

    async with await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def respond(request: Incoming) -> Answer:
    if request.path == "/login":
        return Outgoing(b"welcome", headers=[("Set-Cookie", "session=ok; Path=/; HttpOnly")])
    await asyncio.sleep(0.01)
    return Outgoing(b"member" if "session=ok" in request.header("cookie") else b"logged out")


@pytest.mark.parametrize(("scope", "texts"), [("crawl", {"member"}), ("worker", {"member", "logged out"})])
async def test_two_workers_crawl_behind_one_login(redis_url: str, scope: str, texts: set[str]) -> None:
    settings = redis_settings(redis_url, CONCURRENT_REQUESTS=2, SCHEDULER_PREFETCH=0, COOKIES_SCOPE=scope)
    async with login_site() as url:
        both = await asyncio.gather(*(crawl(Member, settings, site=url) for _ in range(2)))
    items = [item["text"] for crawled in both for item in crawled.items]
    assert len(items) == 40
    assert all(crawled.items for crawled in both), "both have worked"
    assert set(items) == texts


@pytest.mark.usefixtures("no_connection_is_left")
async def test_a_resumed_crawl_has_its_sessions(tmp_path: Path) -> None:
    kept = {"JOBDIR": str(tmp_path), "CONCURRENT_REQUESTS": 1, "SCHEDULER_PREFETCH": 0}
    async with CookieWorker(kept) as worker:
        await worker.seed(*(page(number) for number in range(4)))
        lease, request = await worker.next_request()
        worker.receive(request, "session=s1", "theme=dark", "late=1")
        await worker.done(lease)
        lease, request = await worker.next_request()
        assert worker.sends(request) == {"session=s1", "theme=dark", "late=1"}
        worker.receive(request, "theme=light", "late=; Max-Age=0")
        await worker.done(lease)
    for resumed, sent in ((kept, {"session=s1", "theme=light"}), ({**kept, "CRAWL_FRESH": True}, set())):
        async with CookieWorker(resumed) as worker:
            if resumed is not kept:
                await worker.seed(page(3))
            lease, request = await worker.next_request()
            assert worker.sends(request) == sent


@pytest.mark.usefixtures("no_connection_is_left")
@pytest.mark.parametrize("scope", ["crawl", "worker"])
async def test_a_resumed_crawl_keeps_the_cookies_of_a_request(tmp_path: Path, scope: str) -> None:
    kept = {"JOBDIR": str(tmp_path), "COOKIES_SCOPE": scope, "CONCURRENT_REQUESTS": 1}
    async with CookieWorker(kept) as worker:
        await worker.seed(page(1, cookies={"own": "ä"}, meta={"cookiejar": "\ud800"}), page(2))
        lease, request = await worker.next_request()
        sent = worker.sends(request)
        await worker.done(lease, page(3, meta={"cookiejar": "\ud800"}))
    async with CookieWorker(kept) as worker:
        for _ in range(2):
            lease, request = await worker.next_request()
            expected = sent if "cookiejar" in request.meta and scope == "crawl" else set()
            assert worker.sends(request) == expected
            await worker.done(lease)
