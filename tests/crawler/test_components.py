"""From a dotted path to an object: how components are found, made and ordered."""

from typing import Any

import pytest

from aioscrapy import Spider
from aioscrapy.components import build, build_all, load_object
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import CrawlError, NotConfigured, SettingError
from support.context import context


def test_a_path_becomes_what_it_names() -> None:
    assert load_object("aioscrapy.components.build", "X") is build
    assert load_object(build, "X") is build


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("nonsense", "'nonsense' is not a dotted path"),
        ("no_such_package.Class", "can't load 'no_such_package.Class': ModuleNotFoundError"),
        ("aioscrapy.components.NoSuch", "'aioscrapy.components' has no 'NoSuch'"),
        ("", "'' is not a dotted path"),
    ],
)
def test_a_path_that_leads_nowhere_names_its_setting(path: str, problem: str) -> None:
    with pytest.raises(SettingError, match=f"setting X: {problem}") as caught:
        load_object(path, "X")
    assert "\n" not in str(caught.value)


class FromCrawler:
    def __init__(self, made_by: str) -> None:
        self.made_by = made_by

    @classmethod
    def from_crawler(cls, crawler: Any) -> "FromCrawler":
        return cls(f"crawler {crawler.settings['BOT_NAME']}")

    @classmethod
    def from_settings(cls, settings: Any) -> "FromCrawler":
        return cls("settings")


class AsyncFromCrawler(FromCrawler):
    @classmethod
    async def from_crawler(cls, crawler: Any) -> "FromCrawler":  # type: ignore[override]
        return cls("async crawler")


class FromSettings:
    def __init__(self, made_by: str) -> None:
        self.made_by = made_by

    @classmethod
    def from_settings(cls, settings: Any) -> "FromSettings":
        return cls(f"settings {settings['BOT_NAME']}")


class Bare:
    made_by = "nobody"


class Out:
    @classmethod
    def from_crawler(cls, crawler: Any) -> "Out":
        raise NotConfigured("no need")


@pytest.mark.parametrize(
    ("cls", "made_by"),
    [
        (FromCrawler, "crawler bot"),
        (AsyncFromCrawler, "async crawler"),
        (FromSettings, "settings bot"),
        (Bare, "nobody"),
    ],
)
async def test_a_component_is_made_as_it_wants(cls: Any, made_by: str) -> None:
    assert (await build(cls, context({"BOT_NAME": "bot"}))).made_by == made_by


async def test_components_come_in_their_order(caplog: pytest.LogCaptureFixture) -> None:
    made = await build_all("X", {Bare: 500, FromCrawler: "10", Out: 1, FromSettings: 499.5}, context())
    assert [type(each) for each in made] == [FromCrawler, FromSettings, Bare]
    assert "no need" in caplog.text


class Forgetful(Spider):
    name = "forgetful"

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any) -> None:  # type: ignore[override]  # the test
        cls()


class ForgetfulSettings:
    @classmethod
    def from_settings(cls, settings: Any) -> None:
        cls()


async def test_a_component_that_forgets_its_return_is_not_left_out() -> None:
    for cls, method in ((Forgetful, "from_crawler"), (ForgetfulSettings, "from_settings")):
        problem = f"setting X: .*{cls.__name__}.{method} returned None: is `return` missing"
        with pytest.raises(SettingError, match=problem):
            await build_all("X", {cls: 1}, context())
    with pytest.raises(CrawlError, match=r"Forgetful.from_crawler returned None: is `return` missing"):
        await Crawler(Forgetful).crawl()


async def test_an_order_that_is_no_number_is_named() -> None:
    with pytest.raises(SettingError, match="X: an order is not a number"):
        await build_all("X", {Bare: "first"}, context())
