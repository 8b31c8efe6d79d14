"""Leases that begin later: their turn at a host that the workers share has not come."""

import asyncio
from collections.abc import Callable

from aioscrapy.queue.base import Lease


class LeaseTimers:
    """Holds leases until their time, then passes each to `begin`."""

    def __init__(self, begin: Callable[[Lease], None]) -> None:
        self._begin = begin
        self._timers: dict[Lease, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._timers)

    def add(self, lease: Lease) -> None:
        """Hold a lease for its `start_s` seconds."""
        self._timers[lease] = asyncio.get_running_loop().call_later(lease.start_s, self._ring, lease)

    def drain(self) -> list[Lease]:
        """Stop all timers and return their leases."""
        timers, self._timers = self._timers, {}
        for timer in timers.values():
            timer.cancel()
        return list(timers)

    def _ring(self, lease: Lease) -> None:
        del self._timers[lease]
        self._begin(lease)
