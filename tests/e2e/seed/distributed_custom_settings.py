from aioscrapy import Spider, Request

class DistributedSpider(Spider):
    name = 'distributed'
    start_urls = ['https://example.com']
    
    custom_settings = {
        'SCHEDULER_QUEUE_CLASS': 'aioscrapy.queue.redis.SpiderPriorityQueue',
        'DUPEFILTER_CLASS': 'aioscrapy.dupefilters.redis.RedisBloomDupeFilter',
        'SCHEDULER_FLUSH_ON_START': False,
        'REDIS_ARGS': {
            'queue': {
                'url': 'redis://localhost:6379/0',
            }
        },
        'BLOOMFILTER_BIT': 30,
        'BLOOMFILTER_HASH_NUMBER': 6,
    }
    
    # 处理响应 | Process the response
    async def parse(self, response):
        yield {'url': response.url, 'title': response.css('title::text').get()}
        
        # 添加新请求到队列 | Add new requests to the queue
        for href in response.css('a::attr(href)'):
            yield Request(response.urljoin(href), callback=self.parse)
