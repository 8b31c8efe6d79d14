"""The default values of scrapy-redis that projects import."""

PIPELINE_KEY = "%(spider)s:items"
REDIS_ENCODING = "utf-8"
REDIS_CONCURRENT_REQUESTS = 16
START_URLS_KEY = "%(name)s:start_urls"
