"""Requests in the memory of this process, as objects; they end with the process."""

from typing import ClassVar

from aioscrapy.queue.base import Entry, Lease, Order, sort_key
from aioscrapy.queue.hosts import HostQueue


class MemoryQueue:
    """The frontier of a crawl in one process."""

    shared: ClassVar[bool] = False
    order: ClassVar[Order] = Order.PRIORITY
    dupefilter: ClassVar[str] = "aioscrapy.dupefilters.memory.RFPDupeFilter"
    on_disk: ClassVar[str] = "aioscrapy.queue.disk.SpiderPriorityQueue"  # replaces it where JOBDIR is set

    def __init__(self) -> None:
        self.ready: HostQueue[Lease] = HostQueue()
        self._seq = 0

    def push(self, entry: Entry) -> None:
        """Add a request."""
        self._seq = seq = self._seq + 1
        request = entry.request
        lease = Lease(request, seq, 0, entry.host, sort_key(self.order, request.priority, seq))
        self.ready.push(entry.host, lease.key, lease)


class SpiderPriorityQueue(MemoryQueue):
    """Higher priority first; the oldest first among equals."""


class SpiderQueue(MemoryQueue):
    """First in, first out; priorities don't count."""

    order = Order.FIFO
    on_disk = "aioscrapy.queue.disk.SpiderQueue"


class SpiderStack(MemoryQueue):
    """Last in, first out: the crawl goes deep first; priorities don't count."""

    order = Order.LIFO
    on_disk = "aioscrapy.queue.disk.SpiderStack"


MemoryPriorityQueue = SpiderPriorityQueue
MemoryFifoQueue = SpiderQueue
MemoryLifoQueue = SpiderStack
