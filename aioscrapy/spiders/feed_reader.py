"""Read the elements of an XML feed and the rows of a CSV feed one by one."""

import csv
import logging
from collections.abc import Iterator
from io import BytesIO, StringIO
from typing import Any

from lxml import etree

from aioscrapy.http.response import Response
from aioscrapy.http.text import TextResponse
from aioscrapy.selector import Selector

logger = logging.getLogger(__name__)


def xmliter_lxml(
    obj: Response | str | bytes, nodename: str, namespace: str | None = None, prefix: str = "x"
) -> Iterator[Selector]:
    """Yield the elements with this name, each as a Selector of its own.

    Args:
        obj: the document; a str is a text, not a path.
        nodename: of the elements; `prefix:name` uses the namespace that the document declares for the prefix.
        namespace: of the elements.
        prefix: registered in the Selectors for the namespace.

    Raises:
        TypeError: it is neither a response nor a text.
    """
    if not isinstance(obj, (Response, str, bytes)):
        raise TypeError(f"a document is a response, a str or bytes, not {type(obj).__name__}")
    body, encoding = _body(obj)
    prefix, nodename, is_open = _split(prefix, nodename, namespace)
    events = etree.iterparse(
        BytesIO(body.lstrip()),
        events=("end", "start-ns"),
        encoding=encoding,
        resolve_entities=False,
        huge_tree=True,
    )
    for event, data in events:
        if event == "start-ns":
            if is_open and data[0] == prefix:
                namespace, is_open = data[1], False
        elif data.tag == (f"{{{namespace}}}{nodename}" if namespace else nodename):
            text = etree.tostring(data, encoding="unicode", with_tail=False)
            _forget(data)
            selector = Selector(text=text, type="xml")
            if namespace:
                selector.register_namespace(prefix, namespace)
            yield selector.xpath(f"/{prefix}:{nodename}" if namespace else f"/{nodename}")[0]


def csviter(
    obj: Response | str | bytes,
    delimiter: str | None = None,
    headers: list[str] | None = None,
    encoding: str | None = None,
    quotechar: str | None = None,
) -> Iterator[dict[str, str]]:
    """Yield the rows as dicts; a row with another number of columns than the header is logged and left out.

    Args:
        obj: the document; bytes are UTF-8.
        delimiter: between two columns; None: a comma.
        headers: names of the columns; None: the first row has them.
        encoding: without effect.
        quotechar: around a value; None: a double quote.
    """
    options: dict[str, str] = {}
    if delimiter:
        options["delimiter"] = delimiter
    if quotechar:
        options["quotechar"] = quotechar
    rows = csv.reader(StringIO(_text(obj), newline=""), **options)  # type: ignore[arg-type]  # of two names
    names = headers or next(rows, None)
    if names is None:
        return
    for row in rows:
        if len(row) == len(names):
            yield dict(zip(names, row, strict=True))
        else:
            logger.warning("Row %d is left out: %d columns, not %d", rows.line_num, len(row), len(names))


def _forget(element: Any) -> None:
    """Free an element, and the one of its name before it: a feed may be larger than the memory."""
    element.clear()
    before = element.getprevious()
    if before is not None and before.tag == element.tag:
        element.getparent().remove(before)


def _split(prefix: str, nodename: str, namespace: str | None) -> tuple[str, str, bool]:
    """Return the prefix, the local name, and whether the namespace must be read from the document."""
    if namespace or ":" not in nodename:
        return prefix, nodename, False
    own, _, local = nodename.partition(":")
    return own, local, True


def _body(obj: Response | str | bytes) -> tuple[bytes, str]:
    if isinstance(obj, Response):
        return obj.body, obj.encoding if isinstance(obj, TextResponse) else "utf-8"
    if isinstance(obj, str):
        return obj.encode(), "utf-8"
    return obj, "utf-8"


def _text(obj: Response | str | bytes) -> str:
    if isinstance(obj, TextResponse):
        return obj.text
    if isinstance(obj, str):
        return obj
    if not isinstance(obj, Response | bytes):
        raise TypeError(f"a feed is a Response, str or bytes, not {type(obj).__name__}")
    return (obj.body if isinstance(obj, Response) else obj).decode("utf-8")
