"""How far the crawls in a Redis are: what `aioscrapy crawls` shows."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aioscrapy.queue.crawls import Crawl

_AT_ONCE = 100  # crawls of which one round trip asks
_META = ("state", "stopped", "created", "finished_at", "done", "failed", "items")


@dataclass(frozen=True, slots=True)
class Figures:
    """How far one crawl is; times are milliseconds since 1970."""

    project: str
    spider: str
    crawl: str
    state: str  # open, stopped, finished; expired where only its items are left
    current: bool  # a worker that names no crawl joins this one
    created: int
    finished_at: int | None
    ready: int
    leased: int
    delayed: int
    failed: int  # dead letters
    done: int
    items: int  # that ITEMS_IN_REDIS ever put there; of an expired crawl, that are left
    workers: int  # alive
    rate: float  # pages done a minute, from the creation to the end or until now


async def figures(redis: Any, crawls: Sequence[Crawl]) -> list[Figures]:
    """Return how far these crawls are, without those of which nothing is left; a round trip for each 100."""
    now = await now_ms(redis)
    found: list[Figures | None] = []
    for start in range(0, len(crawls), _AT_ONCE):
        named = crawls[start : start + _AT_ONCE]
        async with redis.pipeline(transaction=False) as pipe:
            for crawl in named:
                pipe.hmget(crawl.key("meta"), _META)
                pipe.zcard(crawl.key("ready"))
                pipe.hlen(crawl.key("leased"))
                pipe.zcard(crawl.key("delayed"))
                pipe.zcount(crawl.key("workers"), now, "+inf")
                pipe.llen(crawl.key("items"))
            answers = await pipe.execute()
        found += [_figures_of(crawl, now, *answers[6 * i : 6 * i + 6]) for i, crawl in enumerate(named)]
    return [each for each in found if each]


async def counters(redis: Any, crawl: Crawl) -> dict[str, int | str]:
    """Return all that the crawl's `meta` holds, sorted by name."""
    meta = await redis.hgetall(crawl.key("meta"))
    texts = {name.decode(): value.decode() for name, value in sorted(meta.items())}
    return {name: int(text) if text.lstrip("-").isdigit() else text for name, text in texts.items()}


async def signs_of_life(redis: Any, crawl: Crawl, lease_s: float) -> list[dict[str, Any]]:
    """Return `worker`, `silent_s` and `alive` of each worker, the last that was heard first.

    Args:
        redis: as of Crawls.
        crawl: whose workers.
        lease_s: their SCHEDULER_LEASE: Redis knows only when it is over.
    """
    now = await now_ms(redis)
    found = await redis.zrange(crawl.key("workers"), 0, -1, desc=True, withscores=True)
    return [
        {
            "worker": worker.decode(),
            "silent_s": max(0.0, (now - until) / 1000 + lease_s),
            "alive": until >= now,
        }
        for worker, until in found
    ]


async def fill(redis: Any, crawl: Crawl) -> dict[str, Any]:
    """Return `kind` (set, bloom, none) of the filter, `kept`, `fingerprints`, `bytes`; of bloom `layers`."""
    kept = await redis.hget(crawl.key("meta"), "kept") == b"1"
    place = f"{crawl.tag}:" if kept else f"{crawl.tag}:{crawl.id}:"
    head = await redis.getrange(f"{place}bloom", 0, 63)
    counts = [count for count in struct.unpack(">16I", head.ljust(64, b"\0")) if count]  # see bloom.lua
    seen = 0 if head else await redis.scard(f"{place}seen")
    bytes_ = await redis.memory_usage(f"{place}bloom" if head else f"{place}seen") or 0
    told = {"kept": kept, "fingerprints": seen or sum(counts), "bytes": int(bytes_)}
    if head:
        return {"kind": "bloom", **told, "layers": counts}
    return {"kind": "set" if seen else "none", **told}


async def memory(redis: Any, crawl: Crawl) -> dict[str, int]:
    """Return key -> bytes, of the crawl's own keys that exist; the server's estimates."""
    async with redis.pipeline(transaction=False) as pipe:
        for key in crawl.own_keys():
            pipe.memory_usage(key)
        sizes = await pipe.execute()
    own = (key.rpartition(":")[2] for key in crawl.own_keys())
    return {name: int(size) for name, size in zip(own, sizes, strict=True) if size}


async def now_ms(redis: Any) -> int:
    """Return the server's time in milliseconds since 1970."""
    seconds, micros = await redis.time()
    return int(seconds * 1000 + micros // 1000)


def _figures_of(
    crawl: Crawl, now: int, meta: list[bytes | None], ready: int, leased: int, delayed: int, *rest: int
) -> Figures | None:
    workers, items_left = rest
    state, stopped, created, finished_at, done, failed, items = meta
    if state is None and not items_left:
        return None
    shown = "stopped" if stopped == b"1" and state == b"open" else (state or b"expired").decode()
    began, pages = int(created or crawl.created), int(done or 0)
    end = int(finished_at) if finished_at else now
    return Figures(
        project=crawl.bot,
        spider=crawl.spider,
        crawl=crawl.id,
        state=shown,
        current=crawl.current,
        created=began,
        finished_at=int(finished_at) if finished_at else None,
        ready=ready,
        leased=leased,
        delayed=delayed,
        failed=int(failed or 0),
        done=pages,
        items=int(items or 0) if state else items_left,
        workers=workers,
        rate=round(pages * 60_000 / max(1, end - began), 1),
    )
