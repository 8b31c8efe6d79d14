# myproject/spiders/distributed.py

from aioscrapy import Spider, Request

class DistributedSpider(Spider):
    name = 'distributed'
    start_urls = ['http://localhost:8000/']
    
    # 处理响应 | Process the response
    async def parse(self, response):
        yield {
            'url': response.url, 
            'title': response.css('title::text').get()
        }
        
        # 添加新请求到队列 | Add new requests to the queue
        for href in response.css('a::attr(href)'):
            yield Request(response.urljoin(href), callback=self.parse)
