"""Which crawl of a spider a worker joins: the current one, a named one, or a new one."""

from importlib.resources import files
from typing import Any, NamedTuple

from aioscrapy.context import CrawlContext
from aioscrapy.crawls.feeds import feed_keys
from aioscrapy.crawls.ids import new_id
from aioscrapy.crawls.keys import KEYS, OWN, check_name, crawl_key, spider_key, tag_of
from aioscrapy.crawls.script import Script, cancellable, lua
from aioscrapy.log import logger
from aioscrapy.queue.base import State

FORGOTTEN_AT_ONCE = 1000  # ids of expired crawls that one new crawl removes


class Joined(NamedTuple):
    """The answer of open.lua."""

    result: str  # created, joined, late, finished
    crawl_id: str
    ago_ms: int  # since its end; 0 if it is open


class Joining:
    """Finds or creates the crawl of a worker, by the settings and the spider argument `crawl`.

    Raises:
        ConfigError: a name can't be part of a key.
    """

    def __init__(self, crawler: CrawlContext) -> None:
        settings, spider = crawler.settings, crawler.spider
        self._named = str(getattr(spider, "crawl", None) or settings["CRAWL_ID"] or "")
        check_name("crawl id (CRAWL_ID, -a crawl=…)", self._named)
        check_name("BOT_NAME", settings["BOT_NAME"])
        check_name("name of the spider", spider.name)
        self.tag = tag_of(settings["BOT_NAME"], spider.name)
        self._fresh = settings.getbool("CRAWL_FRESH")
        self._flush = settings.getbool("SCHEDULER_FLUSH_ON_START")
        self._keep_filter = settings.getbool("KEEP_DUPEFILTER_DATA_ON_CLOSE")
        # A worker that slept until its crawl had expired must find the id, or it creates the crawl again.
        self._kept_s = settings.getfloat("CRAWL_KEEP") + 10 * settings.getfloat("SCHEDULER_LEASE")
        self._window_ms = int(settings.getfloat("CRAWL_JOIN_WINDOW") * 1000)

    async def join(self, redis: Any) -> Joined:
        """Run open.lua until no other worker is quicker."""
        script = Script(lua("types.lua") + source("open.lua"))
        while True:
            current = self._named or await redis.get(spider_key(self.tag, "current")) or b""
            current = current.decode() if isinstance(current, bytes) else current
            new = self._named or new_id()
            if self._named and self._fresh:
                feeds = await feed_keys(redis, self.tag, self._named)
                await redis.delete(*feeds, *(crawl_key(self.tag, self._named, suffix) for suffix in OWN))
            keys = [
                spider_key(self.tag, "current"),
                spider_key(self.tag, "crawls"),
                crawl_key(self.tag, current or new, "meta"),
                crawl_key(self.tag, new, "meta"),
                crawl_key(self.tag, current or new, "workers"),
                crawl_key(self.tag, new, "deleted"),
            ]
            flags = [int(flag) for flag in (bool(self._named), self._fresh, self._flush)]
            arguments = [current, new, *flags, self._window_ms, int(self._keep_filter)]
            answer, *rest = await script.run(redis, keys, arguments)
            if answer == b"created":
                await self._forget_expired(redis)
            if answer != b"again":
                return Joined(answer.decode(), rest[0].decode(), rest[1] if len(rest) > 1 else 0)

    async def _forget_expired(self, redis: Any) -> None:
        """Remove the ids of some crawls whose keys have expired; a few round trips."""
        crawls, now_s = spider_key(self.tag, "crawls"), (await redis.time())[0]
        old = await redis.zrange(
            crawls, "-inf", int((now_s - self._kept_s) * 1000), byscore=True, offset=0, num=FORGOTTEN_AT_ONCE
        )
        ids = [id.decode() for id in old]
        keys = [crawl_key(self.tag, id, suffix) for id in ids for suffix in ("meta", "items")]
        if ids:
            await Script(source("forget.lua")).run(redis, [crawls, *keys], ids)

    async def recreate(self, redis: Any, crawl_id: str) -> bool:
        """Run recreate.lua: create the crawl again unless it was deleted."""
        keys = [spider_key(self.tag, suffix) for suffix in ("current", "crawls")]
        others = (suffix for suffix in OWN if suffix not in ("meta", "items", "feeds", "outbox"))
        keys += [crawl_key(self.tag, crawl_id, suffix) for suffix in ("meta", "deleted", *others)]
        arguments = [crawl_id, int(bool(self._named)), int(self._keep_filter)]
        return bool(
            await cancellable(Script(lua("types.lua") + source("recreate.lua")).run(redis, keys, arguments))
        )

    def keys(self, crawl_id: str, filter_suffix: str) -> list[str]:
        """Return the keys of the exchange script: those of KEYS, then the filter's, if it has one."""
        keys = [
            spider_key(self.tag, suffix) if suffix == "push" else crawl_key(self.tag, crawl_id, suffix)
            for suffix in KEYS
        ]
        if not filter_suffix:
            return keys
        kept = spider_key(self.tag, filter_suffix)
        return [*keys, kept if self._keep_filter else crawl_key(self.tag, crawl_id, filter_suffix)]


def state_of(joined: Joined, worker: str) -> State:
    """Return the state that a worker finds, and log it."""
    if joined.result == "late":
        logger.info(
            "Crawl %s finished %.1f s ago: this worker comes too late and ends (CRAWL_JOIN_WINDOW); "
            "start a new crawl with --fresh or CRAWL_FRESH",
            joined.crawl_id,
            joined.ago_ms / 1000,
        )
        return State.LATE
    if joined.result == "finished":
        logger.info("Crawl %s has finished: nothing is left to do", joined.crawl_id)
        return State.FINISHED
    verb = "Began" if joined.result == "created" else "Joined"
    logger.info("%s crawl %s as worker %s", verb, joined.crawl_id, worker)
    return State.OPEN


def source(name: str) -> str:
    """Return the source of a script of this package."""
    return (files("aioscrapy.queue") / name).read_text("utf-8")
