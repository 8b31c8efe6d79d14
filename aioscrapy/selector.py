"""Selectors with parsel's interface and results, but faster: queries are compiled once."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, cast
from weakref import ref

import parsel
from lxml import etree, html
from parsel.csstranslator import GenericTranslator, HTMLTranslator

_UNSET = object()
_REGEXP = ("re", "http://exslt.org/regular-expressions")
_NAMESPACES: Mapping[str, str] = MappingProxyType(dict([_REGEXP, ("set", "http://exslt.org/sets")]))
# A compiled query with one of these namespaces collects an error entry per call (libxml2 2.13 and later,
# noticed by parsel), so it is compiled for every call.
_EXSLT = frozenset(
    f"http://exslt.org/{name}" for name in ("dates-and-times", "math", "sets", "strings")
)  # fmt: skip
_TRANSLATORS = {"html": HTMLTranslator(), "xml": GenericTranslator()}
_HTML_PARSER = html.HTMLParser(recover=True, encoding="utf-8", huge_tree=True)


@lru_cache(maxsize=2048)
def _xpath_of(kind: str, css: str) -> str:
    return str(_TRANSLATORS[kind].css_to_xpath(css))


@lru_cache(maxsize=2048)
def _compiled(query: str, namespaces: tuple[tuple[str, str], ...] = (_REGEXP,)) -> Any:
    regexp = any(uri == _REGEXP[1] and f"{prefix}:" in query for prefix, uri in namespaces)
    return etree.XPath(query, namespaces=dict(namespaces), smart_strings=False, regexp=regexp)


def _css_compiler(kind: str) -> Callable[[str], tuple[str, Any]]:
    """Return a function with a cache of its own: one argument is a cheaper key than two."""

    @lru_cache(maxsize=2048)
    def compiled_css(css: str) -> tuple[str, Any]:
        query = _xpath_of(kind, css)
        return query, _compiled(query)

    return compiled_css


_COMPILED_CSS = {kind: _css_compiler(kind) for kind in _TRANSLATORS}


def _evaluator(query: str, namespaces: Mapping[str, str]) -> Any:
    used = {prefix: uri for prefix, uri in namespaces.items() if uri not in _EXSLT or f"{prefix}:" in query}
    if _EXSLT.isdisjoint(used.values()):
        return _compiled(query, tuple(sorted(used.items())))
    return etree.XPath(query, namespaces=used, smart_strings=False)


def _parse_html(text: str, base_url: str | None) -> Any:
    """Return the same root as parsel, with a parser that is created once."""
    text = text.strip()
    if "\x00" in text:
        text = text.replace("\x00", "")
    body = text.encode("utf-8", "replace")
    root = etree.fromstring(body, parser=_HTML_PARSER, base_url=base_url) if body else None
    if root is None:
        root = etree.fromstring(b"<html/>", parser=_HTML_PARSER, base_url=base_url)
    return root


class SelectorList(parsel.SelectorList["Selector"]):
    """The matches of a query, in the order of the document."""

    def xpath(self, xpath: str, namespaces: Mapping[str, str] | None = None, **kwargs: Any) -> "SelectorList":
        """Return the matches of the query, relative to every element."""
        return type(self)([match for node in self for match in node.xpath(xpath, namespaces, **kwargs)])

    def css(self, query: str) -> "SelectorList":
        """Return the matches of the query in every element."""
        return type(self)([match for node in self for match in node.css(query)])

    def getall(self) -> list[str]:
        """Return all matches as str."""
        return [root if type(root := node.root) is str else node.get() for node in self]

    extract = getall

    def get(self, default: Any = None) -> Any:
        """Return the first match as str; `default` if there is none."""
        for node in self:
            return root if type(root := node.root) is str else node.get()
        return default

    extract_first = get


class Selector(parsel.Selector):
    """A page or a part of it: an element, an attribute, a text, a number; see parsel's manual.

    It is created from a text response, from `text` (bytes are UTF-8) or from `root`. `type` is html, xml,
    json or text; the default is the type of the response, and html for a text.
    """

    __slots__ = ("_response",)
    selectorlist_cls = SelectorList  # type: ignore[assignment]  # parsel names its own

    def __init__(
        self,
        response: Any = None,
        text: str | bytes | None = None,
        type: str | None = None,  # noqa: A002 parsel's name
        root: Any = _UNSET,
        **kwargs: Any,
    ) -> None:
        if isinstance(response, str):  # parsel's order of arguments
            response, text = None, response
        source = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        kind = type
        if response is not None:
            if source is not None:
                raise ValueError("Selector needs a response or a text, not both")
            source = response.text
            kind = type or response.selector_type
            kwargs.setdefault("base_url", response.urljoin(""))
        elif type is None and root is _UNSET and not kwargs.get("body"):
            kind = "html"
        if kind == "html" and source is not None and kwargs.keys() <= {"base_url", "namespaces", "_expr"}:
            root, source = _parse_html(source, kwargs.pop("base_url", None)), None
        if root is not _UNSET:
            kwargs["root"] = root
        # Weak: a page and its selector are not a circle, so a page is freed as soon as nobody holds it.
        self._response = None if response is None else ref(response)
        super().__init__(text=source, type=kind, **kwargs)
        if not kwargs.get("namespaces"):
            self.namespaces = _NAMESPACES  # type: ignore[assignment]  # shared, so it must not change

    @property
    def response(self) -> Any:
        """The response of a page's own selector; None for a part of a page, and without a response."""
        source = getattr(self, "_response", None)
        return None if source is None else source()

    def xpath(self, query: str, namespaces: Mapping[str, str] | None = None, **kwargs: Any) -> "SelectorList":
        """Return the matches of an XPath query; `kwargs` are its $variables.

        Raises:
            ValueError: the query is not XPath, or this Selector is of JSON.
        """
        root, kind = self.root, self.type
        if kind not in _TRANSLATORS or not hasattr(root, "xpath"):
            return cast("SelectorList", super().xpath(query, namespaces, **kwargs))
        own = self.namespaces
        try:
            if namespaces is None and own is _NAMESPACES and "set:" not in query:
                result = _compiled(query)(root, **kwargs)
            else:
                result = _evaluator(query, {**own, **(namespaces or {})})(root, **kwargs)
        except etree.XPathError as exc:
            raise ValueError(f"XPath error: {exc} in {query}") from exc
        return self._list(result, query)

    def _list(self, result: Any, query: str) -> "SelectorList":
        selectors, kind, namespaces = SelectorList(), self.type, self.namespaces
        # Without __init__, for speed: a page has hundreds of matches, which need only four attributes.
        new, cls, append = object.__new__, type(self), selectors.append
        for node in result if isinstance(result, list) else (result,):
            selector = new(cls)
            selector.root = node
            selector.type = kind
            selector.namespaces = namespaces
            selector._expr = query
            append(selector)
        return selectors

    def css(self, query: str) -> "SelectorList":
        """Return the matches of a CSS query.

        Raises:
            ValueError: the query is not CSS, or this Selector is of JSON.
        """
        compiled = _COMPILED_CSS.get(self.type)
        if compiled is None:
            return cast("SelectorList", super().css(query))
        xpath, find = compiled(query)
        if self.namespaces is not _NAMESPACES:
            return self.xpath(xpath)
        try:
            matches = find(self.root)
        except TypeError:  # not a node: a text, a number
            return self.xpath(xpath)
        return self._list(matches, xpath)

    def get(self) -> Any:
        """Return the match: an element with its markup, a text, or JSON as Python objects."""
        return root if type(root := self.root) is str else super().get()

    extract = get

    def register_namespace(self, prefix: str, uri: str) -> None:
        """Register a namespace prefix for queries."""
        self.namespaces = {**self.namespaces, prefix: uri}
