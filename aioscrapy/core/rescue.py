"""The hooks of spider middlewares for exceptions, in Scrapy's order."""

from collections.abc import Sequence
from inspect import CO_ASYNC_GENERATOR
from traceback import walk_tb
from types import FrameType
from typing import Any, NamedTuple

from aioscrapy.contracts import SpiderMiddleware
from aioscrapy.core.callback_output import piped, stream_of
from aioscrapy.hooks import Hook, hooks, settle
from aioscrapy.http.response import Response


class _Step(NamedTuple):
    """A middleware with its hook for exceptions and its hook for the output; [] for none."""

    middleware: Any
    on_exception: Sequence[Hook]
    on_output: Sequence[Hook]


class Rescue:
    """Asks the middlewares after the place of an error for an output instead of it.

    Args:
        middlewares: from the spider to the engine.
        spider: the spider.
    """

    def __init__(self, middlewares: Sequence[Any], spider: Any) -> None:
        self._steps = [
            _Step(
                middleware,
                hooks([middleware], SpiderMiddleware.process_spider_exception, spider),
                piped([middleware], SpiderMiddleware.process_spider_output, spider),
            )
            for middleware in middlewares
        ]

    async def output(self, exc: BaseException, response: Response | None) -> Any:
        """Return the stream that replaces an error, through the middlewares after; None if none does."""
        begin = self._place(exc) + 1
        for place, step in enumerate(self._steps[begin:], begin):
            for hook in step.on_exception:
                if (output := await settle(hook(response, exc))) is not None:
                    return self._passed(stream_of(output), response, place + 1)
        return None

    def _passed(self, stream: Any, response: Response | None, begin: int) -> Any:
        for step in self._steps[begin:]:
            for hook in step.on_output:
                stream = stream_of(hook(response, stream))
        return stream

    def _place(self, exc: BaseException) -> int:
        """Return the place of the middleware whose hook for the output raised; -1 for the callback.

        The traceback has all hooks that the error passed; the innermost one raised it, unless a stream
        follows: that of the callback.
        """
        place = -1
        for frame, _ in walk_tb(exc.__traceback__):
            owner = self._owner(frame)
            if owner >= 0:
                place = owner
            elif frame.f_code.co_flags & CO_ASYNC_GENERATOR:
                place = -1
        return place

    def _owner(self, frame: FrameType) -> int:
        """Return the place of the middleware whose hook for the output runs in a frame; -1 for none."""
        code = frame.f_code
        if not (code.co_argcount and code.co_name.startswith("process_spider_output")):
            return -1
        owner = frame.f_locals.get(code.co_varnames[0])
        return next((place for place, step in enumerate(self._steps) if step.middleware is owner), -1)
