"""The item that every crawler extracts from a page; with BENCHMARK_ITEM=title only its title."""

import os


def item_of(url, page):
    """Return the item; `page` is a response or a selector with parsel's `css`."""
    if os.environ.get("BENCHMARK_ITEM") == "title":
        return {"url": url, "title": page.css("title::text").get()}
    return {
        "url": url,
        "title": page.css("title::text").get(),
        "heading": page.css("h1::text").get(),
        "text": " ".join(page.css("body > p::text").getall()),
        "facts": page.css("td::text").getall(),
        "teasers": [link.css("a::text").get() for link in page.css("li.link")],
    }
