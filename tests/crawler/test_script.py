"""Calls of Redis that are cancelled: a cancellation is never lost in redis-py."""

import asyncio
from collections.abc import Callable

import pytest

from aioscrapy.crawls.script import cancellable


async def swallowing() -> str:
    """As a call of redis-py whose answer comes at the same moment as the cancellation."""
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        return "swallowed"
    return "answer"


async def outcome(before: Callable[[], None] | None = None) -> asyncio.Task[str]:
    """Return the task of a call, before which that was done in it; it has ended."""

    async def work() -> str:
        if before is not None:
            before()
        return str(await cancellable(swallowing()))

    task = asyncio.create_task(work())
    if before is None:
        asyncio.get_running_loop().call_soon(task.cancel)
    await asyncio.wait([task])
    return task


def cancel_oneself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


async def test_a_cancellation_during_the_call_is_raised() -> None:
    assert (await outcome()).cancelled()


async def test_a_cancellation_before_the_call_is_raised() -> None:
    assert (await outcome(cancel_oneself)).cancelled()


async def test_who_cleans_up_after_a_cancellation_may_call() -> None:
    answers = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            answers.append(await cancellable(swallowing()))

    task = asyncio.create_task(work())
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert answers == ["answer"]
