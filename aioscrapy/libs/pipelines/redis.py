"""RedisPipeline under its path of aio-scrapy."""

from aioscrapy.pipelines.redis import RedisPipeline

__all__ = ["RedisPipeline"]
