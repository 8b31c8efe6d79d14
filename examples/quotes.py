"""One file, no project: aioscrapy runspider quotes.py -o quotes.jl"""

from aioscrapy import Spider


class QuotesSpider(Spider):
    name = "quotes"
    start_urls = ["http://localhost:8000/"]

    async def parse(self, response):
        for quote in response.css("blockquote"):
            yield {"text": quote.css(".quote::text").get(), "author": quote.css(".author::text").get()}
        for request in response.follow_all(css="a.next", callback=self.parse):
            yield request


if __name__ == "__main__":
    QuotesSpider.start()
