"""Requests, responses and exceptions of the real Scrapy as ours: a script may have imported it itself."""

import sys
from typing import Any

from aioscrapy import exceptions
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.text import HtmlResponse, JsonResponse, TextResponse, XmlResponse

# Classes of Scrapy whose fields say all of their meaning.
_REQUESTS = {"Request", "FormRequest", "JsonRequest", "XmlRpcRequest"}
_RESPONSES: dict[str, type[Response]] = {
    cls.__name__: cls for cls in (Response, TextResponse, HtmlResponse, XmlResponse, JsonResponse)
}
_ROOT = "scrapy."


def own(value: Any) -> Any:
    """Return our request or response for one of the real Scrapy; another value itself.

    Raises:
        TypeError: the object belongs to the real Scrapy, and nothing here is equal to it.
    """
    if "scrapy" not in sys.modules or isinstance(value, (dict, Request, Response)):
        return value
    cls = _scrapy_class(type(value))
    if cls is None or not cls.__module__.startswith(("scrapy.http", "scrapy.spiders", "scrapy.link")):
        return value  # an item, for example
    if cls.__name__ in _REQUESTS:
        return _request(value)
    if cls.__name__ in _RESPONSES:
        return _response(value, _RESPONSES[cls.__name__])
    raise TypeError(
        f"{cls.__module__}.{cls.__name__} of the real Scrapy can't be used here: import it from aioscrapy, "
        "or run the spider by `aioscrapy crawl` or `aioscrapy runspider`, where `import scrapy` is ours"
    )


def own_exception(exc: BaseException) -> Any:
    """Return our exception for one of `scrapy.exceptions`; another one itself."""
    for cls in type(exc).__mro__:
        if cls.__module__ != "scrapy.exceptions":
            continue
        ours = getattr(exceptions, cls.__name__, None)
        if ours is None:
            return exc
        if ours in (exceptions.CloseSpider, exceptions.StopDownload):
            attributes = {name: getattr(exc, name) for name in ("reason", "fail") if hasattr(exc, name)}
            made: BaseException = ours(**attributes)
        else:
            made = ours(*exc.args)
        made.__cause__ = exc
        return made
    return exc


def refuse_spider(spider_class: type[Any]) -> None:
    """Refuse a spider class of the real Scrapy that works only with Scrapy's own responses.

    Raises:
        ConfigError: it is derived from CrawlSpider, SitemapSpider or a feed spider of the real Scrapy.
    """
    for cls in spider_class.__mro__:
        if cls.__module__.startswith("scrapy.spiders.") and cls.__name__ != "Spider":
            raise exceptions.ConfigError(
                f"spider {spider_class.__name__} is derived from {cls.__module__}.{cls.__name__} of the real "
                "Scrapy, which does not know our responses: import the class from aioscrapy, or run the "
                "spider by `aioscrapy crawl` or `aioscrapy runspider`, where `import scrapy` is ours"
            )


def _scrapy_class(cls: type[Any]) -> type[Any] | None:
    """Return the class itself or its closest base that is the real Scrapy's; None if it has none."""
    return next((base for base in cls.__mro__ if base.__module__.startswith(_ROOT)), None)


def _request(value: Any) -> Request:
    names = [name for name in Request.attributes if name != "fingerprint" and hasattr(value, name)]
    fields = {name: getattr(value, name) for name in names}
    fields["headers"] = dict(value.headers.items())
    return Request(**fields)


def _response(value: Any, cls: type[Response]) -> Response:
    names = [name for name in cls.attributes if hasattr(value, name)]
    fields = {name: getattr(value, name) for name in names}
    fields["headers"] = dict(value.headers.items())
    fields["request"] = own(value.request) if value.request is not None else None
    return cls(**fields)
