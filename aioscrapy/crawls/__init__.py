"""Read, stop, retry and delete the crawls in a Redis; needs redis-py and msgpack, but not the crawler."""
