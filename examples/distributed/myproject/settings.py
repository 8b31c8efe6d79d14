# myproject/settings.py
# 基本设置 | Basic settings

BOT_NAME = 'myproject'
SPIDER_MODULES = ['myproject.spiders']
NEWSPIDER_MODULE = 'myproject.spiders'

# 并发设置 | Concurrency settings
CONCURRENT_REQUESTS = 32
CONCURRENT_REQUESTS_PER_DOMAIN = 16
# DOWNLOAD_DELAY = 0.5
# RANDOMIZE_DOWNLOAD_DELAY = True

# 分布式设置 | Distributed settings
SCHEDULER_QUEUE_CLASS = 'aioscrapy.queue.redis.SpiderPriorityQueue'
DUPEFILTER_CLASS = 'aioscrapy.dupefilters.redis.RedisBloomDupeFilter'
SCHEDULER_FLUSH_ON_START = False

# Redis设置 | Redis settings
REDIS_ARGS = {
    'queue': {
        'url': 'redis://localhost:6379/0',
        'max_connections': 10,
        'timeout': 30,
    }
}

# 布隆过滤器设置 | Bloom filter settings
BLOOMFILTER_BIT = 30
BLOOMFILTER_HASH_NUMBER = 6

# 管道设置 | Pipeline settings
ITEM_PIPELINES = {
    'myproject.pipelines.RedisPipeline': 300,
}
