"""The arguments params, data and json of a request, as in aio-scrapy and requests."""

import json as jsonlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]]


def written_out(
    url: str, params: Pairs | None, data: Pairs | str | bytes | None, json: Any, body: bytes | str | None
) -> tuple[str, bytes | str | None, str]:
    """Return the URL, the body and its content type ("" if none is to be set); `json` wins over `data`.

    A parameter in `params` replaces the parameter of the same name in the URL's query.
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
    replaced = {name for name, _ in params}
    others = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in replaced]
    return urlunsplit(parts._replace(query=urlencode([*others, *params], doseq=True)))
