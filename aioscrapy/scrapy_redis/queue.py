"""The names of scrapy-redis's queues; the settings that name them choose the order of the shared frontier."""

from aioscrapy.queue.redis import SpiderPriorityQueue, SpiderQueue, SpiderStack

PriorityQueue = SpiderPriorityQueue
FifoQueue = SpiderQueue
LifoQueue = SpiderStack

__all__ = ["FifoQueue", "LifoQueue", "PriorityQueue", "SpiderPriorityQueue", "SpiderQueue", "SpiderStack"]
