"""The callback of requests that a component downloads itself."""

from typing import Any


def NO_CALLBACK(*args: Any, **kwargs: Any) -> Any:  # noqa: N802 Scrapy's name
    """Mark a request whose response goes to the component that downloads it; never called.

    Raises:
        RuntimeError: the request went into a crawl.
    """
    raise RuntimeError(
        "a request with NO_CALLBACK went into the crawl: download it with crawler.engine.download"
    )
