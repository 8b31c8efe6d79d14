"""Settings of scrapy-redis -> settings of the shared frontier."""

from typing import Any

from aioscrapy.settings import Settings

# The package, its name after s/scrapy/aioscrapy/, its place here, and a widespread addition to it.
_PACKAGES = ("scrapy_redis", "aioscrapy_redis", "aioscrapy.scrapy_redis", "scrapy_redis_bloomfilter")
_QUEUES = {
    "FifoQueue": "SpiderQueue",
    "LifoQueue": "SpiderStack",
    "SpiderQueue": "SpiderQueue",
    "SpiderStack": "SpiderStack",
}
_PLAIN_FILTER = "aioscrapy.dupefilters.redis.RFPDupeFilter"
_NO_FILTER = "aioscrapy.dupefilters.redis.BaseDupeFilter"
# Arguments of redis-py that change the type of an answer, and arguments of scrapy-redis itself.
_DROPPED = (
    "charset",
    "decode_responses",
    "encoding",
    "encoding_errors",
    "errors",
    "redis_cls",
    "retry_on_timeout",
)


def understand_scrapy_redis(settings: Settings) -> None:
    """Choose the shared frontier if the settings name that of scrapy-redis, and its server by REDIS_URL."""
    if any(map(_is_of_scrapy_redis, (settings[name] for name in ("SCHEDULER", "DUPEFILTER_CLASS")))):
        use_shared_frontier(settings)
    elif settings["REDIS_URL"] or settings["REDIS_HOST"]:
        _set_address(settings)


def use_shared_frontier(settings: Settings) -> None:
    """Put the requests and the filter into Redis, in the order that SCHEDULER_QUEUE_CLASS names."""
    _set_address(settings)
    queue = _path(settings["SCHEDULER_QUEUE_CLASS"])
    if _is_of_scrapy_redis(queue) or not _is_shared(queue):
        name = _QUEUES.get(queue.rpartition(".")[2], "SpiderPriorityQueue")
        _replace(settings, "SCHEDULER_QUEUE_CLASS", f"aioscrapy.queue.redis.{name}")
    dupefilter = _path(settings["DUPEFILTER_CLASS"])
    if _is_of_scrapy_redis(dupefilter) or dupefilter.endswith(".dupefilters.RFPDupeFilter"):
        _replace(settings, "DUPEFILTER_CLASS", _PLAIN_FILTER)
    elif dupefilter.endswith(".dupefilters.BaseDupeFilter"):
        _replace(settings, "DUPEFILTER_CLASS", _NO_FILTER)
    if _is_of_scrapy_redis(settings["SCHEDULER_SERIALIZER"]):
        _replace(settings, "SCHEDULER_SERIALIZER", "aioscrapy.serializer.JsonSerializer")
    if settings.getbool("SCHEDULER_PERSIST"):
        settings.set("KEEP_DUPEFILTER_DATA_ON_CLOSE", True, "default")
    if _is_of_scrapy_redis(settings["SCHEDULER"]):
        _replace(settings, "SCHEDULER", None)
    if _is_of_scrapy_redis(settings["STATS_CLASS"]):
        _replace(settings, "STATS_CLASS", "aioscrapy.stats.StatsCollector")


def _set_address(settings: Settings) -> None:
    """Add the server of REDIS_URL, or REDIS_HOST and REDIS_PORT, to REDIS_ARGS, unless that has one."""
    alias = str(settings["SCHEDULER_QUEUE_ALIAS"])
    arguments = settings.getdict("REDIS_ARGS")
    if alias in arguments:
        return
    server = {k: v for k, v in settings.getdict("REDIS_PARAMS").items() if k not in _DROPPED}
    if settings["REDIS_URL"]:
        server["url"] = settings["REDIS_URL"]
    else:
        server.setdefault("host", settings["REDIS_HOST"] or "localhost")
        server.setdefault("port", settings["REDIS_PORT"])
    _replace(settings, "REDIS_ARGS", {**arguments, alias: server})


def _replace(settings: Settings, name: str, value: Any) -> None:
    """Set a value in the layer that has set the present one."""
    settings.set(name, value, settings.getpriority(name) or "command")


def _is_of_scrapy_redis(value: Any) -> bool:
    return _path(value).startswith(tuple(f"{package}." for package in _PACKAGES))


def _is_shared(queue: str) -> bool:
    return queue.startswith("aioscrapy.queue.redis.")


def _path(value: Any) -> str:
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    return value if isinstance(value, str) else ""
