"""A queue by host: the most urgent request whose host may take one now, whatever the others wait for."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


class HostQueue(Generic[T]):
    """Values with a host and a unique sort key; the smallest key of a free host leaves first.

    A busy host is set aside until `release`, so that a thousand waiting requests to one slow host cost
    the others nothing. push and pop are O(log n).
    """

    def __init__(self) -> None:
        self._queues: dict[str, list[tuple[int, T]]] = {}  # host -> heap
        self._heads: list[tuple[int, str]] = []  # heap of the hosts that may be free; may hold stale heads
        self._aside: set[str] = set()
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
        if queue[0][0] == key and host not in self._aside:
            heappush(self._heads, (key, host))

    def pop(self, is_free: Callable[[str], bool]) -> T | None:
        """Take the most urgent value whose host is free; None where there is none."""
        heads = self._heads
        while heads:
            key, host = heads[0]
            queue = self._queues.get(host)
            if queue is None or host in self._aside or queue[0][0] != key:
                heappop(heads)
                continue
            heappop(heads)
            if not is_free(host):
                self._aside.add(host)
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
        """Say that a host may be free again."""
        if host in self._aside:
            self._aside.discard(host)
            if queue := self._queues.get(host):
                heappush(self._heads, (queue[0][0], host))

    def aside(self) -> Iterator[str]:
        """Give the hosts that were found busy."""
        return iter(self._aside)

    def hosts(self) -> Iterator[tuple[str, int]]:
        """Give each host with the number of its values."""
        return ((host, len(queue)) for host, queue in self._queues.items())

    def drain(self) -> list[T]:
        """Take everything out, in no order."""
        values = [value for queue in self._queues.values() for _, value in queue]
        self._queues.clear()
        self._heads.clear()
        self._aside.clear()
        self._size = 0
        return values
