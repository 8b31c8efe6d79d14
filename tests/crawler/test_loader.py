"""Item loaders, with the processors of the library itemloaders."""

from typing import Any

from itemadapter import ItemAdapter
from itemloaders.processors import Join, MapCompose, TakeFirst

from aioscrapy.http import HtmlResponse, Response
from aioscrapy.item import Field, Item
from aioscrapy.loader import ItemLoader


class Product(Item):
    name = Field(input_processor=MapCompose(str.strip), output_processor=TakeFirst())
    tags = Field(output_processor=Join(", "))
    url = Field()


class ProductLoader(ItemLoader):
    default_item_class = Product

    def price_in(self, values: Any) -> Any:
        return [float(value.strip("$")) for value in values]


PAGE = HtmlResponse(
    "http://site.test/", body="<h1> Lamp </h1><i>a</i><i>b</i><div><b>in</b></div>", encoding="utf-8"
)


def test_a_loader_fills_an_item_by_queries_and_processors() -> None:
    loader = ProductLoader(response=PAGE)
    loader.add_css("name", "h1::text")
    loader.add_xpath("tags", "//i/text()")
    loader.nested_css("div").add_css("tags", "b::text")
    loader.add_value("url", PAGE.url)
    item = loader.load_item()
    assert type(item) is Product
    assert item == {"name": "Lamp", "tags": "a, b, in", "url": ["http://site.test/"]}
    assert loader.context["response"] is PAGE


def test_the_default_item_is_ours_and_a_dict_may_be_filled() -> None:
    assert type(ItemLoader().load_item()) is Item
    loader = ItemLoader(item={}, selector=PAGE.selector)
    loader.add_css("name", "h1::text")
    assert loader.load_item() == {"name": [" Lamp "]}


def test_a_response_that_is_not_text_has_no_selector() -> None:
    loader = ItemLoader(item={}, response=Response("http://site.test/", body=b"\x00"))
    loader.add_value("size", 1)
    assert loader.load_item() == {"size": [1]}


def test_itemadapter_knows_declared_fields() -> None:
    adapter = ItemAdapter(Product(name="x"))
    assert list(adapter.field_names()) == ["name", "tags", "url"]
    assert "output_processor" in adapter.get_field_meta("name")
    assert adapter.asdict() == {"name": "x"}
