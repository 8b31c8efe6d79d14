"""What a request sends, said as in aio-scrapy and requests: params, data, json."""

import json as jsonlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]]


def written_out(
    url: str, params: Pairs | None, data: Pairs | str | bytes | None, json: Any, body: bytes | str | None
) -> tuple[str, bytes | str | None, str]:
    """Return the URL, the body and its content type ("" for none to set); `json` wins over `data`.

    A name in `params` takes the place of the same name in the URL's query.
    """
    if params:
        url = _with_params(url, _pairs(params))
    if json is not None:
        return url, jsonlib.dumps(json, separators=(",", ":")), "application/json"
    if data is not None:
        form = data if isinstance(data, str | bytes) else urlencode(_pairs(data), doseq=True)
        return url, form, "application/x-www-form-urlencoded"
    return url, body, ""


def _pairs(values: Pairs) -> list[tuple[str, Any]]:
    return list(values.items()) if isinstance(values, Mapping) else list(values)


def _with_params(url: str, params: list[tuple[str, Any]]) -> str:
    parts = urlsplit(url)
    named = {name for name, _ in params}
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in named]
    return urlunsplit(parts._replace(query=urlencode([*kept, *params], doseq=True)))
