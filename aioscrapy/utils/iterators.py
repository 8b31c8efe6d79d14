"""The nodes of an XML document and the rows of a CSV file, one by one."""

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
    obj: Any, nodename: str, namespace: str | None = None, prefix: str = "x"
) -> Iterator[Selector]:
    """Yield a selector for each node of this name in a response, str or bytes; the document is streamed.

    `nodename` may be PREFIX:NAME, with a prefix of the document.
    """
    body, encoding = _bytes(obj)
    needs_namespace = namespace is None and ":" in nodename
    if needs_namespace:
        prefix, nodename = nodename.split(":", 1)
    events = etree.iterparse(
        BytesIO(body.lstrip()),
        events=("end", "start-ns"),
        encoding=encoding,
        resolve_entities=False,
        huge_tree=True,
    )
    for event, data in events:
        if event == "start-ns":
            if needs_namespace and data[0] == prefix:
                namespace = data[1]
            continue
        if data.tag != (f"{{{namespace}}}{nodename}" if namespace else nodename):
            continue
        selector = Selector(text=etree.tostring(data, encoding="unicode"), type="xml")
        data.clear()
        if namespace:
            selector.register_namespace(prefix, namespace)
        yield selector.xpath(f"//{prefix}:{nodename}" if namespace else f"//{nodename}")[0]


def xmliter(obj: Any, nodename: str) -> Iterator[Selector]:
    """Yield a selector for each node of this name."""
    return xmliter_lxml(obj, nodename)


def csviter(
    obj: Any,
    delimiter: str | None = None,
    headers: list[str] | None = None,
    encoding: str | None = None,
    quotechar: str | None = None,
) -> Iterator[dict[str, str]]:
    """Yield the rows of a response, str or bytes as dicts; without `headers` the first row has the names."""
    form = {name: value for name, value in (("delimiter", delimiter), ("quotechar", quotechar)) if value}
    rows = csv.reader(StringIO(_text(obj)), **form)  # type: ignore[arg-type]  # the module's own types are narrower
    names = headers or next(rows, None)
    if names is None:
        return
    for row in rows:
        if len(row) == len(names):
            yield dict(zip(names, row, strict=True))
        else:
            logger.warning("ignoring row %d (length: %d, should be: %d)", rows.line_num, len(row), len(names))


def _bytes(obj: Any) -> tuple[bytes, str]:
    if isinstance(obj, TextResponse):
        return obj.body, obj.encoding
    if isinstance(obj, Response):
        return obj.body, "utf-8"
    return (obj.encode() if isinstance(obj, str) else obj), "utf-8"


def _text(obj: Any) -> str:
    if isinstance(obj, str):
        return obj
    if isinstance(obj, bytes):
        return obj.decode()
    if isinstance(obj, TextResponse):
        return obj.text
    if isinstance(obj, Response):
        return obj.body.decode()
    raise TypeError(f"csviter takes a response, str or bytes, not {type(obj).__name__}")
