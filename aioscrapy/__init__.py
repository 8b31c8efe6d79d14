"""The public face of the crawler: what a spider imports.

Names load on first use, so that `aioscrapy list` and the runner need not import what they don't use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aioscrapy.crawler import Crawler
    from aioscrapy.http import FormRequest, HtmlResponse, JsonRequest, Request, Response, TextResponse
    from aioscrapy.log import logger
    from aioscrapy.process import CrawlerProcess
    from aioscrapy.selector import Selector
    from aioscrapy.settings import Settings
    from aioscrapy.spiders import Spider
    from aioscrapy.version import __version__

__all__ = [
    "Crawler",
    "CrawlerProcess",
    "FormRequest",
    "HtmlResponse",
    "JsonRequest",
    "Request",
    "Response",
    "Selector",
    "Settings",
    "Spider",
    "TextResponse",
    "__version__",
    "logger",
]

_HOMES = {
    "Crawler": "crawler",
    "CrawlerProcess": "process",
    "FormRequest": "http",
    "HtmlResponse": "http",
    "JsonRequest": "http",
    "Request": "http",
    "Response": "http",
    "Selector": "selector",
    "Settings": "settings",
    "Spider": "spiders",
    "TextResponse": "http",
    "__version__": "version",
    "logger": "log",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'aioscrapy' has no attribute {name!r}")
    value = getattr(import_module(f"aioscrapy.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
