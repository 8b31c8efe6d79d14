"""Lua scripts: called by SHA, sent in full if the server does not know them."""

import asyncio
from collections.abc import Coroutine, Sequence
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError


class Script:
    """A script that is called by its SHA, and sent in full if the server does not know it."""

    def __init__(self, source: str) -> None:
        import hashlib

        self._source = source
        self._sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Any, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run the script; one round trip."""
        try:
            return await redis.evalsha(self._sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await redis.eval(self._source, len(keys), *keys, *arguments)


async def cancellable(call: Coroutine[Any, Any, Any]) -> Any:
    """Await a call of redis-py, in which Python 3.11's wait_for may swallow a cancellation (gh-81839).

    Raises:
        asyncio.CancelledError: the task was cancelled during the call, or before, and the cancellation was
        not delivered yet.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    if before:  # was it delivered? That can't be read, but a turn of the loop delivers it
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            call.close()
            raise
    try:
        return await call
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


def lua(*names: str) -> str:
    """Return the joined sources of scripts of this package."""
    return "".join((files("aioscrapy.crawls") / name).read_text("utf-8") for name in names)
