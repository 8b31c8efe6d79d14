# 在settings.py中设置 | Set in settings.py

# 使用Redis队列 | Use Redis queue
SCHEDULER_QUEUE_CLASS = 'aioscrapy.queue.redis.SpiderPriorityQueue'

# 使用Redis过滤器 | Use Redis filter
DUPEFILTER_CLASS = 'aioscrapy.dupefilters.redis.RedisBloomDupeFilter'
BLOOMFILTER_BIT = 30
BLOOMFILTER_HASH_NUMBER = 6

# 启动时不清空队列，允许多个爬虫实例共享队列 | Don't clear the queue on startup, allowing multiple spider instances to share the queue
SCHEDULER_FLUSH_ON_START = False

# Redis连接设置 | Redis connection settings
REDIS_ARGS = {
    'queue': {
        'url': 'redis://localhost:6379/0',
        'max_connections': 10,
        'timeout': 30,
    }
}

