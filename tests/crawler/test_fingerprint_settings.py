"""What makes two requests the same is a matter of settings, or of a class of one's own."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.core.frontier import build_fingerprint
from aioscrapy.exceptions import SettingError
from aioscrapy.http import Request
from aioscrapy.http.fingerprint import RequestFingerprinter
from support.context import context
from support.crawling import Everything, SiteSpider, crawl
from support.site import Site

STORES = {
    "memory": {},
    "set": {"DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.RFPDupeFilter"},
    "bloom": {"DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.BloomDupeFilter"},
}


async def made(**settings: Any) -> Callable[..., bytes]:
    """Return the fingerprint of Request(...) under these settings."""
    fingerprint = await build_fingerprint(context(settings))
    return lambda url, **kwargs: fingerprint(Request(url, **kwargs))


async def test_the_default_is_as_it_was() -> None:
    of = await made()
    for kwargs in ({}, {"method": "POST", "body": b"x"}, {"fingerprint": "7"}):
        content = (
            b"7"
            if "fingerprint" in kwargs
            else b"%s http://a/?b=1&c=2\n%s"
            % (
                kwargs.get("method", "GET").encode(),  # type: ignore[attr-defined]  # a text, or absent
                kwargs.get("body", b""),
            )
        )
        expected = hashlib.blake2b(content, digest_size=16).digest()
        assert of("http://a/?c=2&b=1#d", **kwargs) == expected


async def test_ignored_parameters_make_no_difference() -> None:
    of = await made(FINGERPRINT_IGNORE_PARAMS=["utm_*", "sid", "*[x]"])
    plain = of("http://a/p")
    for query in (
        "?utm_source=1",
        "?utm_=&sid=2&utm_medium",
        "?%75tm_a=1",
        "?sid",
        "?p%5Bx%5D=1",
        "?sid=1#utm_",
    ):
        assert of(f"http://a/p{query}") == plain, query
    assert of("http://a/p?b=1&sid=1&c=2") == of("http://a/p?c=2&b=1")
    others = ["?sidx=1", "?xutm_a=1", "?Sid=1", "?b=utm_a", "/utm_a", "?px"]
    assert len({plain, *(of(f"http://a/p{query}") for query in others)}) == len(others) + 1


@given(
    names=st.lists(st.sampled_from(["a", "utm_x", "b", "utm_", "sid", ""]), max_size=6),
    fragment=st.sampled_from(["", "#f", "#utm_x=1"]),
)
def test_ignoring_is_leaving_out(names: list[str], fragment: str) -> None:
    ignoring = RequestFingerprinter(ignore_params=["utm_*", "sid"])
    pairs = [f"{name}={number}" for number, name in enumerate(names)]
    kept = [pair for pair in pairs if not pair.startswith(("utm_", "sid="))]
    one = Request(f"http://a/?{'&'.join(pairs)}{fragment}")
    other = Request(f"http://a/?{'&'.join(kept)}" if kept or not pairs else "http://a/")
    assert ignoring.fingerprint(one) == RequestFingerprinter().fingerprint(other)


async def test_the_fragment_counts_when_it_is_kept() -> None:
    of = await made(FINGERPRINT_KEEP_FRAGMENT=True, FINGERPRINT_IGNORE_PARAMS="sid")
    assert of("http://a/#/one") != of("http://a/#/two")
    assert of("http://a/?sid=1#/one") == of("http://a/#/one")


async def test_headers_count_when_they_are_named() -> None:
    of = await made(FINGERPRINT_HEADERS="accept-language, X-User")
    en, de = {"Accept-Language": "en"}, {"Accept-Language": "de"}
    assert of("http://a/", headers=en) != of("http://a/", headers=de)
    assert of("http://a/", headers={**en, "Other": "1"}) == of("http://a/", headers=en)


async def test_the_body_counts_unless_it_may_not() -> None:
    of = await made(FINGERPRINT_BODY=False)
    assert of("http://a/", method="POST", body="x") == of("http://a/", method="POST", body="y")
    assert of("http://a/", method="POST", body="x") != of("http://a/", body="x")
    assert (await made())("http://a/", body="x") != of("http://a/", body="x")


class Hexadecimal:
    """A class as for Scrapy: it makes the path count and nothing else, and gives 20 bytes."""

    @classmethod
    def from_crawler(cls, crawler: Any) -> "Hexadecimal":
        return cls()

    def fingerprint(self, request: Request) -> bytes:
        return hashlib.sha1(request.url.partition("?")[0].encode(), usedforsecurity=False).digest()


class Short:
    """Needs nothing to be made, and gives one byte and two."""

    def fingerprint(self, request: Request) -> bytes:
        return b"ab" if "two" in request.url else b"a"


class Sixteen:
    def fingerprint(self, request: Request) -> bytes:
        return b"0123456789abcdef"


class Text:
    def fingerprint(self, request: Request) -> str:
        return request.url


class Nothing:
    pass


class Broken:
    def __init__(self) -> None:
        raise RuntimeError("no key")


class OfOne(RequestFingerprinter):
    """A subclass from before there were settings: it takes no arguments."""

    def __init__(self) -> None:
        super().__init__(include_headers=["X-User"])


async def test_a_class_of_ones_own_may_give_any_length() -> None:
    for cls, one, other in (
        (Hexadecimal, "http://a/?x", "http://b/?x"),
        (Short, "http://a/one", "http://a/two"),
    ):
        of = await made(REQUEST_FINGERPRINTER_CLASS=f"{__name__}.{cls.__name__}")
        assert len(of(one)) == len(of(other)) == 16
        assert of(one) != of(other)
        assert of(one) == of(one)
    assert (await made(REQUEST_FINGERPRINTER_CLASS=Sixteen))("http://a/") == b"0123456789abcdef"
    users = await made(REQUEST_FINGERPRINTER_CLASS=OfOne)
    assert users("http://a/", headers={"X-User": "1"}) != users("http://a/", headers={"X-User": "2"})


async def test_what_is_not_bytes_is_an_error_that_names_the_class() -> None:
    of = await made(REQUEST_FINGERPRINTER_CLASS=Text)
    with pytest.raises(TypeError, match=r"Text\.fingerprint returned str, not bytes"):
        of("http://a/")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("FINGERPRINT_IGNORE_PARAMS", 5, "5 is not a list"),
        ("FINGERPRINT_IGNORE_PARAMS", [5], "5 is not a valid name"),
        ("FINGERPRINT_IGNORE_PARAMS", [""], "'' is not a valid name"),
        ("FINGERPRINT_IGNORE_PARAMS", ["a=1"], "'a=1' is not a valid name"),
        ("FINGERPRINT_HEADERS", ["X User"], "'X User' is not a valid name"),
        ("FINGERPRINT_HEADERS", True, "True is not a list"),
        ("FINGERPRINT_KEEP_FRAGMENT", "perhaps", "'perhaps' is neither true nor false"),
        ("FINGERPRINT_BODY", "perhaps", "'perhaps' is neither true nor false"),
        ("REQUEST_FINGERPRINTER_CLASS", "nowhere", "'nowhere' is not a dotted path"),
        ("REQUEST_FINGERPRINTER_CLASS", Nothing, "Nothing has no method fingerprint"),
        ("REQUEST_FINGERPRINTER_CLASS", f"{__name__}.Broken", "Broken can't be built: RuntimeError: no key"),
    ],
)
async def test_a_value_that_can_not_be_used_is_named(name: str, value: Any, problem: str) -> None:
    with pytest.raises(SettingError, match=f"setting {name}: ") as error:
        await made(**{name: value})
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


class Tracked(Everything):
    """Follows every link twice, each time with another trace in it."""

    traces = 0

    def parse(self, response: Any) -> Any:
        yield {"path": self.path_of(response.url).partition("?")[0]}
        for href in response.css("a::attr(href)").getall():
            for _ in range(2):
                Tracked.traces += 1
                yield Request(f"{response.urljoin(href)}?utm_source={Tracked.traces}&sid=x{Tracked.traces}")


def shared(store: str, redis_url: str) -> dict[str, Any]:
    return {**STORES[store], "REDIS_ARGS": {"queue": {"url": redis_url}}}


def paths(site: Site) -> list[str]:
    return sorted(url.removeprefix(site.url) for url in site.urls)


@pytest.mark.parametrize("store", STORES)
async def test_a_page_with_many_traces_is_fetched_once(store: str, site: Site, redis_url: str) -> None:
    rules = {"FINGERPRINT_IGNORE_PARAMS": ["utm_*", "sid"]}
    crawled = await crawl(Tracked, {**shared(store, redis_url), **rules}, site=site.url)
    assert crawled.reason == "finished"
    assert sorted(item["path"] for item in crawled.items) == paths(site)
    assert sum(site.counts().values()) == len(site.urls)


@pytest.mark.parametrize("store", STORES)
async def test_a_crawl_with_a_class_that_gives_20_bytes(store: str, site: Site, redis_url: str) -> None:
    rules = {"REQUEST_FINGERPRINTER_CLASS": f"{__name__}.Hexadecimal"}
    crawled = await crawl(Tracked, {**shared(store, redis_url), **rules}, site=site.url)
    assert sorted(item["path"] for item in crawled.items) == paths(site)
    assert sum(site.counts().values()) == len(site.urls)


@pytest.mark.parametrize("store", STORES)
async def test_a_crawl_with_a_class_that_gives_too_few_bytes(store: str, site: Site, redis_url: str) -> None:
    class Two(SiteSpider):
        paths = ("/page/1?one", "/page/1?two", "/page/2?one")

    crawled = await crawl(
        Two, {**shared(store, redis_url), "REQUEST_FINGERPRINTER_CLASS": Short}, site=site.url
    )
    assert sorted(item["path"] for item in crawled.items) == ["/page/1?one", "/page/1?two"]
