"""The progress of the crawls in a Redis, for `aioscrapy crawls`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aioscrapy.crawls.bloom import bloom_layers
from aioscrapy.crawls.catalog import Crawl
from aioscrapy.crawls.keys import spider_key

_BATCH = 100  # crawls in one round trip
_META = (
    *("state", "stopped", "created", "finished_at", "done", "failed", "items", "missing"),
    *("filter_lost", "items_lost", "seed_failure", "damaged"),
)
_NUMBER = re.compile(r"-?[0-9]{1,16}").fullmatch


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of one crawl; times are milliseconds since 1970."""

    project: str
    spider: str
    crawl: str
    # open, stopped, finished, incomplete (it has lost something), expired (only items are left), or damaged
    # (another program has changed its keys)
    state: str
    current: bool  # a worker that names no crawl joins this one
    created: int
    finished_at: int | None
    ready: int
    leased: int
    delayed: int
    failed: int  # dead letters
    done: int
    items: int  # stored with ITEMS_IN_REDIS so far; of an expired crawl, those that are left
    workers: int  # alive
    missing: int  # requests that Redis has lost, once the crawl has ended
    rate: float  # pages done a minute, from the creation to the end or until now


async def progress(redis: Any, crawls: Sequence[Crawl]) -> list[Progress]:
    """Return the progress of these crawls, without those that have expired; a round trip for each 100."""
    now = await now_ms(redis)
    rows: list[Progress | None] = []
    for start in range(0, len(crawls), _BATCH):
        named = crawls[start : start + _BATCH]
        async with redis.pipeline(transaction=False) as pipe:
            for crawl in named:
                pipe.hmget(crawl.key("meta"), _META)
                pipe.zcard(crawl.key("ready"))
                pipe.hlen(crawl.key("leased"))
                pipe.zcard(crawl.key("delayed"))
                pipe.zcount(crawl.key("workers"), now, "+inf")
                pipe.llen(crawl.key("items"))
            answers = await pipe.execute(raise_on_error=False)
        rows += [_progress_of(crawl, now, answers[6 * i : 6 * i + 6]) for i, crawl in enumerate(named)]
    return [row for row in rows if row]


async def counters(redis: Any, crawl: Crawl) -> dict[str, int | str]:
    """Return the fields of the crawl's `meta`, sorted by name."""
    meta = await redis.hgetall(crawl.key("meta"))
    texts = {
        name.decode(errors="replace"): value.decode(errors="replace") for name, value in sorted(meta.items())
    }
    return {name: int(text) if _NUMBER(text) else text for name, text in texts.items()}


async def workers_of(redis: Any, crawl: Crawl, lease_s: float) -> list[dict[str, Any]]:
    """Return `worker`, `silent_s` and `alive` of each worker, the latest call first.

    Args:
        redis: as of Crawls.
        crawl: the crawl of these workers.
        lease_s: their SCHEDULER_LEASE: Redis has only the time at which it ends.
    """
    now = await now_ms(redis)
    rows = await redis.zrange(crawl.key("workers"), 0, -1, desc=True, withscores=True)
    return [
        {
            "worker": worker.decode(errors="replace"),
            "silent_s": max(0.0, (now - until) / 1000 + lease_s),
            "alive": until >= now,
        }
        for worker, until in rows
    ]


async def filter_usage(redis: Any, crawl: Crawl) -> dict[str, Any]:
    """Return `kind` (set, bloom, none) of the filter, `kept`, `fingerprints`, `bytes`; of bloom `layers`."""
    kept = await redis.hget(crawl.key("meta"), "kept") == b"1"
    bloom, seen = (
        spider_key(crawl.tag, suffix) if kept else crawl.key(suffix) for suffix in ("bloom", "seen")
    )
    layers = [count for count in await bloom_layers(redis, bloom) if count]
    fingerprints = sum(layers) if layers else await redis.scard(seen)
    bytes_ = await redis.memory_usage(bloom if layers else seen) or 0
    usage = {"kept": kept, "fingerprints": fingerprints, "bytes": int(bytes_)}
    if layers:
        return {"kind": "bloom", **usage, "layers": layers}
    return {"kind": "set" if fingerprints else "none", **usage}


async def memory(redis: Any, crawl: Crawl) -> dict[str, int]:
    """Return key -> bytes of the crawl's own keys that exist, as the server estimates them."""
    async with redis.pipeline(transaction=False) as pipe:
        for key in crawl.own_keys():
            pipe.memory_usage(key)
        sizes = await pipe.execute()
    names = (key.rpartition(":")[2] for key in crawl.own_keys())
    return {name: int(size) for name, size in zip(names, sizes, strict=True) if size}


async def now_ms(redis: Any) -> int:
    """Return the server's time in milliseconds since 1970."""
    seconds, micros = await redis.time()
    return int(seconds * 1000 + micros // 1000)


def _progress_of(crawl: Crawl, now: int, answers: list[Any]) -> Progress | None:
    meta, ready, leased, delayed, workers, items_left = map(_value, answers)
    values = dict(zip(_META, meta or [None] * len(_META), strict=True))
    texts = {name: values.pop(name) for name in ("state", "stopped", "seed_failure")}
    state = texts["state"]
    if state is None and meta and not items_left:
        return None
    numbers = {name: _count(text) for name, text in values.items()}
    losses = ("missing", "filter_lost", "items_lost", "damaged")
    label = (state or b"expired").decode(errors="replace")
    if None in (meta, ready, leased, delayed, workers, items_left, *numbers.values()):
        label = "damaged"
    elif texts["stopped"] == b"1" and state == b"open":
        label = "stopped"
    elif state == b"finished" and (texts["seed_failure"] or any(numbers[name] for name in losses)):
        label = "incomplete"
    counts = {name: number or 0 for name, number in numbers.items()}
    began, end = counts["created"] or crawl.created, counts["finished_at"] or now
    return Progress(
        project=crawl.bot,
        spider=crawl.spider,
        crawl=crawl.id,
        state=label,
        current=crawl.current,
        created=began,
        finished_at=counts["finished_at"] or None,
        ready=ready or 0,
        leased=leased or 0,
        delayed=delayed or 0,
        failed=counts["failed"],
        done=counts["done"],
        items=counts["items"] if state else items_left or 0,
        workers=workers or 0,
        missing=counts["missing"],
        rate=round(counts["done"] * 60_000 / max(1, end - began), 1),
    )


def _value(answer: Any) -> Any:
    """Return the answer of a command; None if another program has taken its key.

    Raises:
        RedisError: the command has failed for another reason.
    """
    if isinstance(answer, Exception):
        if "WRONGTYPE" not in str(answer):
            raise answer
        return None
    return answer


def _count(text: bytes | None) -> int | None:
    """Return a number of `meta`, 0 if it is absent; None if it is not a number."""
    decoded = (text or b"0").decode(errors="replace")
    return int(decoded) if _NUMBER(decoded) else None
