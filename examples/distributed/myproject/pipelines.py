# myproject/pipelines.py

from aioscrapy.db import db_manager

class RedisPipeline:
    def __init__(self):
        self.redis = None
    
    async def open_spider(self, spider):
        self.redis = db_manager.redis('queue')
    
    # 将爬取结果存储在Redis中 | Store crawling results in Redis
    async def process_item(self, item, spider):
        await self.redis.lpush('items', str(item))
        return item
