"""The interface of scrapy-redis, on the shared frontier; also importable as `scrapy_redis`."""

# The version of scrapy-redis whose interface this is.
__version__ = "0.9.1"
