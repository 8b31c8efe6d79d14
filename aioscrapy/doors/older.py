"""Names that components for Scrapy 2.13 import and later versions of it lack, and interfaces of zope."""

from collections.abc import Callable, Sequence
from typing import Any

from zope.interface import Interface
from zope.interface.interface import InterfaceClass

IFeedStorage = InterfaceClass("IFeedStorage", (Interface,), __module__=__name__)
"""For `@implementer(IFeedStorage)`; a class in FEED_STORAGES needs the methods alone."""

ISpiderLoader = InterfaceClass("ISpiderLoader", (Interface,), __module__=__name__)
"""For `@implementer(ISpiderLoader)`; a SPIDER_LOADER_CLASS needs the methods alone."""


def build_storage(
    builder: Callable[..., Any],
    uri: str,
    *args: Any,
    feed_options: Any = None,
    preargs: Sequence[Any] = (),
    **kwargs: Any,
) -> Any:
    """Return a storage for a feed: what `builder` returns for these arguments."""
    return builder(*preargs, uri, *args, feed_options=feed_options, **kwargs)
