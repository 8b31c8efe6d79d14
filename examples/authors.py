"""Dataclass items, a pipeline, arguments for a callback: aioscrapy runspider authors.py -o authors.csv"""

from dataclasses import dataclass

from aioscrapy import Spider
from aioscrapy.exceptions import DropItem


@dataclass
class Author:
    name: str
    born: int
    trade: str
    found_on: str


class BornSince1900Pipeline:
    def process_item(self, item, spider):
        if item.born < 1900:
            raise DropItem(f"{item.name} was born in {item.born}")
        return item


class AuthorsSpider(Spider):
    name = "authors"
    start_urls = ["http://localhost:8000/"]
    custom_settings = {"ITEM_PIPELINES": {BornSince1900Pipeline: 300}, "CONCURRENT_REQUESTS": 4}

    async def parse(self, response):
        title = response.css("title::text").get()
        for link in response.css("a.author"):
            # many quotes link to one author; the duplicate filter fetches the page once
            yield response.follow(link, callback=self.parse_author, cb_kwargs={"found_on": title})
        for request in response.follow_all(css="a.next", callback=self.parse):
            yield request

    async def parse_author(self, response, found_on):
        yield Author(
            name=response.css("h1::text").get(),
            born=int(response.css(".born::text").get()),
            trade=response.css(".trade::text").get(),
            found_on=found_on,
        )
