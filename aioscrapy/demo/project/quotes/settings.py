"""Settings of this project: all jobs share one queue, one filter and one list of items in Redis."""

BOT_NAME = "quotes"
SPIDER_MODULES = ["quotes.spiders"]
NEWSPIDER_MODULE = "quotes.spiders"

REDIS_ARGS = {"queue": {"url": "redis://localhost:6379/0"}}
SCHEDULER_QUEUE_CLASS = "aioscrapy.queue.redis.SpiderPriorityQueue"
DUPEFILTER_CLASS = "aioscrapy.dupefilters.redis.RedisRFPDupeFilter"
ITEMS_IN_REDIS = True

CONCURRENT_REQUESTS = 4
LOGSTATS_INTERVAL = 1.0
