"""Lua scripts: called by SHA, sent whole where the server doesn't know them."""

import asyncio
from collections.abc import Coroutine, Sequence
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError


class Script:
    """A script called by its SHA; sent whole where the server doesn't know it (any more)."""

    def __init__(self, source: str) -> None:
        import hashlib

        self._source = source
        self._sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Any, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        try:
            return await redis.evalsha(self._sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await redis.eval(self._source, len(keys), *keys, *arguments)


async def heard(call: Coroutine[Any, Any, Any]) -> Any:
    """Await a call of redis-py, in which Python 3.11's wait_for may swallow a cancellation (gh-81839).

    Raises:
        asyncio.CancelledError: one came meanwhile, or before and was not delivered yet.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    if before:  # delivered already, or still to be: that can't be seen, but this delivers it
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


def lua(name: str) -> str:
    """Return the source of a script beside this file."""
    return (files("aioscrapy.queue") / name).read_text("utf-8")
