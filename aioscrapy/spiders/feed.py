"""XMLFeedSpider and CSVFeedSpider: call a method for every element or row of a feed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aioscrapy.exceptions import NotSupported
from aioscrapy.http.text import TextResponse
from aioscrapy.selector import Selector
from aioscrapy.spiders.feed_reader import csviter, xmliter_lxml
from aioscrapy.spiders.outputs import iterate_spider_output
from aioscrapy.spiders.spider import Spider


class _FeedSpider(Spider):
    """What both kinds of feeds have in common."""

    def adapt_response(self, response: Any) -> Any:
        """Return the response, or another one in its place, before it is read."""
        return response

    def process_results(self, response: Any, results: Any) -> Any:
        """Return the output for one element or row, possibly changed."""
        return results


class XMLFeedSpider(_FeedSpider):
    """Calls `parse_node(response, selector)` for every element of an XML feed.

    Attributes:
        iterator: "iternodes" reads element by element, with little memory; "xml" and "html" parse the
            document as a whole.
        itertag: name of the elements.
        namespaces: (prefix, URI), registered in every selector.
    """

    iterator = "iternodes"
    itertag = "item"
    namespaces: Sequence[tuple[str, str]] = ()

    def parse_node(self, response: Any, selector: Selector) -> Any:
        """Return items and requests for one element."""
        if hasattr(self, "parse_item"):  # its name in older spiders
            return self.parse_item(response, selector)
        raise NotImplementedError(f"{type(self).__name__}.parse_node is not defined")

    def parse_nodes(self, response: Any, nodes: Iterable[Selector]) -> Iterator[Any]:
        """Yield the output for all elements."""
        for selector in nodes:
            results = iterate_spider_output(self.parse_node(response, selector))
            yield from self.process_results(response, results)

    def _parse(self, response: Any, **kwargs: Any) -> Any:
        response = self.adapt_response(response)
        return self.parse_nodes(response, self._nodes(response))

    def _nodes(self, response: Any) -> Iterable[Selector]:
        if self.iterator == "iternodes":
            return map(self._with_namespaces, xmliter_lxml(response, self.itertag))
        if self.iterator not in ("xml", "html"):
            raise NotSupported(f"iterator = {self.iterator!r}: use 'iternodes', 'xml' or 'html'")
        if not isinstance(response, TextResponse):
            raise ValueError(f"{response!r} is not text")
        document = self._with_namespaces(Selector(response, type=self.iterator))
        return document.xpath(f"//{self.itertag}")

    def _with_namespaces(self, selector: Selector) -> Selector:
        for prefix, uri in self.namespaces:
            selector.register_namespace(prefix, uri)
        return selector


class CSVFeedSpider(_FeedSpider):
    """Calls `parse_row(response, row)` for every row of a CSV feed; `row` is column -> text.

    Attributes:
        delimiter: between two columns; None: a comma.
        quotechar: around a value; None: a double quote.
        headers: names of the columns; None: the first row has them.
    """

    delimiter: str | None = None
    quotechar: str | None = None
    headers: list[str] | None = None

    def parse_row(self, response: Any, row: dict[str, str]) -> Any:
        """Return items and requests for one row."""
        raise NotImplementedError(f"{type(self).__name__}.parse_row is not defined")

    def parse_rows(self, response: Any) -> Iterator[Any]:
        """Yield the output for all rows."""
        for row in csviter(response, self.delimiter, self.headers, quotechar=self.quotechar):
            results = iterate_spider_output(self.parse_row(response, row))
            yield from self.process_results(response, results)

    def _parse(self, response: Any, **kwargs: Any) -> Any:
        return self.parse_rows(self.adapt_response(response))
