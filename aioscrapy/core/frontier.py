"""The parts of the frontier that the settings choose: queue, filter, fingerprint, host limits, scheduler."""

from collections.abc import Callable
from typing import Any, NamedTuple

from aioscrapy.components import build_one, load_object
from aioscrapy.context import CrawlContext
from aioscrapy.core.foreign_scheduler import ForeignScheduler
from aioscrapy.core.memory_scheduler import MemoryScheduler
from aioscrapy.core.politeness import Politeness, SharedPoliteness
from aioscrapy.core.scheduler import Frontier
from aioscrapy.core.shared_scheduler import SharedScheduler
from aioscrapy.dupefilters.foreign import is_foreign, itself, opened
from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.feeds.feeds import Feeds
from aioscrapy.http.fingerprint import RequestFingerprinter, fingerprint_function
from aioscrapy.http.request import Request
from aioscrapy.queue.foreign import open_scheduler
from aioscrapy.queue.memory import MemoryQueue
from aioscrapy.settings import Settings
from aioscrapy.shared_cookies import SharedCookies

# Scrapy's filter by its paths there and here: the exact filter of the queue is the same.
_DEFAULT_FILTERS = ("scrapy.dupefilters.RFPDupeFilter", "aioscrapy.dupefilters.RFPDupeFilter")
# Scrapy's scheduler by its paths: our frontier takes its place.
_DEFAULT_SCHEDULERS = ("scrapy.core.scheduler.Scheduler", "aioscrapy.core.scheduler.Scheduler")
# Where components of Scrapy's interface work.
_IN_MEMORY = "only in a crawl of one process in memory: without JOBDIR, Redis and worker processes"


class FrontierChoice(NamedTuple):
    """The classes of the queue and of the duplicate filter, and of the project's scheduler if it has one."""

    queue_class: Any
    filter_class: Any
    scheduler_class: Any = None

    @property
    def shared(self) -> bool:
        """Whether several processes may work on the crawl."""
        return bool(self.queue_class.shared)

    @property
    def stored(self) -> bool:
        """Whether the crawl outlives the process: in Redis or in JOBDIR."""
        return not issubclass(self.queue_class, MemoryQueue)


def choose_frontier(settings: Settings) -> FrontierChoice:
    """Return the classes of the queue and of the filter, which go together.

    Raises:
        SettingError: a class can't be loaded.
        ConfigError: the queue and the filter don't go together.
    """
    choice = load_frontier(settings)
    queue_class, filter_class, _ = choice
    if not is_foreign(filter_class) and filter_class.shared != queue_class.shared:
        raise ConfigError(
            f"{_path(filter_class)} and {_path(queue_class)} don't go together: "
            "take DUPEFILTER_CLASS and SCHEDULER_QUEUE_CLASS both of redis, or both not"
        )
    return choice


def load_frontier(settings: Settings) -> FrontierChoice:
    """Load SCHEDULER_QUEUE_CLASS, DUPEFILTER_CLASS and SCHEDULER; JOBDIR puts a memory queue on disk.

    Raises:
        SettingError: a class can't be loaded.
    """
    queue_class = load_object(settings["SCHEDULER_QUEUE_CLASS"], "SCHEDULER_QUEUE_CLASS")
    on_disk = bool(settings["JOBDIR"]) and issubclass(queue_class, MemoryQueue)
    if on_disk:
        queue_class = load_object(queue_class.on_disk, "SCHEDULER_QUEUE_CLASS")
    if (scheduler_class := _scheduler_class(settings, queue_class)) is not None:
        filter_class = load_object(queue_class.dupefilter, "DUPEFILTER_CLASS")  # SCHEDULER has its own
        return FrontierChoice(queue_class, filter_class, scheduler_class)
    path = settings["DUPEFILTER_CLASS"]
    if path in (None, *_DEFAULT_FILTERS):
        path = queue_class.dupefilter
    filter_class = load_object(path, "DUPEFILTER_CLASS")
    if is_foreign(filter_class):
        if not issubclass(queue_class, MemoryQueue):
            raise SettingError(
                "DUPEFILTER_CLASS",
                f"{path} has Scrapy's interface (request_seen), which works {_IN_MEMORY}",
            )
        return FrontierChoice(queue_class, filter_class)
    if not hasattr(filter_class, "shared"):
        raise SettingError("DUPEFILTER_CLASS", f"{path!r} can't be used here: it has no 'shared'")
    if filter_class.shared and settings.getpriority("SCHEDULER_QUEUE_CLASS") == 0 and not on_disk:
        queue_class = load_object(filter_class.queue, "DUPEFILTER_CLASS")  # only a shared filter was chosen
    return FrontierChoice(queue_class, filter_class)


def _scheduler_class(settings: Settings, queue_class: Any) -> Any:
    """Return the class of SCHEDULER; None if the project has none of its own."""
    path = settings["SCHEDULER"]
    if path in (None, *_DEFAULT_SCHEDULERS):
        return None
    scheduler_class = load_object(path, "SCHEDULER")
    if not issubclass(queue_class, MemoryQueue):
        raise SettingError("SCHEDULER", f"{path} has Scrapy's interface, which works {_IN_MEMORY}")
    return scheduler_class


def build_politeness(settings: Settings, spider: Any, *, shared: bool) -> Politeness:
    """Return the limits of the hosts, for this process or for a whole shared crawl (POLITENESS_SCOPE).

    Raises:
        SettingError: POLITENESS_SCOPE is neither "worker" nor "crawl".
    """
    scope = settings["POLITENESS_SCOPE"]
    if scope not in ("worker", "crawl"):
        raise SettingError("POLITENESS_SCOPE", f"{scope!r} is not 'worker' or 'crawl'")
    politeness_class = SharedPoliteness if scope == "crawl" and shared else Politeness
    return politeness_class.from_settings(settings, spider)


def build_cookies(settings: Settings, *, stored: bool) -> SharedCookies | None:
    """Return the cookies that belong to the crawl; None if the process keeps its own (COOKIES_SCOPE)."""
    return SharedCookies() if stored and settings["COOKIES_SCOPE"] == "crawl" else None


async def build_scheduler(
    context: CrawlContext,
    choice: FrontierChoice,
    politeness: Politeness,
    feeds: Feeds | None = None,
) -> Frontier:
    """Build the frontier of these classes, with these limits; it commits, writes and closes the feeds."""
    fingerprint = await build_fingerprint(context)
    if choice.scheduler_class is not None:
        scheduler = await build_one(choice.scheduler_class, "SCHEDULER", context)
        await open_scheduler(scheduler, context)
        return ForeignScheduler(context, politeness, scheduler, feeds)
    dupefilter = await build_one(choice.filter_class, "DUPEFILTER_CLASS", context)
    if is_foreign(choice.filter_class):
        dupefilter, fingerprint = opened(dupefilter, context), itself
    if issubclass(choice.queue_class, MemoryQueue):
        return MemoryScheduler(context, politeness, fingerprint, choice.queue_class(), dupefilter, feeds)
    store = await build_one(choice.queue_class, "SCHEDULER_QUEUE_CLASS", context)
    return SharedScheduler(context, politeness, fingerprint, store, dupefilter, feeds)


async def build_fingerprint(context: CrawlContext) -> Callable[[Request], bytes]:
    """Return the function from a request to the 16 bytes by which the filter knows it.

    Its object is `context.request_fingerprinter`.

    Raises:
        SettingError: REQUEST_FINGERPRINTER_CLASS, or a rule that it reads, can't be used.
    """
    setting = "REQUEST_FINGERPRINTER_CLASS"
    path = context.settings[setting]
    if context.request_fingerprinter is None:
        context.request_fingerprinter = await build_one(path or RequestFingerprinter, setting, context)
    return fingerprint_function(context.request_fingerprinter, setting)


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__name__}"
