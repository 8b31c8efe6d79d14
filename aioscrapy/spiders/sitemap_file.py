"""Read sitemaps, also large and gzipped ones, and the sitemaps that a robots.txt names."""

import zlib
from collections.abc import Callable, Iterator
from gzip import BadGzipFile, GzipFile
from io import BytesIO
from typing import Any, BinaryIO
from urllib.parse import urljoin

from lxml import etree

from aioscrapy.exceptions import ResponseTooLargeError

_GZIP = b"\x1f\x8b\x08"
_PIECE = 64 * 1024  # bytes


class Sitemap:
    """The entries of a sitemap or of an index of sitemaps, read one by one.

    An entry is a dict with the texts of its elements: `loc`, `lastmod`, `priority` and so on, and in
    `alternate` the URLs of its links.

    Attributes:
        type: "urlset", "sitemapindex", or the name of another root element.
        is_cut: it ended before its last element was closed; the element whose text is cut is left out.

    Raises:
        ValueError: it is not XML.
    """

    def __init__(self, source: bytes | str | BinaryIO) -> None:
        text = source.encode() if isinstance(source, str) else source
        self._source = _Source(BytesIO(text) if isinstance(text, bytes) else text)
        self._events = etree.iterparse(
            self._source,
            events=("start", "end"),
            recover=True,
            remove_comments=True,
            remove_pis=True,
            remove_blank_text=True,
            resolve_entities=False,
            collect_ids=False,
            huge_tree=True,
        )
        try:
            _, root = next(self._events)
        except (etree.XMLSyntaxError, StopIteration) as exc:
            raise ValueError(f"not a sitemap: {exc}") from None
        self.type = _local_name(root)
        self.is_cut = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        is_cut = True
        for event, element in self._events:
            if event == "start":
                continue
            if _local_name(element) not in {"url", "sitemap"}:
                parent = element.getparent()
                if parent is None:
                    is_cut = self._source.at_end
                elif self._source.at_end:  # the parser closes what the sitemap has not closed
                    parent.remove(element)
            else:
                entry = _entry(element)
                _forget(element)
                if "loc" in entry:
                    yield entry
        self.is_cut = is_cut


class _Source:
    """A file for the parser.

    Attributes:
        at_end: the parser has everything.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.at_end = False

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.at_end = not data
        return data


class LimitedGzipFile:
    """The unpacked bytes of a gzip file; a damaged end is left out, a file that is too large is an error.

    `at_end` is called once at the end, with the number of bytes.
    """

    def __init__(self, data: bytes, limit: int, at_end: Callable[[int], None] | None = None) -> None:
        self._file = GzipFile(fileobj=BytesIO(data))
        self._limit = limit
        self._read = 0
        self._at_end = at_end

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; b"" at the end.

        Raises:
            ResponseTooLargeError: there are more than `limit` bytes (0: no limit).
            OSError: the file is not gzip.
        """
        try:
            piece = self._file.read1(_PIECE)
        except (OSError, EOFError, zlib.error) as exc:
            if self._read:
                return b""
            raise BadGzipFile(f"not a gzip file: {exc}") from exc
        self._read += len(piece)
        if self._limit and self._read > self._limit:
            raise ResponseTooLargeError(f"the unpacked sitemap has more than {self._limit} bytes")
        if not piece and self._at_end is not None:
            self._at_end(self._read)
            self._at_end = None
        return piece

    def read_all(self) -> bytes:
        """Return all bytes."""
        return b"".join(iter(self.read, b""))


def is_gzip(body: bytes) -> bool:
    """Return True if a body begins as a gzip file does."""
    return body[:3] == _GZIP


def sitemap_urls_from_robots(robots_txt: bytes | str, base_url: str | None = None) -> Iterator[str]:
    """Yield the absolute URLs of the Sitemap lines of a robots.txt."""
    text = robots_txt.encode() if isinstance(robots_txt, str) else robots_txt
    for line in text.splitlines():
        name, _, value = line.partition(b":")
        value = value.partition(b"#")[0].strip()  # a comment
        if name.strip().lower() == b"sitemap" and value:
            try:
                yield urljoin(base_url or "", value.decode())
            except ValueError:
                continue


def _entry(element: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    links = []
    for child in element:
        name = _local_name(child)
        if name == "link":
            links += [href] if (href := child.get("href")) else []
        elif name:
            entry[name] = (child.text or "").strip()
    if links:
        entry["alternate"] = links
    return entry


def _forget(element: Any) -> None:
    """Free an element and those before it; a sitemap may be larger than the memory."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _local_name(element: Any) -> str:
    return str(etree.QName(element).localname) if isinstance(element.tag, str) else ""
