"""What a script does when a crawl has ended: the callbacks that Scrapy's Deferred of a crawl takes."""

from collections.abc import Callable
from typing import Any, Self

from aioscrapy.failure import as_failure
from aioscrapy.hooks import settle


class Followups:
    """The callbacks of a crawl that CrawlerProcess has planned; they are called in their order.

    A callback gets the result of the one before it, at first None; an errback gets the error. If a callback
    returns another planned crawl, the callbacks after it wait for the end of that crawl.
    """

    _steps: list[tuple[Callable[..., Any] | None, Callable[..., Any] | None]] | None = None

    def addCallbacks(  # noqa: N802 Deferred's name
        self, callback: Callable[..., Any] | None, errback: Callable[..., Any] | None = None
    ) -> Self:
        """Call `callback` at the end of the crawl, or `errback` if the crawl or a callback failed."""
        self._steps = [*(self._steps or ()), (callback, errback)]
        return self

    def addCallback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> Self:  # noqa: N802 Deferred's
        """Call it with the result and these arguments."""
        return self.addCallbacks(_with(callback, args, kwargs))

    def addErrback(self, errback: Callable[..., Any], *args: Any, **kwargs: Any) -> Self:  # noqa: N802 Deferred's
        """Call it with the error and these arguments."""
        return self.addCallbacks(None, _with(errback, args, kwargs))

    def addBoth(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> Self:  # noqa: N802 Deferred's
        """Call it with the result or the error, and these arguments."""
        both = _with(callback, args, kwargs)
        return self.addCallbacks(both, both)

    async def follow_up(self, error: Exception | None) -> Exception | None:
        """Call the callbacks of a crawl that has ended; return the error of one that no errback takes."""
        result: Any = None
        while self._steps:
            (callback, errback), self._steps = self._steps[0], self._steps[1:]
            step, argument = (callback, result) if error is None else (errback, as_failure(error))
            if step is None:
                continue
            try:
                result, error = await settle(step(argument)), None
            except Exception as exc:  # noqa: BLE001 the errbacks of the script handle it
                error = exc
                continue
            if isinstance(result, Exception):  # an errback that returns its failure
                error = result
            elif isinstance(result, Followups) and result is not self:
                result._steps = [*(result._steps or ()), *self._steps]
                self._steps = None
        return error


def _with(call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
    return lambda argument: call(argument, *args, **kwargs)
