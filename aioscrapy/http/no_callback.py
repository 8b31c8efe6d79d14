"""The callback of requests whose response goes to the component that sends them."""

from typing import Any, NoReturn


def NO_CALLBACK(*args: Any, **kwargs: Any) -> NoReturn:  # noqa: N802 Scrapy's name
    """Mark a request of a component, whose response no callback gets.

    Raises:
        RuntimeError: always: nothing calls it.
    """
    raise RuntimeError("NO_CALLBACK has been called: a request with it must not go to the scheduler")
