"""What the settings of a crawl become where several processes work on it."""

import uuid
from typing import Any

from aioscrapy.components import load_object
from aioscrapy.core.downloader import handler_paths
from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.log import logger
from aioscrapy.queue.base import Order
from aioscrapy.settings import Settings

OURS = 50  # the layer of what is set here, above that of the command line

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
    """Tell whether no Redis is configured for the frontier."""
    return settings["SCHEDULER_QUEUE_ALIAS"] not in settings.getdict("REDIS_ARGS")


def share(settings: Settings, spider_class: Any) -> None:
    """Make of a crawl in memory one in Redis, and say so.

    Raises:
        ConfigError: something in the settings belongs to one process.
    """
    if settings["JOBDIR"]:
        raise ConfigError(
            "JOBDIR keeps the crawl of one process, CRAWL_PROCESSES is for several: to go on after a stop "
            "without JOBDIR, keep the crawl in a Redis of yours (SCHEDULER_QUEUE_CLASS, REDIS_ARGS)"
        )
    for key, options in settings.getdict("FEEDS").items():
        if isinstance(options, dict) and options.get("item_classes"):
            raise SettingError("FEEDS", f"{key}: item_classes can't be used together with CRAWL_PROCESSES")
    queue = load_object(settings["SCHEDULER_QUEUE_CLASS"], "SCHEDULER_QUEUE_CLASS")
    dupefilter = load_object(settings["DUPEFILTER_CLASS"] or queue.dupefilter, "DUPEFILTER_CLASS")
    if not dupefilter.shared:
        _share_filter(settings, dupefilter)
    if not queue.shared:
        shared = _SHARED_QUEUES[queue.order]
        settings.set("SCHEDULER_QUEUE_CLASS", shared, OURS)
        if not settings["CRAWL_ID"]:  # as in memory: a crawl for itself, begun anew each time
            settings.set("CRAWL_ID", uuid.uuid4().hex[:12], OURS)
        logger.info("Several processes: the requests wait in Redis (%s), not in memory", shared)
    slow = _slow(settings, spider_class)
    if slow and settings.getpriority("POLITENESS_SCOPE") == 0:
        settings.set("POLITENESS_SCOPE", "crawl", OURS)
        logger.info("Several processes keep %s together: POLITENESS_SCOPE is 'crawl'", slow)


def use_private(settings: Settings, url: str) -> None:
    """Put the frontier into the Redis of this crawl, which no other program writes to."""
    redis_args = {**settings.getdict("REDIS_ARGS"), settings["SCHEDULER_QUEUE_ALIAS"]: {"url": url}}
    settings.set("REDIS_ARGS", redis_args, OURS)
    if (
        settings.getpriority("SCHEDULER_SERIALIZER") == 0
    ):  # so items and requests may hold what they may in memory
        settings.set("SCHEDULER_SERIALIZER", "aioscrapy.serializer.PickleSerializer", OURS)


def of_workers(settings: Settings) -> Settings:
    """Return the settings of one worker: what there is once for the whole crawl is taken out."""
    own = settings.copy()
    own.setdict(
        {
            "CRAWL_PROCESSES": 1,
            "CRAWL_FRESH": False,
            "SCHEDULER_FLUSH_ON_START": False,
            "FEEDS": {},
            "LOGSTATS_INTERVAL": 0,
            "STATS_DUMP": False,
            "ITEMS_IN_REDIS": settings.getbool("ITEMS_IN_REDIS") or bool(settings.getdict("FEEDS")),
        },
        OURS,
    )
    return own


def warm(settings: Settings) -> None:
    """Load what every worker needs, so that it is loaded once and its memory is shared."""
    for name in ("DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "EXTENSIONS", "ITEM_PIPELINES"):
        for path in settings.getwithbase(name):
            load_object(path, name)
    for path in handler_paths(settings).values():
        load_object(path, "DOWNLOAD_HANDLERS")
    load_object("aioscrapy.db.redis_client.make_client", "REDIS_ARGS")


def _share_filter(settings: Settings, dupefilter: Any) -> None:
    shared = _SHARED_FILTERS.get(dupefilter.__name__)
    if shared is None or not dupefilter.__module__.startswith("aioscrapy.dupefilters."):
        raise ConfigError(
            f"DUPEFILTER_CLASS {dupefilter.__module__}.{dupefilter.__name__} is of one process: with "
            "CRAWL_PROCESSES take one of aioscrapy.dupefilters.redis"
        )
    settings.set("DUPEFILTER_CLASS", shared, OURS)


def _slow(settings: Settings, spider_class: Any) -> str:
    """Return what makes the crawl wait between the requests to a host; "" where nothing does."""
    if settings.getfloat("DOWNLOAD_DELAY") > 0 or getattr(spider_class, "download_delay", None):
        return "DOWNLOAD_DELAY"
    return next((name for name in ("AUTOTHROTTLE_ENABLED", "ROBOTSTXT_OBEY") if settings.getbool(name)), "")
