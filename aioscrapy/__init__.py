"""The public face of the crawler: what a spider imports.

Names load on first use, so that `aioscrapy list` and the runner need not import what they don't use.
"""

from importlib import import_module

from aioscrapy.doors import finder

TYPE_CHECKING = False  # for type checkers, as that of typing, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any

    from aioscrapy import signals
    from aioscrapy.context import CrawlContext
    from aioscrapy.crawler import Crawler
    from aioscrapy.db import db_manager
    from aioscrapy.exceptions import CloseSpider, DropItem, IgnoreRequest, NotConfigured
    from aioscrapy.http import FormRequest, HtmlResponse, JsonRequest, Request, Response, TextResponse
    from aioscrapy.http.headers import Headers
    from aioscrapy.item import Field, Item
    from aioscrapy.log import logger
    from aioscrapy.process import CrawlerProcess
    from aioscrapy.selector import Selector, SelectorList
    from aioscrapy.settings import Settings
    from aioscrapy.spiders import Spider
    from aioscrapy.version import __version__

__all__ = [
    "CloseSpider",
    "CrawlContext",
    "Crawler",
    "CrawlerProcess",
    "DropItem",
    "Field",
    "FormRequest",
    "Headers",
    "HtmlResponse",
    "IgnoreRequest",
    "Item",
    "JsonRequest",
    "NotConfigured",
    "Request",
    "Response",
    "Selector",
    "SelectorList",
    "Settings",
    "Spider",
    "TextResponse",
    "__version__",
    "db_manager",
    "logger",
    "signals",
]

finder.install()

_HOMES = {
    "CloseSpider": "exceptions",
    "CrawlContext": "context",
    "Crawler": "crawler",
    "CrawlerProcess": "process",
    "DropItem": "exceptions",
    "Field": "item",
    "FormRequest": "http",
    "Headers": "http.headers",
    "HtmlResponse": "http",
    "IgnoreRequest": "exceptions",
    "Item": "item",
    "JsonRequest": "http",
    "NotConfigured": "exceptions",
    "Request": "http",
    "Response": "http",
    "Selector": "selector",
    "SelectorList": "selector",
    "Settings": "settings",
    "Spider": "spiders",
    "TextResponse": "http",
    "__version__": "version",
    "db_manager": "db",
    "logger": "log",
    "version_info": "version",
}


def __getattr__(name: str) -> "Any":
    if name == "signals":
        return import_module("aioscrapy.signals")
    home = _HOMES.get(name)
    if home is None:
        return finder.submodule(name)
    value = getattr(import_module(f"aioscrapy.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
