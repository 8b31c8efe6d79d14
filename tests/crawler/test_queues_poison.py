"""The doors of the frontier: whatever comes in, no worker stops, and one bad entry is one dead letter."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aioscrapy.db import db_manager
from aioscrapy.ends import Reason
from aioscrapy.exceptions import SerializeError
from aioscrapy.http import Request
from aioscrapy.queue.base import HostLimits, Page
from aioscrapy.queue.exchange_message import FAILURE_LENGTH
from support.crawling import SiteSpider, crawl
from support.frontier import TAG, Worker, crawl_id, numbers, page, redis_settings
from support.redis import RedisServer
from support.site import Site

QUICK = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # a failure may wait ten seconds: to shrink it takes minutes
)
SCOPES = st.sampled_from(["worker", "crawl"])
FILTERS = ["RFPDupeFilter", "BloomDupeFilter"]
ANY_TEXT = st.text(st.characters(), max_size=20)  # lone surrogates and control characters too
NUMBERS = st.sampled_from([0, -1, 10**30, -(10**400), 2**63, math.nan, math.inf, -math.inf, 0.5, True])
JSON_VALUES = st.recursive(
    st.none() | NUMBERS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
URLS = ANY_TEXT | st.sampled_from(
    [
        "http://example.com/1",
        "http://a\nb/",
        "http://\ud800/",
        "http://[::1",
        "http://user@\x00host:99999/",
        "HTTP://MÜNCHEN.de/ä",
        "//nohost",
        "data:,x",
        "http:///",
        "\u2028http://a/",
        "http://" + "a" * 5000 + "/",
    ]
)
ENCODINGS = st.sampled_from(["utf-8", "nosuch", "utf-16", "hex", "idna", "", "a\x00b", "latin-1"])
PARTS = {
    "url": URLS | JSON_VALUES,
    "priority": NUMBERS | JSON_VALUES,
    "meta": st.fixed_dictionaries({"download_slot": JSON_VALUES | ANY_TEXT}) | JSON_VALUES,
    "headers": JSON_VALUES,
    "cookies": JSON_VALUES,
    "cb_kwargs": JSON_VALUES,
    "flags": JSON_VALUES,
    "body": JSON_VALUES,
    "method": JSON_VALUES,
    "encoding": ENCODINGS | JSON_VALUES,
    "callback": JSON_VALUES | st.sampled_from(["parse", "nosuch", "__class__"]),
    "dont_filter": JSON_VALUES,
    "fingerprint": JSON_VALUES,
    "nosuch": JSON_VALUES,
}
OBJECTS = st.fixed_dictionaries({}, optional=PARTS).map(
    lambda parts: {"url": "http://example.com/5", **parts}
)
DEEP = st.sampled_from([900, 5000, 100_000]).map(
    lambda depth: b'{"url":' + b"[" * depth + b"]" * depth + b"}"
)
PAYLOADS = (
    OBJECTS.map(lambda value: json.dumps(value).encode())
    | OBJECTS.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    | st.binary(max_size=40)
    | st.binary(max_size=20).map(lambda tail: b'{"url":"http://' + tail + b'/"}')
    | DEEP
)
FINGERPRINTS = st.none() | st.binary(max_size=20) | st.binary(min_size=16, max_size=16)
PUSHED = st.lists(st.tuples(PAYLOADS, FINGERPRINTS, st.binary(max_size=5)), min_size=1, max_size=8)


@pytest.fixture(params=FILTERS)
def shared(request: pytest.FixtureRequest, redis_url: str) -> dict[str, Any]:
    path = f"aioscrapy.dupefilters.redis.{request.param}"
    return redis_settings(redis_url, DUPEFILTER_CLASS=path, CONCURRENT_REQUESTS=4)


@pytest.fixture
def raw(redis_server: RedisServer) -> Any:
    with redis_server.client() as client:
        yield client


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run one example in an event loop of its own."""

    async def alone() -> None:
        try:
            await work()
        finally:
            await db_manager.close_all()

    asyncio.run(alone())


def counts_of(raw: Any, worker: Worker) -> dict[str, int]:
    """Return the counters that the crawl itself keeps."""
    meta = raw.hgetall(f"{TAG}:{crawl_id(worker)}:meta")
    return Counter({name.decode(): int(value) for name, value in meta.items() if value.isdigit()})


async def finish(raw: Any, worker: Worker) -> None:
    """Do all that is left; every request that arrived is done or failed."""
    await worker.rest()
    await worker.ended()
    counts = counts_of(raw, worker)
    assert counts["seq"] == counts["done"] + counts["failed"]
    assert counts["missing"] == 0
    assert counts["failed"] == raw.hlen(f"{TAG}:{crawl_id(worker)}:failed")
    assert worker.scheduler.end is not None
    assert worker.scheduler.end.reason in {Reason.FINISHED, Reason.ALL_FAILED}


@QUICK
@given(pushed=PUSHED)
def test_whatever_other_programs_push(shared: dict[str, Any], raw: Any, pushed: list[Any]) -> None:
    async def work() -> None:
        raw.flushall()
        async with Worker(shared) as worker:
            seeding = await worker.take_seeding()
            for payload, fingerprint, name in pushed:
                fields = {b"request": payload, name or b"other": b"x"}
                raw.xadd(
                    f"{TAG}:push", fields if fingerprint is None else {**fields, b"fingerprint": fingerprint}
                )
            await worker.done(seeding, page(1), page(2))
            await finish(raw, worker)
            assert raw.xlen(f"{TAG}:push") == 0

    run(work)


ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "meta": st.dictionaries(
            st.sampled_from(["download_slot", "x"]),
            JSON_VALUES | st.tuples(ANY_TEXT, NUMBERS) | st.binary(max_size=5) | st.just(object()),
        ),
        "headers": st.dictionaries(
            st.text(max_size=5), st.text(max_size=5) | st.binary(max_size=5), max_size=2
        ),
        "cb_kwargs": st.dictionaries(ANY_TEXT, JSON_VALUES, max_size=2),
        "cookies": st.dictionaries(ANY_TEXT, JSON_VALUES, max_size=2),
        "priority": st.integers(-(2**80), 2**80),
        "flags": st.lists(ANY_TEXT, max_size=2),
        "body": st.binary(max_size=10) | st.text(max_size=10),
        "encoding": st.sampled_from(["utf-8", "latin-1", "utf-16"]),
    },
)


@QUICK
@given(arguments=st.lists(ARGUMENTS, min_size=1, max_size=5), serializer=st.sampled_from(["Json", "Msgpack"]))
def test_whatever_a_callback_yields(
    shared: dict[str, Any], raw: Any, arguments: list[dict[str, Any]], serializer: str
) -> None:
    async def work() -> None:
        raw.flushall()
        path = f"aioscrapy.serializer.{serializer}Serializer"
        async with Worker({**shared, "SCHEDULER_SERIALIZER": path}) as worker:
            entries = [
                entry for number, some in enumerate(arguments) if (entry := accepted(worker, number, some))
            ]
            await worker.seed(*entries, page(99))
            urls = await worker.rest()
            assert len(urls) + counts_of(raw, worker)["failed"] == len(entries) + 1
            assert 99 in numbers(urls)
            await finish(raw, worker)

    run(work)


def accepted(worker: Worker, number: int, arguments: dict[str, Any]) -> Any:
    """Return the entry of a request; None if it is refused, in the callback that yields it."""
    try:
        request = Request(f"http://example.com/{number}", dont_filter=True, **arguments)
    except (TypeError, ValueError):
        return None
    try:
        return worker.scheduler.accept(request)
    except SerializeError:
        return None


@QUICK
@given(texts=st.lists(ANY_TEXT | st.just("x" * 50_000) | st.just("\ud800"), min_size=1, max_size=4))
def test_whatever_text_a_failure_has(shared: dict[str, Any], raw: Any, texts: list[str]) -> None:
    async def work() -> None:
        raw.flushall()
        async with Worker(shared) as worker:
            await worker.seed(*(page(number) for number in range(len(texts))))
            for text in texts:
                await worker.done(await worker.take_request(), failure=text)
            await finish(raw, worker)
            letters = raw.hvals(f"{TAG}:{crawl_id(worker)}:failed")
            assert all(len(letter) < 6 * FAILURE_LENGTH + 1000 for letter in letters)

    run(work)


@QUICK
@given(
    values=st.lists(st.tuples(ANY_TEXT, st.floats()), max_size=4), scope=st.sampled_from(["worker", "crawl"])
)
def test_whatever_a_worker_learns_of_hosts(
    shared: dict[str, Any], raw: Any, values: list[tuple[str, float]], scope: str
) -> None:
    async def work() -> None:
        raw.flushall()
        async with Worker({**shared, "POLITENESS_SCOPE": scope}) as worker:
            learnt = {host: value for host, value in values if host.isprintable()}
            limits = HostLimits(
                4, math.nan, delays=learnt, pauses={host: -value for host, value in learnt.items()}
            )
            store = worker.scheduler._store  # type: ignore[attr-defined]
            await store.exchange([], 0, limits=limits)
            await worker.seed(page(1))
            await finish(raw, worker)

    run(work)


KEYS = st.sampled_from(["ready", "delayed", "leased", "hosts", "workers", "slots"])
DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(["ready", "delayed", "leased", "hosts", "workers", "slots"]), st.binary(max_size=30)
    ),
    min_size=1,
    max_size=5,
)


@QUICK
@given(damage=DAMAGE)
def test_whatever_is_damaged_in_redis(
    shared: dict[str, Any], raw: Any, damage: list[tuple[str, bytes]]
) -> None:
    async def work() -> None:
        raw.flushall()
        async with Worker({**shared, "SCHEDULER_LEASE": 0.5, "SCHEDULER_HEARTBEAT": 0.1}) as worker:
            await worker.seed(page(1), page(2))
            prefix = f"{TAG}:{crawl_id(worker)}:"
            for suffix, data in damage:
                if suffix in ("leased", "slots"):
                    raw.hset(prefix + suffix, b"9" + data.hex().encode(), data)
                else:
                    raw.zadd(prefix + suffix, {data: 0})
            assert {1, 2} <= set(numbers(await worker.rest()))
            await worker.ended()

    run(work)


async def test_an_entry_that_the_script_can_not_use_is_one_dead_letter(
    shared: dict[str, Any], raw: Any
) -> None:
    async with Worker(shared) as worker:
        entries = worker.entries(page(number) for number in range(5))
        entries[0].host = "a\nb"
        entries[1].fingerprint = b"short"
        entries[2].payload = b""
        seeding = await worker.take_seeding()
        await worker.scheduler.commit(Page(seeding, entries))
        assert numbers(await worker.rest()) == [3, 4]
        await worker.ended()
        assert counts_of(raw, worker)["failed"] == 3
    await db_manager.close_all()


NASTY: dict[str, list[Any]] = {
    "meta": [
        {"download_timeout": "x"},
        {"proxy": 5},
        {"proxy": "nosuch://x"},
        {"cookiejar": {"a": 1}},
        {"dont_redirect": "x"},
        {"max_retry_times": "x"},
        {"retry_times": "x"},
        {"redirect_times": [], "redirect_ttl": "x"},
        {"depth": "x"},
        {"handle_httpstatus_list": 5},
        {"download_maxsize": "x"},
        {"download_slot": [1, 2]},
        {"download_latency": "x"},
        {"priority": "x"},
        {"bindaddress": "x"},
        {"_cookies_sent": 5},
        {"_cookies_sent": "\u2028"},
        {"use_proxy": "x"},
        {"proxy_attempts": "x"},
    ],
    "headers": [{"a\r\nb": ["c"]}, {"a": ["\r\nb: c"]}, {"Content-Length": ["5"]}, {"Host": ["a b"]}],
    "cookies": [
        5,
        "x",
        [5],
        [{"name": 1}],
        {"a": None},
        {"a\r\n": "b"},
        [{"name": "a", "value": "b", "path": 5}],
    ],
    "cb_kwargs": [{"nosuch": 1}, {"response": 1}],
    "callback": ["nosuch", "name", "__init__", "from_crawler"],
    "errback": ["nosuch", "parse"],
    "method": ["", "A B", "\r\n", "CONNECT", 5],
    "body": [{"b64": "!"}, {"b64": 5}, [1], 5],
    "encoding": ["nosuch", "utf-16", "hex", 5, ""],
    "fingerprint": [5, "", [1]],
    "flags": ["abc", 5, [5]],
    "priority": ["5", 1.5, None, 10**30],
    "dont_filter": ["x", None],
    "url": [
        *("http://127.0.0.1:0/", "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "data:,x"),
        *("s3://a/b", "http://[::1", "http:///"),
    ],
}


@pytest.mark.parametrize("part", NASTY)
async def test_a_whole_crawl_outlives_what_is_pushed(
    redis_url: str, raw: Any, site: Site, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Middlewares, handlers, callbacks and retries see the requests, too."""
    for path in ("/page/3", "/status/503"):
        for value in NASTY[part]:
            request = {"url": site.url + path, part: value}
            raw.xadd(f"{TAG}:push", {"request": json.dumps(request)})
    settings = redis_settings(redis_url, RETRY_TIMES=1, DOWNLOAD_TIMEOUT=5, CONCURRENT_REQUESTS=4)
    crawled = await crawl(SiteSpider, settings, site=site.url, paths=("/page/1", "/page/2"))
    assert {item["path"] for item in crawled.items} >= {"/page/1", "/page/2"}
    assert crawled.reason == "finished"
    (crawl_key,) = raw.keys(f"{TAG}:*:meta")
    meta = raw.hgetall(crawl_key)
    assert int(meta[b"seq"]) == int(meta[b"done"]) + int(meta.get(b"failed", 0))
    assert raw.xlen(f"{TAG}:push") == 0
