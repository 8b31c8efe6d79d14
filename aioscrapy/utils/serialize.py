"""JSON of items, requests, dates and decimals."""

import json
from datetime import date, time
from decimal import Decimal
from typing import Any

from itemadapter import ItemAdapter, is_item

from aioscrapy.http.request import Request
from aioscrapy.http.response import Response


class ScrapyJSONEncoder(json.JSONEncoder):
    """Encodes what JSON does not know, as Scrapy does."""

    def default(self, o: Any) -> Any:  # noqa: PLR0911 one line a type
        """Return a value that JSON knows."""
        if isinstance(o, (set, frozenset)):
            return list(o)
        if isinstance(o, (date, time)):  # a datetime is a date
            return o.isoformat()
        if isinstance(o, Decimal):
            return str(o)
        if type(o).__module__.startswith("twisted.internet.defer"):
            return str(o)
        if isinstance(o, Request):
            return f"<{type(o).__name__} {o.method} {o.url}>"
        if isinstance(o, Response):
            return f"<{type(o).__name__} {o.status} {o.url}>"
        if is_item(o):
            return ItemAdapter(o).asdict()
        return super().default(o)


class ScrapyJSONDecoder(json.JSONDecoder):
    """The decoder of JSON."""
