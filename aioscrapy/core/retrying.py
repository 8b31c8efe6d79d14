"""Calls of the frontier's store, repeated until it answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aioscrapy.exceptions import QueueError, StoreError
from aioscrapy.log import logger

FIRST_RETRY_S = 0.1  # seconds before the second attempt; doubled each time
LAST_RETRY_S = 5.0  # the longest time between two attempts, in seconds


async def until_answered(call: Callable[[], Awaitable[None]]) -> None:
    """Await `call()` until it does not raise QueueError any more.

    Raises:
        StoreError: waiting does not help.
    """
    delay_s, since = FIRST_RETRY_S, 0.0
    while True:
        try:
            await call()
        except StoreError:
            raise
        except QueueError as exc:
            since = since or time.monotonic()
            logger.warning("Waiting for the frontier (%.0f s): %s", time.monotonic() - since, exc)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, LAST_RETRY_S)
            continue
        if since:
            logger.info("The frontier is back after %.1f s", time.monotonic() - since)
        return
