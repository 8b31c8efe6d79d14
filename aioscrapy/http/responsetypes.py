"""Choose the class of a response: by its headers, its URL, its first bytes."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.text import HtmlResponse, JsonResponse, TextResponse, XmlResponse

_SNIFFED = 5000  # bytes of the body that are examined

_BY_TYPE: dict[str, type[Response]] = {
    "text/html": HtmlResponse,
    "application/xhtml+xml": HtmlResponse,
    "application/vnd.wap.xhtml+xml": HtmlResponse,
    "text/xml": XmlResponse,
    "application/xml": XmlResponse,
    "application/json": JsonResponse,
    "application/x-json": JsonResponse,
    "text/json": JsonResponse,
    "application/json-amazonui-streaming": JsonResponse,
    "application/javascript": TextResponse,
    "application/x-javascript": TextResponse,
    "application/ecmascript": TextResponse,
    "application/x-ndjson": TextResponse,
    "application/jsonlines": TextResponse,
    "application/yaml": TextResponse,
}
_BY_SUFFIX: dict[str, type[Response]] = {
    **dict.fromkeys(("html", "htm", "xhtml", "xht", "shtml"), HtmlResponse),
    **dict.fromkeys(("xml", "xsl", "xslt", "rss", "atom", "rdf"), XmlResponse),
    **dict.fromkeys(("json", "geojson", "jsonld", "webmanifest"), JsonResponse),
    **dict.fromkeys(("txt", "text", "csv", "tsv", "md", "js", "mjs", "css", "jsonl", "ndjson"), TextResponse),
}
_disposition_filename = re.compile(
    r"""filename\*?\s*=\s*(?:[\w-]+'[\w-]*')?"?([^";]+)""", re.IGNORECASE
).search
_html_mark = re.compile(rb"<(?:html|head|body|title|!doctype\s+html)[\s>]", re.IGNORECASE).search
_xml_mark = re.compile(rb"\s*<\?xml\s", re.IGNORECASE).match
_binary_mark = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]").search
_unicode_boms = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def url_of(request: Request) -> str:
    """Return the URL of the response to a request: without the fragment, which is not sent."""
    return request.url.partition("#")[0]


def response_class(headers: Headers, url: str, body: bytes) -> type[Response]:
    """Return the class of a response; plain Response if it is not text.

    The first of these that identifies a type is used: Content-Type, the file name in Content-Disposition, the
    extension of the URL, the start of the body. A body that is still compressed (Content-Encoding) is not
    text.
    """
    if (coding := headers.get(b"Content-Encoding")) and coding.lower() != b"identity":
        return Response
    content_type = headers.get(b"Content-Type")
    cls = _by_content_type(content_type) if content_type else None
    if cls is None and (disposition := headers.get(b"Content-Disposition")):
        match = _disposition_filename(disposition.decode("latin-1"))
        cls = _by_file_name(match[1]) if match else None
    if cls is None:
        cls = _by_file_name(_path(url))
    return cls or _by_body(body[:_SNIFFED])


@lru_cache(maxsize=256)
def _by_content_type(content_type: bytes) -> type[Response] | None:
    """Return the class of a Content-Type; None for an unspecific one such as application/octet-stream."""
    kind = content_type.decode("latin-1").partition(";")[0].partition(",")[0].strip().lower()
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if kind.endswith("+xml") and not kind.startswith("image/"):
        return XmlResponse
    if kind.endswith("+json"):
        return JsonResponse
    if kind.startswith("text/"):
        return TextResponse
    if kind.startswith(("image/", "audio/", "video/", "font/")):
        return Response
    return None


def _by_file_name(name: str) -> type[Response] | None:
    return _BY_SUFFIX.get(name.rpartition(".")[2].strip().lower()) if "." in name else None


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        return ""


def _by_body(start: bytes) -> type[Response]:
    if start.startswith(_unicode_boms):
        start = start.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    if _binary_mark(start):
        return Response
    if _xml_mark(start):
        return HtmlResponse if _html_mark(start) else XmlResponse
    return HtmlResponse if _html_mark(start) else TextResponse
