"""Items with declared fields."""

import pickle
from copy import copy, deepcopy
from typing import Any

import pytest

import aioscrapy as scrapy
from aioscrapy.items import as_dict, is_item
from support.crawling import SiteSpider, crawl, json_lines
from support.site import Site


class Offer(scrapy.Item):
    title = scrapy.Field()
    price = scrapy.Field(serializer=str)


class Special(Offer):
    until = scrapy.Field()


def test_fields_are_read_and_set_by_key() -> None:
    offer = Offer(title="a", price=3)
    offer["title"] = "b"
    assert (offer["title"], offer.get("price"), offer.get("nothing", 7)) == ("b", 3, 7)
    assert dict(offer) == {"title": "b", "price": 3}
    assert Offer({"title": "a"}) == {"title": "a"}
    assert repr(Offer(title="a")) == "{'title': 'a'}"


def test_a_key_that_is_not_declared_is_refused() -> None:
    with pytest.raises(KeyError, match="Offer does not support field: colour"):
        Offer(colour="red")
    offer = Offer()
    for change in (
        lambda: offer.__setitem__("colour", 1),
        lambda: offer.update(colour=1),
        lambda: offer.setdefault("colour", 1),
        lambda: offer.__ior__({"colour": 1}),
    ):
        with pytest.raises(KeyError, match="colour"):
            change()
    assert offer == {}
    with pytest.raises(KeyError):
        offer["title"]


def test_a_field_is_not_an_attribute() -> None:
    offer = Offer(title="a")
    with pytest.raises(AttributeError, match=r"use item\['title'\]"):
        offer.title  # noqa: B018 to read it is the test
    with pytest.raises(AttributeError, match=r"use item\['title'\]"):
        offer.title = "b"
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        offer.colour  # noqa: B018 to read it is the test


def test_a_subclass_has_the_fields_of_its_bases() -> None:
    assert set(Special.fields) == {"title", "price", "until"}
    assert set(Offer.fields) == {"title", "price"}
    assert Offer.fields["price"] == {"serializer": str}
    assert Special(title="a", until="May") == {"title": "a", "until": "May"}


def test_copies_are_items() -> None:
    offer = Offer(title=["a"])
    for other in (
        offer.copy(),
        copy(offer),
        deepcopy(offer),
        offer.deepcopy(),
        pickle.loads(pickle.dumps(offer)),
    ):
        assert type(other) is Offer
        assert other == offer
    assert offer.copy()["title"] is offer["title"]
    assert offer.deepcopy()["title"] is not offer["title"]


def test_it_is_an_item_for_every_output() -> None:
    assert is_item(Offer())
    assert type(as_dict(Offer(title="a"))) is dict


async def test_it_passes_pipelines_and_feeds(site: Site, tmp_path: Any) -> None:
    class Offers(SiteSpider):
        def parse(self, response: Any) -> Any:
            yield Offer(title="a", price=1)

    class Raise:
        def process_item(self, item: Any) -> Any:
            item["price"] += 1
            return item

    path = tmp_path / "offers.jl"
    settings = {"FEEDS": {str(path): {"format": "jsonlines"}}, "ITEM_PIPELINES": {Raise: 1}}
    crawled = await crawl(Offers, settings, site=site.url)
    assert [type(item) for item in crawled.items] == [Offer]
    assert json_lines(path) == [{"title": "a", "price": "2"}]  # the field declares serializer=str
