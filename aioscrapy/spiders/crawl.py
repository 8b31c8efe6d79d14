"""CrawlSpider: follows the links that its rules name."""

import copy
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from inspect import isawaitable
from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.http.request import Callback, Request
from aioscrapy.http.text import HtmlResponse
from aioscrapy.link import Link
from aioscrapy.linkextractors import LinkExtractor
from aioscrapy.spiders.outputs import iterate_spider_output
from aioscrapy.spiders.spider import Spider

logger = logging.getLogger(__name__)

_EVERY_LINK = LinkExtractor()


class Rule:
    """Which links of a page are followed, and what happens with their pages.

    A function may be given as the name of a method of the spider.

    Args:
        link_extractor: reads the links; None: all links.
        callback: of the pages behind the links.
        cb_kwargs: more arguments for the callback.
        follow: apply all rules to these pages, too; None: only if there is no callback.
        process_links: list of links -> list of links, for every page.
        process_request: (request, response) -> request, or None to leave it out.
        errback: called with the failure of a request.
    """

    def __init__(
        self,
        link_extractor: Any = None,
        callback: Callback = None,
        cb_kwargs: dict[str, Any] | None = None,
        follow: bool | None = None,
        process_links: Callback = None,
        process_request: Callback = None,
        errback: Callback = None,
    ) -> None:
        self.link_extractor = link_extractor or _EVERY_LINK
        self.callback: Any = callback
        self.errback: Any = errback
        self.cb_kwargs = cb_kwargs or {}
        self.process_links: Any = process_links or _unchanged
        self.process_request: Any = process_request or _unchanged
        self.follow = follow if follow is not None else not callback

    def _compile(self, spider: Any) -> None:
        """Replace names of methods by the methods of the spider."""
        for name in ("callback", "errback", "process_links", "process_request"):
            function = getattr(self, name)
            if isinstance(function, str):
                setattr(self, name, _method(function, name, spider))


class CrawlSpider(Spider):
    """Follows the links of every page by its `rules`; the first rule that matches a link is used.

    The pages of the first requests go to `parse_start_url`. A request names its rule by its number, so any
    worker that has the same spider can go on with it.
    """

    rules: Sequence[Rule] = ()
    _follow_links = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._compile_rules()

    @classmethod
    def from_crawler(cls, crawler: CrawlContext, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider._follow_links = crawler.settings.getbool("CRAWLSPIDER_FOLLOW_LINKS")
        return spider

    def parse_start_url(self, response: Any, **kwargs: Any) -> Any:
        """Return the output for a page of the first requests, apart from its links."""
        return ()

    def process_results(self, response: Any, results: Any) -> Any:
        """Return the output of a callback, possibly changed."""
        return results

    async def parse_with_rules(
        self, response: Any, callback: Any, cb_kwargs: dict[str, Any], follow: bool = True
    ) -> AsyncIterator[Any]:
        """Yield the output of the callback, then the requests for the links of the page."""
        if callback:
            results = callback(response, **cb_kwargs)
            if isawaitable(results):
                results = await results
            if hasattr(results, "__aiter__"):
                results = [result async for result in results]
            for output in iterate_spider_output(self.process_results(response, results or ())):
                yield output
        if follow and self._follow_links:
            for request in self._requests_to_follow(response):
                yield request

    def _filters_start_urls(self) -> bool:
        return False  # a rule may call its callback for a page that `parse_start_url` has had

    def _parse(self, response: Any, **kwargs: Any) -> Any:
        return self.parse_with_rules(response, self.parse_start_url, kwargs)

    def _parse_response(
        self, response: Any, callback: Any, cb_kwargs: dict[str, Any], follow: bool = True
    ) -> Any:
        """Return the same as `parse_with_rules`, which has this name in older spiders."""
        return self.parse_with_rules(response, callback, cb_kwargs, follow)

    def _requests_to_follow(self, response: Any) -> Iterator[Request | None]:
        if not isinstance(response, HtmlResponse):
            return
        seen: set[Link] = set()
        for number, rule in enumerate(self._rules):
            links = [link for link in rule.link_extractor.extract_links(response) if link not in seen]
            for link in rule.process_links(links):
                seen.add(link)
                yield rule.process_request(self._build_request(number, link), response)

    def _build_request(self, rule_index: int, link: Link) -> Request:
        # Without an errback of the rule, the engine logs a failed request and keeps it.
        errback = self._errback if self._rules[rule_index].errback else None
        meta = {"rule": rule_index, "link_text": link.text}
        return Request(link.url, self._callback, errback=errback, meta=meta)

    def _callback(self, response: Any, **cb_kwargs: Any) -> Any:
        rule = self._rules[response.meta["rule"]]
        return self.parse_with_rules(response, rule.callback, {**rule.cb_kwargs, **cb_kwargs}, rule.follow)

    def _errback(self, failure: Any) -> Any:
        rule = self._rules[failure.request.meta["rule"]]
        return self._handle_failure(failure, rule.errback)

    def _handle_failure(self, failure: Any, errback: Callable[..., Any] | None) -> Any:
        return iterate_spider_output(errback(failure)) if errback else ()

    def _compile_rules(self) -> None:
        self._rules: list[Rule] = []
        rules = (self.rules,) if isinstance(self.rules, Rule) else self.rules
        for rule in rules:
            if not hasattr(rule, "_compile"):
                raise TypeError(f"rules of a CrawlSpider are Rule objects, not {rule!r}")
            compiled = copy.copy(rule)  # `rules` belongs to the class, its methods to this object
            compiled._compile(self)
            self._rules.append(compiled)


def _unchanged(value: Any, response: Any = None) -> Any:
    return value


def _method(method: str, role: str, spider: Any) -> Any:
    """Return a method of the spider; for a callback or errback that does not exist None, as in Scrapy.

    Raises:
        AttributeError: there is no such method, and no page can do without it.
    """
    if (function := getattr(spider, method, None)) is not None:
        return function
    problem = f"the spider has no method {method!r}, which is the {role} of a rule"
    if role not in {"callback", "errback"}:
        raise AttributeError(problem)
    logger.warning("%s: it is not called", problem, extra={"spider": spider})
    return None
