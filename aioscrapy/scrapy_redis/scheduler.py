"""The name of scrapy-redis's scheduler."""

from typing import Any

from aioscrapy.exceptions import ConfigError


class Scheduler:
    """Stands for the shared frontier, where a setting or an import names it; it is never created.

    Raises:
        ConfigError: a subclass is used as SCHEDULER.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ConfigError(
            "the shared frontier takes the place of scrapy_redis.scheduler.Scheduler and can't be extended "
            "by a subclass (docs/from-scrapy-redis.md)"
        )

    @classmethod
    def from_crawler(cls, crawler: Any) -> Any:
        """Raise ConfigError."""
        return cls()

    from_settings = from_crawler
