"""Names of type hints that annotated projects import from Scrapy."""

from typing import Any, TypeVar

RequestTypeVar = TypeVar("RequestTypeVar")
ResponseTypeVar = TypeVar("ResponseTypeVar")
CookiesT = VerboseCookie = Any
EmbedFuncT = KnownShellsT = Any
ProcessLinksT = ProcessRequestT = Any
SelectorType = SignalHandlerT = StatsT = SupportsFromCrawler = UriParamsCallableT = UrlT = Any
