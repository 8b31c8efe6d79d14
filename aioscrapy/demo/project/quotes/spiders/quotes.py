"""Crawl the demo site: quotes, authors and tags."""

from typing import Any

from aioscrapy import Spider


class QuotesSpider(Spider):
    """Crawls the demo site. All jobs of this spider share one queue; `-a site=URL` sets the site."""

    name = "quotes"

    def __init__(self, site: str = "http://localhost:8000/", **arguments: Any) -> None:
        super().__init__(**arguments)
        self.start_urls = [site]

    async def parse(self, response: Any) -> Any:
        """Follow the links of a list of quotes: quotes, authors, tags, the next list."""
        for link in response.css("a.quote"):
            yield response.follow(link, callback=self.parse_quote)
        for link in response.css("a.author"):
            yield response.follow(link, callback=self.parse_author)
        for link in response.css(".tags a, a.next"):
            yield response.follow(link, callback=self.parse)

    async def parse_quote(self, response: Any) -> Any:
        """Yield one quote."""
        yield {
            "kind": "quote",
            "text": response.css(".quote::text").get(),
            "author": response.css(".author::text").get(),
            "tags": response.css(".tag::text").getall(),
            "url": response.url,
        }

    async def parse_author(self, response: Any) -> Any:
        """Yield one author."""
        yield {
            "kind": "author",
            "name": response.css("h1::text").get(),
            "born": int(response.css(".born::text").get()),
            "trade": response.css(".trade::text").get(),
            "url": response.url,
        }
