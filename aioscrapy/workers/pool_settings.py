"""The settings of a crawl by several processes, derived from those of one process."""

import importlib
import uuid
from contextlib import suppress
from typing import Any

from aioscrapy.components import load_object
from aioscrapy.core.downloader import handler_paths
from aioscrapy.core.frontier import load_frontier
from aioscrapy.exceptions import ConfigError
from aioscrapy.log import logger
from aioscrapy.queue.base import Order
from aioscrapy.settings import Settings

# of the settings that are set here: above that of the command line
POOL_PRIORITY = 50

_SHARED_QUEUES = {
    Order.PRIORITY: "aioscrapy.queue.redis.SpiderPriorityQueue",
    Order.FIFO: "aioscrapy.queue.redis.SpiderQueue",
    Order.LIFO: "aioscrapy.queue.redis.SpiderStack",
}
_SHARED_FILTERS = {
    "RFPDupeFilter": "aioscrapy.dupefilters.redis.RFPDupeFilter",
    "BaseDupeFilter": "aioscrapy.dupefilters.redis.BaseDupeFilter",
}


def needs_redis(settings: Settings) -> bool:
    """Return True if no Redis is configured for the frontier."""
    return settings["SCHEDULER_QUEUE_ALIAS"] not in settings.getdict("REDIS_ARGS")


def move_to_redis(settings: Settings, spider_class: Any) -> None:
    """Move a crawl from memory to Redis, and log it.

    Raises:
        ConfigError: a setting is for crawls of one process.
    """
    if settings["JOBDIR"]:
        raise ConfigError(
            "JOBDIR keeps the crawl of one process and can't be used with CRAWL_PROCESSES: to resume a crawl "
            "of several processes, keep it in your Redis (SCHEDULER_QUEUE_CLASS, REDIS_ARGS)"
        )
    queue, dupefilter, scheduler = load_frontier(settings)
    if scheduler is not None:
        raise ConfigError(
            f"SCHEDULER {scheduler.__module__}.{scheduler.__name__} works in one process: "
            "remove it, or crawl without CRAWL_PROCESSES"
        )
    if not dupefilter.shared:
        _use_shared_filter(settings, dupefilter)
    if not queue.shared:
        shared = _SHARED_QUEUES[queue.order]
        settings.set("SCHEDULER_QUEUE_CLASS", shared, POOL_PRIORITY)
        if not settings["CRAWL_ID"]:  # as in memory: every run is a new crawl
            settings.set("CRAWL_ID", uuid.uuid4().hex[:12], POOL_PRIORITY)
        logger.info("Several processes: the requests wait in Redis (%s), not in memory", shared)
    setting = _delaying_setting(settings, spider_class)
    if setting and settings.getpriority("POLITENESS_SCOPE") == 0:
        settings.set("POLITENESS_SCOPE", "crawl", POOL_PRIORITY)
        logger.info("Several processes keep %s together: POLITENESS_SCOPE is 'crawl'", setting)


def use_private_redis(settings: Settings, url: str) -> None:
    """Put the frontier into the private Redis of this crawl, which no other program writes to."""
    redis_args = {**settings.getdict("REDIS_ARGS"), settings["SCHEDULER_QUEUE_ALIAS"]: {"url": url}}
    settings.set("REDIS_ARGS", redis_args, POOL_PRIORITY)
    settings.set("REDIS_CHECK", "off", POOL_PRIORITY)  # it keeps nothing on disk, on purpose
    if settings.getpriority("SCHEDULER_SERIALIZER") == 0:
        # requests and items may hold the same values as in memory; nobody else can write to this Redis
        settings.set("SCHEDULER_SERIALIZER", "aioscrapy.serializer.PickleSerializer", POOL_PRIORITY)


def worker_settings(settings: Settings) -> Settings:
    """Return the settings of one worker process, without what the whole crawl has once."""
    own = settings.copy()
    own.setdict(
        {
            "CRAWL_PROCESSES": 1,
            "CRAWL_FRESH": False,
            "SCHEDULER_FLUSH_ON_START": False,
            "LOGSTATS_INTERVAL": 0,
            "STATS_DUMP": False,
        },
        POOL_PRIORITY,
    )
    return own


# What a worker needs with its first request, its first page and its first link.
_LATER = ("aioscrapy.db.redis_client", "aioscrapy.selector", "encodings.idna", "w3lib.url")


def preload(settings: Settings) -> None:
    """Import the components before the workers are forked: once, in memory that they share."""
    for name in ("DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "EXTENSIONS", "ITEM_PIPELINES"):
        for path in settings.getwithbase(name):
            load_object(path, name)
    for path in handler_paths(settings).values():
        load_object(path, "DOWNLOAD_HANDLERS")
    for name in ("SCHEDULER_QUEUE_CLASS", "DUPEFILTER_CLASS", "SCHEDULER_SERIALIZER"):
        load_object(settings[name], name)
    for name in _LATER:
        importlib.import_module(name)
    with suppress(ImportError):
        importlib.import_module("uvloop")


def _use_shared_filter(settings: Settings, dupefilter: Any) -> None:
    shared = _SHARED_FILTERS.get(dupefilter.__name__)
    if shared is None or not dupefilter.__module__.startswith("aioscrapy.dupefilters."):
        raise ConfigError(
            f"DUPEFILTER_CLASS {dupefilter.__module__}.{dupefilter.__name__} works in one process: "
            "with CRAWL_PROCESSES take one of aioscrapy.dupefilters.redis"
        )
    settings.set("DUPEFILTER_CLASS", shared, POOL_PRIORITY)


def _delaying_setting(settings: Settings, spider_class: Any) -> str:
    """Return the setting that makes the crawl wait between two requests to a host; "" if none does."""
    if settings.getfloat("DOWNLOAD_DELAY") > 0 or getattr(spider_class, "download_delay", None):
        return "DOWNLOAD_DELAY"
    return next((name for name in ("AUTOTHROTTLE_ENABLED", "ROBOTSTXT_OBEY") if settings.getbool(name)), "")
