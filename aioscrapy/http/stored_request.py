"""Requests as JSON values, the form in which a store has them, and back."""

from base64 import b64decode
from typing import Any

from aioscrapy.exceptions import SerializeError
from aioscrapy.http.headers import Headers
from aioscrapy.http.json_values import json_form, text_or_base64


def stored_form(request: Any, spider: Any) -> dict[str, Any]:
    """Return the request as a dict of JSON values, with the fields that differ from their defaults.

    Callbacks become names of the spider's methods. A body is str if it is UTF-8, else {"b64": …}; headers
    are name -> values, in Latin-1. meta, cb_kwargs and cookies may contain JSON's types (str, int, float,
    bool, None, list, dict with str keys), items and what else `stored_values` knows; a tuple of JSON
    values becomes a list. A subclass becomes a plain Request with the same method, headers and body.

    Raises:
        SerializeError: a callback is not a method of the spider, or a value is not one of JSON.
    """
    fields: dict[str, Any] = {"url": request._url}
    for name in ("callback", "errback"):
        if (callback := getattr(request, name)) is not None:
            fields[name] = _method_name(request, name, callback, spider)
    if request.method != "GET":
        fields["method"] = request.method
    if request._headers:
        fields["headers"] = {
            name.decode("latin-1"): [value.decode("latin-1") for value in values]
            for name, values in request._headers.items()
        }
    if request._body:
        fields["body"] = text_or_base64(request._body)
    for name in ("priority", "dont_filter", "fingerprint", "meta", "_cb_kwargs", "_cookies", "_flags"):
        if value := getattr(request, name):
            name = name.removeprefix("_")  # noqa: PLW2901 its public name
            fields[name] = json_value(request, name, value, fields)
    if request._encoding != "utf-8":
        fields["encoding"] = request._encoding
    return fields


def arguments_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a request in a dict of JSON values; bytes, as Scrapy has them, stay."""
    arguments = dict(fields)
    if packed := arguments.pop("packed", None):
        from aioscrapy.http.stored_values import unpack

        arguments.update({name: unpack(arguments[name]) for name in packed})
    if headers := arguments.get("headers"):
        arguments["headers"] = Headers.from_lists(
            (_latin1(name), [_latin1(value) for value in values]) for name, values in headers.items()
        )
    if isinstance(body := arguments.get("body"), str):
        arguments["body"] = body.encode()
    elif isinstance(body, dict):
        arguments["body"] = b64decode(body["b64"])
    return arguments


def _latin1(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def method_of(spider: Any, name: str, part: str, url: str) -> Any:
    """Return the method of the spider that is the callback or the errback of a stored request.

    Raises:
        SerializeError: the spider has no such method.
    """
    method = getattr(spider, name, None)
    if not callable(method):
        raise SerializeError(
            f"{part} of {url}: spider {getattr(spider, 'name', spider)!r} has no method {name!r}"
        )
    return method


def _method_name(request: Any, part: str, callback: Any, spider: Any) -> str:
    """Return the name of the spider's method that is this callback."""
    if isinstance(callback, str):
        method_of(spider, callback, part, request.url)
        return callback
    name = getattr(callback, "__name__", "")
    if name and getattr(spider, name, None) == callback:
        return str(name)
    # A private, a decorated or a renamed method has another name in the class than its own.
    for owner in type(spider).__mro__:
        for name in vars(owner):
            if name in ("__class__", "__dict__", "__weakref__"):
                continue
            attribute = vars(owner)[name]
            if (
                attribute is getattr(callback, "__func__", callback)
                and getattr(spider, name, None) == callback
            ):
                return name
    raise SerializeError(
        f"{part} of {request.url}: {callback!r} is not a method of spider "
        f"{getattr(spider, 'name', spider)!r}; lambdas, inner functions and methods of other objects "
        "can't be stored"
    )


def json_value(request: Any, name: str, value: Any, fields: dict[str, Any]) -> Any:
    """Return the value as JSON has it; `fields["packed"]` notes the name if that is another form.

    Raises:
        SerializeError: JSON can't represent it.
    """
    try:
        stored, is_packed = json_form(value)
    except TypeError as exc:
        raise SerializeError(f"{name}{exc} ({request})") from None
    if is_packed:
        fields.setdefault("packed", []).append(name)
    return stored
