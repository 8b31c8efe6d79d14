"""A queue by host: it returns the most urgent request of a free host."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


class HostQueue(Generic[T]):
    """Values with a host and a unique sort key; the smallest key of a free host leaves first.

    A busy host is set aside until `release`, so that a thousand requests that wait for one slow host
    don't delay the others. push and pop are O(log n).
    """

    def __init__(self) -> None:
        self._queues: dict[str, list[tuple[int, T]]] = {}  # host -> heap
        self._heads: list[tuple[int, str]] = []  # heap of the hosts that may be free; some heads are stale
        self._busy: set[str] = set()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def push(self, host: str, key: int, value: T) -> None:
        """Add a value."""
        queue = self._queues.get(host)
        if queue is None:
            queue = self._queues[host] = []
        heappush(queue, (key, value))
        self._size += 1
        if queue[0][0] == key and host not in self._busy:
            heappush(self._heads, (key, host))

    def pop(self, is_free: Callable[[str], bool]) -> T | None:
        """Take the most urgent value of a free host; None if no host is free."""
        heads = self._heads
        while heads:
            key, host = heads[0]
            queue = self._queues.get(host)
            if queue is None or host in self._busy or queue[0][0] != key:
                heappop(heads)
                continue
            heappop(heads)
            if not is_free(host):
                self._busy.add(host)
                continue
            _, value = heappop(queue)
            self._size -= 1
            if queue:
                heappush(heads, (queue[0][0], host))
            else:
                del self._queues[host]
            return value
        return None

    def release(self, host: str) -> None:
        """Let `pop` ask for this host again."""
        if host in self._busy:
            self._busy.discard(host)
            if queue := self._queues.get(host):
                heappush(self._heads, (queue[0][0], host))

    def busy_hosts(self) -> Iterator[str]:
        """Return the hosts that `pop` has set aside."""
        return iter(self._busy)

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Return every host with the number of its values."""
        return ((host, len(queue)) for host, queue in self._queues.items())

    def drain(self) -> list[T]:
        """Take all values out, in no order."""
        values = [value for queue in self._queues.values() for _, value in queue]
        self._queues.clear()
        self._heads.clear()
        self._busy.clear()
        self._size = 0
        return values
