"""One async stream of outputs, whatever a callback, a hook or `start` returned."""

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from functools import cache
from types import CodeType
from typing import Any, Concatenate, ParamSpec

from aioscrapy.exceptions import NotSupported
from aioscrapy.hooks import Hook, hooks, settle
from aioscrapy.http.request import Request
from aioscrapy.items import is_item, is_running
from aioscrapy.log import logger
from aioscrapy.queue.base import Page

P = ParamSpec("P")


def piped(
    middlewares: Iterable[object], contract: Callable[Concatenate[Any, P], Any], spider: object
) -> list[Callable[P, Any]]:
    """Return hooks that take a stream as their last argument and return one; plain ones get a list."""
    pipes = []
    for middleware in middlewares:
        name, own = contract.__name__, hooks([middleware], contract, spider)
        if not own and (own := hooks([middleware], contract, spider, "_async")):
            name += "_async"
        for hook in own:
            method = getattr(middleware, name)
            if inspect.isasyncgenfunction(method):
                pipes.append(hook)
            elif inspect.iscoroutinefunction(method):
                pipes.append(_returning(hook, method.__qualname__))
            else:
                pipes.append(_collecting(hook, getattr(method, "__qualname__", name)))
    return pipes


def _returning(hook: Hook, name: str) -> Hook:
    async def required(*args: Any) -> Any:
        return _required(await settle(hook(*args)), name)

    return required


def _collecting(hook: Hook, name: str) -> Hook:
    async def collect(*args: Any) -> AsyncIterator[Any]:
        *before, stream = args
        outputs: list[Any] = []
        problem: Exception | None = None
        try:
            async for output in stream:
                outputs.append(output)  # noqa: PERF401 those before an error count
        except Exception as exc:  # noqa: BLE001 raised below
            problem = exc
        async for output in _outputs(_required(hook(*before, outputs), name)):
            yield output
        if problem is not None:
            raise problem

    return collect


def stream_of(result: Any) -> Any:
    """Return one async generator of whatever a callback returned."""
    return result if inspect.isasyncgen(result) else _outputs(result)


def line_of(stream: Any) -> str:
    """Return where a callback's generator stands, as " (FILE:LINE, in NAME)"; "" where that is not known."""
    frame = getattr(stream, "ag_frame", None)
    if frame is not None and frame.f_code is _outputs.__code__:
        result = frame.f_locals.get("result")
        frame = getattr(result, "gi_frame", None) or getattr(result, "ag_frame", None)
    if frame is None:
        return ""
    return f" ({frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name})"


def start_of(spider: Any) -> Any:
    """Return the start requests: of `start` (Scrapy 2.13), or of `start_requests`, which `start` calls.

    Raises:
        TypeError: the method returned nothing; an async one raises it when it is awaited.
    """
    start = inspect.getattr_static(type(spider), "start", None)
    name = "start_requests" if start is None or isinstance(start, classmethod) else "start"
    requests = getattr(spider, name)()
    return _awaited(requests, name) if inspect.isawaitable(requests) else _required(requests, name)


async def _awaited(requests: Any, name: str) -> Any:
    return _required(await settle(requests), name)


def _required(requests: Any, name: str) -> Any:
    if requests is None:
        raise TypeError(f"{name} returned None: is `yield` or `return` missing?")
    return requests


async def _outputs(result: Any) -> AsyncIterator[Any]:
    """Yield what a callback returned: nothing, one output, or those of an iterable; awaited if need be."""
    if inspect.isawaitable(result):
        result = await settle(result)
    if isinstance(result, AsyncIterable):
        async for output in result:
            yield output
    elif _is_many(result):
        for output in _yielded(result) if inspect.isgenerator(result) else result:
            yield output
    elif result is not None:
        yield result


def _yielded(generator: Any) -> Iterator[Any]:
    """Yield what a generator yields; warn of a value that it returns, because nobody gets it."""
    returned = yield from generator
    if returned is not None:
        _warn_of_returned(generator.__qualname__, generator.gi_code)


@cache  # once for each function
def _warn_of_returned(name: str, code: CodeType) -> None:
    place = f"{code.co_filename}:{code.co_firstlineno}"
    logger.warning("What %s returns beside its yields is lost: yield it (%s)", name, place)


def refuse_item(item: Any, source: object) -> None:
    """Let only objects pass that may be an item.

    Raises:
        TypeError: it is a text, a number, or a generator or coroutine that nobody has run.
    """
    kind = f"got {type(item).__name__} in {source}"
    if isinstance(item, (str, bytes, int, float)):
        raise TypeError(f"Spider must yield requests or items, {kind}")
    if is_running(item):
        raise TypeError(f"Spider must yield requests or items, {kind}: is `yield from` or `await` missing?")


def _is_many(result: Any) -> bool:
    """Return True for an iterable of outputs, False for one output."""
    if isinstance(result, (Iterator, list, tuple)):
        return True  # `is_item` imports the libraries of items, which takes up to half a second
    return (
        isinstance(result, Iterable)
        and not isinstance(result, (dict, str, bytes, Request))
        and not is_item(result)
    )


def refuse_local_file(request: Request, page: Page) -> None:
    """Let only the start requests name a file of this machine: no page of the web may make a crawl read one.

    Raises:
        NotSupported: a callback or an errback yields such a request.
    """
    is_start = page.lease is None or page.lease.request is None
    if not is_start and request.url[:5].lower() == "file:":
        raise NotSupported(f"{request.url}: file: URLs are for start requests, not for links of a page")


def page_piece(page: Page) -> Page:
    """Move the output of a page so far to a piece that is committed before the page is done."""
    piece = Page(page.lease, page.entries, page.items, page.packed_items, page.records, final=False)
    page.entries, page.items, page.packed_items, page.records = [], [], [], []
    return piece
