"""The lists of a crawl's feeds: each holds the items that are committed and not yet in the file."""

from typing import Any

from aioscrapy.crawls.keys import crawl_key, feed_suffix


async def feed_keys(redis: Any, tag: str, crawl_id: str) -> list[str]:
    """Return the names of these lists; one round trip."""
    fields = await redis.hkeys(crawl_key(tag, crawl_id, "feeds"))
    numbers = {int(field.partition(b".")[0]) for field in fields}
    return [crawl_key(tag, crawl_id, feed_suffix(number)) for number in sorted(numbers)]
