"""The reference: a hand-written loop with aiohttp, uvloop, a deque, a set and parsel."""

import asyncio
import collections
import json
import sys
from urllib.parse import urljoin

import aiohttp
import uvloop
from figures import first_request, print_figures
from item import item_of
from parsel import Selector


async def crawl(start: str, out: str, concurrency: int) -> None:
    queue, seen, active = collections.deque([start]), {start}, 0
    changed = asyncio.Condition()
    with open(out, "w") as file:  # noqa: ASYNC230, PTH123 as a hand-written loop does
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

            async def work() -> None:
                nonlocal active
                while True:
                    async with changed:
                        while not queue and active:
                            await changed.wait()
                        if not queue:
                            changed.notify_all()
                            return
                        url = queue.popleft()
                        active += 1
                    first_request()
                    async with session.get(url) as response:
                        text = await response.text()
                    selector = Selector(text)
                    file.write(json.dumps(item_of(url, selector)) + "\n")
                    for href in selector.css("a::attr(href)").getall():
                        link = urljoin(url, href)
                        if link not in seen:
                            seen.add(link)
                            queue.append(link)
                    async with changed:
                        active -= 1
                        changed.notify_all()

            await asyncio.gather(*(work() for _ in range(concurrency)))


if __name__ == "__main__":
    uvloop.run(crawl(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    print_figures()
