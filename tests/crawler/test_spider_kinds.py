"""SitemapSpider, XMLFeedSpider, CSVFeedSpider, InitSpider, and the two meanings of `start`."""

import gzip
import re
from collections.abc import Iterable
from typing import Any

import pytest

from aioscrapy.exceptions import NotSupported
from aioscrapy.http import HtmlResponse, Request, Response, TextResponse, XmlResponse
from aioscrapy.linkextractors import LinkExtractor
from aioscrapy.spiders import (
    CrawlSpider,
    CSVFeedSpider,
    InitSpider,
    Rule,
    SitemapSpider,
    Spider,
    XMLFeedSpider,
)
from aioscrapy.spiders.sitemap_file import Sitemap
from support.context import context
from support.crawling import crawl
from support.site import Site

URLSET = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">
<!-- a comment --><url><loc> http://site.test/item/1 </loc><lastmod>2026-01-01</lastmod>
<xhtml:link rel="alternate" hreflang="de" href="http://site.test/de/item/1"/></url>
<url><loc>http://site.test/shop/2</loc></url><url><loc>http://site.test/other</loc></url><url/>
</urlset>"""
INDEX = b"""<sitemapindex><sitemap><loc>http://site.test/a.xml</loc></sitemap>
<sitemap><loc>http://site.test/b.xml.gz</loc></sitemap></sitemapindex>"""


class Sitemaps(SitemapSpider):
    name = "sitemaps"
    sitemap_urls = ("http://site.test/robots.txt",)
    sitemap_rules = ((re.compile("/item/"), "parse_item"), ("/shop/", "parse_shop"))

    def parse_item(self, response: Any) -> None:
        pass

    def parse_shop(self, response: Any) -> None:
        pass


def pairs(requests: Iterable[Request]) -> list[tuple[str, str]]:
    return [(request.url, request.callback.__name__) for request in requests]  # type: ignore[union-attr]


ITEMS = [("http://site.test/item/1", "parse_item"), ("http://site.test/shop/2", "parse_shop")]


@pytest.mark.parametrize(
    "response",
    [
        XmlResponse("http://site.test/x", body=URLSET),
        TextResponse("http://site.test/a.xml", body=URLSET),
        Response("http://site.test/b.xml.gz", body=gzip.compress(URLSET)),
        Response("http://site.test/b.xml.gz", body=gzip.compress(URLSET)[:-12]),
        XmlResponse("http://site.test/b.xml.gz", body=gzip.compress(URLSET)),
        Response("http://site.test/b.xml.gz", body=URLSET),
    ],
)
def test_a_sitemap_leads_to_the_pages_that_have_a_rule(response: Response) -> None:
    assert pairs(Sitemaps()._parse_sitemap(response)) == ITEMS


def test_the_pages_in_other_languages_follow_on_request() -> None:
    spider = Sitemaps(sitemap_alternate_links=True)
    assert pairs(spider._parse_sitemap(XmlResponse("http://site.test/x", body=URLSET))) == [
        ITEMS[0],
        ("http://site.test/de/item/1", "parse_item"),
        ITEMS[1],
    ]


def test_an_index_and_a_robots_txt_lead_to_sitemaps() -> None:
    class Some(Sitemaps):
        sitemap_follow = (r"a\.xml",)

    requests = Some()._parse_sitemap(XmlResponse("http://site.test/x", body=INDEX))
    assert pairs(requests) == [("http://site.test/a.xml", "_parse_sitemap")]
    robots = b"User-agent: *\nSitemap: http://site.test/a.xml\nsitemap : /b.xml\nsitemap: \xff\n"
    requests = Some()._parse_sitemap(Response("http://site.test/robots.txt", body=robots))
    assert [url for url, _ in pairs(requests)] == ["http://site.test/a.xml", "http://site.test/b.xml"]


def test_entries_can_be_filtered() -> None:
    class Recent(Sitemaps):
        def sitemap_filter(self, entries: Any) -> Any:
            assert entries.type == "urlset"
            return (entry for entry in entries if entry.get("lastmod", "") > "2025")

    response = XmlResponse("http://site.test/x", body=URLSET)
    assert pairs(Recent()._parse_sitemap(response)) == ITEMS[:1]


def test_one_bad_entry_does_not_cost_the_others(caplog: Any) -> None:
    texts = ["http://site.test/item/1", "", "http://[/item/", "/item/2", "mailto:item/", "//site.test/item/3"]
    for name, root in (("url", "urlset"), ("sitemap", "sitemapindex")):
        entries = "".join(f"<{name}><loc>{text}</loc></{name}>" for text in texts)
        response = XmlResponse("http://site.test/a/x", body=f"<{root}>{entries}</{root}>".encode())
        urls = [request.url for request in Sitemaps()._parse_sitemap(response)]
        assert urls == [f"http://site.test/item/{number}" for number in (1, 2, 3)]
        assert response.invalid_links == 1
    assert "is not valid: 'http://[/item/': Invalid IPv6 URL" in caplog.text


def test_sitemaps_of_a_robots_txt_without_comments_and_empty_lines() -> None:
    robots = b"Sitemap: /a.xml # c\nSitemap:\nSitemap: http://[x/\nSitemap: x:y\nSitemap: /b.xml\n"
    requests = Sitemaps()._parse_sitemap(Response("http://site.test/robots.txt", body=robots))
    assert [request.url for request in requests] == ["http://site.test/a.xml", "http://site.test/b.xml"]


def test_a_packed_sitemap_that_unpacks_to_much_is_named_once(caplog: Any) -> None:
    spider = Sitemaps.from_crawler(context({"DOWNLOAD_WARNSIZE": len(URLSET)}))
    packed = gzip.compress(URLSET)
    assert len(packed) < len(URLSET)
    request = Request("http://site.test/x.xml.gz")
    assert pairs(spider._parse_sitemap(Response(request.url, body=packed, request=request))) == ITEMS
    request.meta["download_warnsize"] = len(URLSET) + 1
    assert pairs(spider._parse_sitemap(Response(request.url, body=packed, request=request))) == ITEMS
    text = f"<200 {request.url}> body size after decompression ({len(URLSET)} B) is larger than"
    assert [text in message for message in caplog.messages] == [True]


@pytest.mark.parametrize("body", [b"", b"<html>", b"no xml", b"\x1f\x8b\x08damaged"])
def test_what_is_not_a_sitemap_is_ignored_with_a_warning(body: bytes, caplog: Any) -> None:
    assert list(Sitemaps()._parse_sitemap(TextResponse("http://site.test/x.xml", body=body))) == []
    assert "Ignoring invalid sitemap: <200 http://site.test/x.xml>" in caplog.text


def test_a_large_packed_sitemap_is_read_piece_by_piece() -> None:
    entry = b"<url><loc>http://site.test/item/%d</loc></url>"
    body = gzip.compress(b"<urlset>%s</urlset>" % b"".join(entry % n for n in range(20_000)))
    response = Response("http://site.test/x.xml.gz", body=body)
    assert len(list(Sitemaps()._parse_sitemap(response))) == 20_000
    spider = Sitemaps()
    spider._max_size = 100_000
    requests = spider._parse_sitemap(response)
    assert next(requests).url == "http://site.test/item/0"
    with pytest.raises(Exception, match="more than 100000 bytes"):
        list(requests)


@pytest.mark.parametrize(
    "encode", [str.encode, lambda text: text.encode("utf-16"), lambda text: gzip.compress(text.encode())]
)
def test_a_sitemap_that_is_cut_short_has_no_half_url(encode: Any, caplog: Any) -> None:
    entries = [f"<url><loc>http://site.test/item/{n}</loc></url>" for n in (100, 200, 300)]
    whole = encode(f"<urlset>{''.join(entries)}</urlset>")
    for length in range(len(whole) // 3, len(whole)):
        response = XmlResponse("http://site.test/x.xml", body=whole[:length])
        urls = [request.url for request in Sitemaps()._parse_sitemap(response)]
        assert urls == [f"http://site.test/item/{n}" for n in (100, 200, 300)][: len(urls)]
    caplog.clear()
    ends = {len(entries[0]): 1, len(entries[0]) - len("</url>"): 1, len(entries[0]) - len("0</loc></url>"): 0}
    for end, count in ends.items():
        response = XmlResponse("http://site.test/x.xml", body=f"<urlset>{entries[0][:end]}".encode())
        assert len(list(Sitemaps()._parse_sitemap(response))) == count
    assert (
        caplog.messages == ["The sitemap <200 http://site.test/x.xml> is cut short: URLs may be missing"] * 3
    )


def test_an_entity_of_a_sitemap_is_not_resolved() -> None:
    text = (
        b'<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>a&x;</loc></url></urlset>'
    )
    assert [entry["loc"] for entry in Sitemap(text)] in ([], ["a"])


FEED = b"""<rss xmlns:g="http://base.google.test/ns"><channel><title>t</title>
<item><name>A</name><g:price>1</g:price></item><item><name>B</name><g:price>2</g:price></item></channel></rss>"""


class Feed(XMLFeedSpider):
    name = "feed"
    namespaces = (("g", "http://base.google.test/ns"),)

    def parse_node(self, response: Any, selector: Any) -> Any:
        return {"name": selector.xpath("name/text()").get(), "price": selector.xpath("g:price/text()").get()}


@pytest.mark.parametrize("iterator", ["iternodes", "xml"])
def test_every_element_of_a_feed_is_parsed(iterator: str) -> None:
    response = XmlResponse("http://site.test/feed", body=FEED)
    items = list(Feed(iterator=iterator)._parse(response))
    assert items == [{"name": "A", "price": "1"}, {"name": "B", "price": "2"}]


def test_elements_may_be_named_with_a_prefix() -> None:
    class Prices(Feed):
        itertag = "g:price"

        def parse_node(self, response: Any, selector: Any) -> Any:
            yield {"price": selector.xpath("text()").get()}

    response = XmlResponse("http://site.test/feed", body=FEED)
    assert list(Prices()._parse(response)) == [{"price": "1"}, {"price": "2"}]
    with pytest.raises(NotSupported, match="use 'iternodes', 'xml' or 'html'"):
        Prices(iterator="x")._parse(response)


def test_every_row_of_a_csv_feed_is_parsed(caplog: Any) -> None:
    class Rows(CSVFeedSpider):
        name = "rows"
        delimiter = ";"
        quotechar = "'"

        def process_results(self, response: Any, results: Any) -> Any:
            return [{**result, "of": response.url} for result in results]

        def parse_row(self, response: Any, row: dict[str, str]) -> Any:
            return row

    body = "id;text\n1;'a;b'\n2;too;many\n3;ü\n"
    response = TextResponse("http://site.test/x.csv", body=body, encoding="latin-1")
    rows = list(Rows()._parse(response))
    assert [(row["id"], row["text"]) for row in rows] == [("1", "a;b"), ("3", "ü")]
    assert rows[0]["of"] == response.url
    assert "Row 3 is left out: 3 columns, not 2" in caplog.text
    assert next(iter(Rows(headers=["n", "t"])._parse(response)))["n"] == "id"


async def test_init_spider_visits_a_page_first() -> None:
    class Login(InitSpider):
        name = "login"
        start_urls = ("http://site.test/",)

        def init_request(self) -> Any:
            return Request("http://site.test/login", self.logged_in)

        def logged_in(self, response: Any) -> Any:
            return self.initialized()

    spider = Login()
    assert [request.url async for request in spider.start()] == ["http://site.test/login"]
    assert [request.url for request in spider.logged_in(None)] == ["http://site.test/"]


async def test_a_subclass_may_extend_the_start_in_each_of_its_forms() -> None:
    class Plain(Spider):
        name = "plain"
        start_urls = ("http://site.test/",)

        def start_requests(self) -> Any:
            yield Request("http://site.test/first")
            yield from super().start_requests()

    class Async(Plain):
        async def start_requests(self) -> Any:  # type: ignore[override]  # aio-scrapy's form
            async for request in Spider.start_requests(self):
                yield request

    class Newest(Plain):
        async def start(self) -> Any:  # type: ignore[override]  # Scrapy's form
            async for request in super().start():
                yield request.replace(priority=1)

    class Listed(Plain):
        async def start_requests(self) -> Any:
            return [Request("http://site.test/listed")]

    async def urls(spider: Spider) -> list[str]:
        return [request.url.removeprefix("http://site.test/") async for request in spider.start()]

    assert await urls(Plain()) == ["first", ""]
    assert await urls(Async()) == [""]
    assert await urls(Newest()) == ["first", ""]
    assert await urls(Listed()) == ["listed"]


def test_a_spider_tells_whether_a_request_is_its_own() -> None:
    class Own(Spider):
        name = "own.test"
        allowed_domains = ("site.test",)

    assert Own.handles_request(Request("http://www.site.test/"))
    assert Own.handles_request(Request("http://own.test/"))
    assert not Own.handles_request(Request("http://other.test/"))


def test_a_rule_names_methods_that_exist(caplog: Any) -> None:
    class Ruled(CrawlSpider):
        name = "ruled"
        rules = (Rule(callback="parse_item", errback="absent"),)

    Ruled()
    for method, role in (("parse_item", "callback"), ("absent", "errback")):
        assert f"no method '{method}', which is the {role} of a rule: it is not called" in caplog.text
    for rules, kind, problem in (
        ((Rule(process_links="absent"),), AttributeError, "no method 'absent', which is the process_links"),
        ((LinkExtractor(),), TypeError, "rules of a CrawlSpider are Rule objects"),
    ):
        Ruled.rules = rules  # type: ignore[assignment]  # the test
        with pytest.raises(kind, match=problem):
            Ruled()
    Ruled.rules = Rule(callback="closed")  # type: ignore[assignment]  # one rule is a list of one
    assert len(Ruled()._rules) == 1


def test_html_is_not_a_feed_of_nodes() -> None:
    response = HtmlResponse("http://site.test/", body=b"<p><item><name>A</name></item>")
    assert next(iter(Feed(iterator="html")._parse(response)))["name"] == "A"


async def test_a_start_url_is_fetched_again_where_scrapy_does_so(site: Site) -> None:
    class Rules(CrawlSpider):
        name = "rules"
        rules = (Rule(LinkExtractor(allow=r"/page/[12]$"), callback="parse_page", follow=True),)

        def parse_page(self, response: Any) -> Any:
            yield {"url": response.url}

    start = f"{site.url}/page/1"
    crawled = await crawl(Rules, start_urls=[start])
    assert {item["url"] for item in crawled.items} == {start, f"{site.url}/page/2"}
    assert site.counts()["/page/1"] == 2

    class Plain(Spider):
        name = "plain"
        start_urls = (start,)

        def parse(self, response: Any) -> Any:
            yield response.follow("/page/1")
            yield {"url": response.url}

    assert len((await crawl(Plain)).items) == 1
    assert len((await crawl(Plain, {"FILTER_START_URLS": False})).items) == 2
