"""The link extractor: elements of a parsed page -> links that pass its filters."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlparse

from lxml import etree
from parsel.csstranslator import HTMLTranslator
from w3lib.url import canonicalize_url

from aioscrapy.http.text import TextResponse
from aioscrapy.http.url import HTML_WHITESPACE, clean_url, join_as_browsers
from aioscrapy.link import Link
from aioscrapy.linkextractors.url_filters import (
    IGNORED_EXTENSIONS,
    has_page_scheme,
    matches_any,
    url_has_any_extension,
    url_is_from_any_domain,
)

logger = logging.getLogger(__name__)

Words = str | Iterable[str] | None
Patterns = str | re.Pattern[str] | Iterable[str | re.Pattern[str]] | None
Process = Callable[[Any], Any] | None

_XHTML = "{http://www.w3.org/1999/xhtml}"
_ALL = "*"
_text_of = etree.XPath("string()", smart_strings=False)
_css_to_xpath = HTMLTranslator().css_to_xpath


class LxmlParserLinkExtractor:
    """Reads the links of elements, without a filter for their URLs.

    Args:
        tag: name of the elements, or a function from a name to True.
        attr: name of their attributes, or such a function.
        process: value of an attribute as an absolute URL -> URL; None leaves the link out.
        unique: leave out a link whose URL was there before.
        strip: remove white space around the value.
        canonicalized: the URLs are compared as they are, not in their canonical form.
    """

    def __init__(
        self,
        tag: str | Callable[[str], bool] = "a",
        attr: str | Callable[[str], bool] = "href",
        process: Process = None,
        unique: bool = False,
        strip: bool = True,
        canonicalized: bool = False,
    ) -> None:
        self.scan_tag = tag if callable(tag) else tag.__eq__
        self.scan_attr = attr if callable(attr) else attr.__eq__
        self.process_attr = process
        self.unique = unique
        self.strip = strip
        self.link_key: Callable[[Link], str] = _url_of if canonicalized else _canonical_url_of

    def extract_links(self, response: TextResponse) -> list[Link]:
        """Return the links of a page, in its order."""
        return self.links_in(response.selector, response)

    def links_in(self, selector: Any, response: TextResponse) -> list[Link]:
        """Return the links in a part of a page."""
        base_url = response.urljoin("")
        links = []
        for element, value in self._values_in(selector.root):
            try:
                url = self._url(value, response, base_url)
            except ValueError as exc:
                logger.debug("A link of %r is left out: %r: %s", response, value, exc)
                continue
            if url is not None:
                links.append(Link(url, _text_of(element) or "", nofollow=_has_nofollow(element.get("rel"))))
        return self.without_duplicates(links)

    def without_duplicates(self, links: list[Link]) -> list[Link]:
        """Return the links; only the first of every URL if they shall be unique."""
        if not self.unique:
            return links
        first: dict[str, Link] = {}
        for link in links:
            first.setdefault(self.link_key(link), link)
        return list(first.values())

    def _values_in(self, root: Any) -> Iterator[tuple[Any, str]]:
        if not hasattr(root, "iter"):  # a text, an attribute
            return
        for element in root.iter(etree.Element):
            if self.scan_tag(element.tag.removeprefix(_XHTML)):
                for name, value in element.attrib.items():
                    if self.scan_attr(name):
                        yield element, value

    def _url(self, value: str, response: TextResponse, base_url: str) -> str | None:
        if self.strip:
            value = value.strip(HTML_WHITESPACE)
        url = join_as_browsers(base_url, value)
        if self.process_attr is not None:
            processed = self.process_attr(url)
            if processed is None:
                return None
            url = join_as_browsers(response.url, processed)
        return clean_url(url, response.encoding) if "://" in url else url


class LxmlLinkExtractor:
    """Reads the links of a page that pass all of its filters.

    Args:
        allow, deny: patterns; the absolute URL must match one of `allow`, and none of `deny`.
        allow_domains, deny_domains: domains of the URL; subdomains belong to them.
        restrict_xpaths, restrict_css: only the elements that one of these queries returns are read.
        tags, attrs: elements and attributes that are read; "*" stands for all.
        canonicalize: change every URL to its canonical form (w3lib's `canonicalize_url`).
        unique: leave out a link whose URL was there before.
        process_value: value of an attribute as an absolute URL -> URL; None leaves the link out.
        deny_extensions: extensions of the URL's path that are left out; None stands for IGNORED_EXTENSIONS.
        strip: remove white space around the value.
        restrict_text: patterns, of which the link's text must match one.
        deny_tags, deny_attrs: elements and attributes that are never read.
    """

    def __init__(  # noqa: PLR0913, PLR0917 Scrapy's signature
        self,
        allow: Patterns = (),
        deny: Patterns = (),
        allow_domains: Words = (),
        deny_domains: Words = (),
        restrict_xpaths: Words = (),
        tags: Words = ("a", "area"),
        attrs: Words = ("href",),
        canonicalize: bool = False,
        unique: bool = True,
        process_value: Process = None,
        deny_extensions: Words = None,
        restrict_css: Words = (),
        strip: bool = True,
        restrict_text: Patterns = None,
        deny_tags: Words = (),
        deny_attrs: Words = (),
    ) -> None:
        self.link_extractor = LxmlParserLinkExtractor(
            tag=_name_test(tags, deny_tags),
            attr=_name_test(attrs, deny_attrs),
            process=process_value,
            unique=unique,
            strip=strip,
            canonicalized=True,
        )
        self.allow_res, self.deny_res = _compiled(allow), _compiled(deny)
        self.allow_domains, self.deny_domains = set(_words(allow_domains)), set(_words(deny_domains))
        self.restrict_xpaths = (*_words(restrict_xpaths), *map(_css_to_xpath, _words(restrict_css)))
        extensions = IGNORED_EXTENSIONS if deny_extensions is None else _words(deny_extensions)
        self.deny_extensions = {f".{extension}" for extension in extensions}
        self.canonicalize = canonicalize
        self.restrict_text = _compiled(restrict_text)

    def extract_links(self, response: Any) -> list[Link]:
        """Return the links of a page, in its order; query by query if it is restricted to queries."""
        parts = [response.selector]
        if self.restrict_xpaths:
            parts = [part for query in self.restrict_xpaths for part in response.xpath(query)]
        links = [
            link
            for part in parts
            for link in self._process_links(self.link_extractor.links_in(part, response))
        ]
        return self.link_extractor.without_duplicates(links)

    def matches(self, url: str) -> bool:
        """Return True if a URL passes the filters for domains and patterns."""
        return (
            not (self.allow_domains and not url_is_from_any_domain(url, self.allow_domains))
            and not url_is_from_any_domain(url, self.deny_domains)
            and (not self.allow_res or matches_any(url, self.allow_res))
            and not matches_any(url, self.deny_res)
        )

    def _process_links(self, links: list[Link]) -> list[Link]:
        """Return the links that pass the filters; a subclass may change them here."""
        passed = [link for link in links if self._link_allowed(link)]
        if self.canonicalize:
            for link in passed:
                link.url = _canonical_url_of(link, keep_fragments=False)
        return self.link_extractor.without_duplicates(passed)

    def _link_allowed(self, link: Link) -> bool:
        url = link.url
        if not has_page_scheme(url) or (self.allow_res and not matches_any(url, self.allow_res)):
            return False
        if matches_any(url, self.deny_res):
            return False
        parts = urlparse(url)
        if self.allow_domains and not url_is_from_any_domain(parts, self.allow_domains):
            return False
        if url_is_from_any_domain(parts, self.deny_domains):
            return False
        if self.deny_extensions and url_has_any_extension(parts, self.deny_extensions):
            return False
        return not self.restrict_text or matches_any(link.text, self.restrict_text)


def _words(value: Words) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _compiled(patterns: Patterns) -> list[re.Pattern[str]]:
    if patterns is None:
        return []
    several = [patterns] if isinstance(patterns, str | re.Pattern) else patterns
    return [re.compile(pattern) for pattern in several]


def _name_test(names: Words, denied: Words) -> Callable[[str], bool]:
    wanted, unwanted = frozenset(_words(names)), frozenset(_words(denied))
    return partial(_name_passes, wanted, unwanted)  # not a lambda: an extractor can be pickled


def _name_passes(wanted: frozenset[str], unwanted: frozenset[str], name: str) -> bool:
    return (name in wanted or _ALL in wanted) and name not in unwanted


def _has_nofollow(rel: str | None) -> bool:
    return rel is not None and "nofollow" in rel.replace(",", " ").split()


def _url_of(link: Link) -> str:
    return link.url


def _canonical_url_of(link: Link, *, keep_fragments: bool = True) -> str:
    return str(canonicalize_url(link.url, keep_fragments=keep_fragments))
