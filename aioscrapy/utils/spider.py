"""Spider classes of a module, of a request; the output of a callback."""

import inspect
import logging
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from aioscrapy.spiders import Spider
from aioscrapy.utils.misc import arg_to_iter

logger = logging.getLogger(__name__)


def iterate_spider_output(result: Any) -> Any:
    """Return the output of a callback as an iterable; an async generator and a coroutine stay async."""
    if inspect.isasyncgen(result):
        return result
    if inspect.iscoroutine(result):
        return _awaited(result)
    return arg_to_iter(result)


async def _awaited(result: Any) -> Any:
    return iterate_spider_output(await result)


def iter_spider_classes(module: ModuleType) -> Iterator[type[Spider]]:
    """Yield the spider classes that are defined in a module and have a name."""
    for value in vars(module).values():
        is_spider = inspect.isclass(value) and issubclass(value, Spider)
        if is_spider and value.__module__ == module.__name__ and getattr(value, "name", None):
            yield value


def spidercls_for_request(
    spider_loader: Any,
    request: Any,
    default_spidercls: type[Spider] | None = None,
    log_none: bool = False,
    log_multiple: bool = False,
) -> type[Spider] | None:
    """Return the one spider class that handles a request; the default if there is none or several."""
    names: Iterable[str] = spider_loader.find_by_request(request)
    names = list(names)
    if len(names) == 1:
        found: type[Spider] = spider_loader.load(names[0])
        return found
    if names and log_multiple:
        logger.error("More than one spider can handle: %s - %s", request, ", ".join(names))
    if not names and log_none:
        logger.error("Unable to find spider that handles: %s", request)
    return default_spidercls


class DefaultSpider(Spider):
    """The spider of requests that belong to no spider of the project."""

    name = "default"
