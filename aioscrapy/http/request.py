"""A request: what to fetch, and what to do with the response. `to_dict` is its stored form."""

from base64 import b64decode
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Self, TypeVar, cast, overload

from aioscrapy.exceptions import SerializeError
from aioscrapy.http.headers import Headers, HeadersArgument
from aioscrapy.http.json_values import json_form, text_or_base64
from aioscrapy.http.no_callback import NO_CALLBACK  # noqa: F401 its path in Scrapy
from aioscrapy.http.payload import Pairs, written_out
from aioscrapy.http.url import clean_url, verbatim

R = TypeVar("R", bound="Request")

Callback = Callable[..., Any] | str | None
Cookies = dict[str, Any] | list[dict[str, Any]]


class Request:
    """A request to a site; `url`, `body` and `encoding` never change (use `replace`).

    `url` may be a Selector of an absolute URL. `callback` and `errback` are callables, or names of methods of
    the spider; callback None means `parse`. A higher `priority` is fetched first. `meta` has values that
    belong to the request; `response.meta` is the same dict. Arguments of aio-scrapy: `fingerprint` replaces
    URL, method and body in the duplicate filter; `params` replace parameters in the URL's query; `data` is a
    form and `json` a value to send as body; `use_proxy=False` (stored as meta["use_proxy"]) uses no proxy of
    PROXY_HANDLER.

    Raises:
        ValueError: the URL is relative, or has no scheme.
        TypeError: an argument has a wrong type.
    """

    attributes: tuple[str, ...] = (
        "url",
        "callback",
        "method",
        "headers",
        "body",
        "cookies",
        "meta",
        "encoding",
        "priority",
        "dont_filter",
        "errback",
        "flags",
        "cb_kwargs",
        "fingerprint",
    )

    __slots__ = (
        "__weakref__",
        "_body",
        "_cb_kwargs",
        "_cookies",
        "_digest",
        "_encoding",
        "_flags",
        "_headers",
        "_url",
        "callback",
        "dont_filter",
        "errback",
        "fingerprint",
        "meta",
        "method",
        "priority",
    )

    # attrgetter is faster than a method: these are read many times per page. They can't be assigned.
    url = cast("str", property(attrgetter("_url"), doc="The absolute URL; unsafe characters are encoded."))
    body = cast("bytes", property(attrgetter("_body"), doc='The body to send; b"" for none.'))
    encoding = cast("str", property(attrgetter("_encoding"), doc="Encoding of the query, headers and body."))

    def __init__(  # noqa: PLR0913, PLR0917 Scrapy's signature
        self,
        url: Any,
        callback: Callback = None,
        method: str = "GET",
        headers: HeadersArgument = None,
        body: bytes | str | None = None,
        cookies: Cookies | None = None,
        meta: dict[str, Any] | None = None,
        encoding: str = "utf-8",
        priority: int = 0,
        dont_filter: bool = False,
        errback: Callback = None,
        flags: Iterable[str] | None = None,
        cb_kwargs: dict[str, Any] | None = None,
        fingerprint: str | None = None,
        *,
        params: Pairs | None = None,
        data: Pairs | str | bytes | None = None,
        json: Any = None,
        use_proxy: bool = True,
    ) -> None:
        self._encoding = encoding
        content_type = ""
        if params or data is not None or json is not None:
            url, body, content_type = written_out(clean_url(url, encoding), params, data, json, body)
        self._url = verbatim(url) if meta and meta.get("verbatim_url") else clean_url(url, encoding)
        self.method = method if method == "GET" else str(method).upper()
        self._body = _bytes(body, encoding) if body else b""
        self.callback = callback if callback is None else _callback("callback", callback)
        self.errback = errback if errback is None else _callback("errback", errback)
        if not isinstance(priority, int):
            raise TypeError(f"Request priority not an integer: {priority!r}")
        self.priority = priority
        self.dont_filter = dont_filter
        self.fingerprint = fingerprint
        self._headers = Headers(headers, encoding) if headers else None
        self._cookies = cookies or None
        self.meta = dict(meta) if meta else {}
        self._cb_kwargs = dict(cb_kwargs) if cb_kwargs else None
        self._flags = list(flags) if flags else None
        self._digest: tuple[object, bytes] | None = None
        if content_type:
            self.headers.setdefault("Content-Type", content_type)
        if not use_proxy:
            self.meta["use_proxy"] = False

    @property
    def headers(self) -> Headers:
        """The headers of the request itself, without the defaults."""
        if self._headers is None:
            self._headers = Headers(None, self._encoding)
        return self._headers

    @headers.setter
    def headers(self, headers: HeadersArgument) -> None:
        self._headers = headers if isinstance(headers, Headers) else Headers(headers, self._encoding)

    @property
    def use_proxy(self) -> bool:
        """Whether PROXY_HANDLER may choose a proxy."""
        return bool(self.meta.get("use_proxy", True))

    @property
    def cb_kwargs(self) -> dict[str, Any]:
        """Keyword arguments for the callback."""
        if self._cb_kwargs is None:
            self._cb_kwargs = {}
        return self._cb_kwargs

    @property
    def cookies(self) -> Cookies:
        """Name -> value, or a list of {name, value, domain, path, …}."""
        if self._cookies is None:
            self._cookies = {}
        return self._cookies

    @cookies.setter
    def cookies(self, cookies: Cookies | None) -> None:
        self._cookies = cookies

    @property
    def flags(self) -> list[str]:
        """Words for the log."""
        if self._flags is None:
            self._flags = []
        return self._flags

    @flags.setter
    def flags(self, flags: list[str] | None) -> None:
        self._flags = flags

    def __repr__(self) -> str:
        return f"<{self.method} {self._url}>"

    def copy(self) -> Self:
        """Return an equal request; headers, meta and cb_kwargs are copied one level deep."""
        return self.replace()

    @overload
    def replace(self, *args: Any, cls: None = None, **kwargs: Any) -> Self: ...

    @overload
    def replace(self, *args: Any, cls: type[R], **kwargs: Any) -> R: ...

    def replace(self, *args: Any, cls: type["Request"] | None = None, **kwargs: Any) -> "Request":
        """Return a copy with other arguments, of the same class or of `cls`."""
        target = cls or type(self)
        for name in self.attributes[len(args) :]:
            if name not in kwargs and name in target.attributes:
                kwargs[name] = getattr(self, name)
        return target(*args, **kwargs)

    @classmethod
    def from_curl(cls, curl_command: str, ignore_unknown_options: bool = True, **kwargs: Any) -> Self:
        """Create a request from a curl command line, as browsers copy it; `kwargs` win.

        Raises:
            ValueError: not a curl command, no URL, or an unknown option that is not ignored.
        """
        from aioscrapy.http.curl import request_arguments

        return cls(**{**request_arguments(curl_command, ignore_unknown_options), **kwargs})

    def to_curl(self) -> str:
        """Return a command line of curl that sends the request."""
        from aioscrapy.http.curl import request_to_curl

        return request_to_curl(self)

    def to_dict(self, spider: Any) -> dict[str, Any]:
        """Return the request as a dict of JSON values, with the fields that differ from their defaults.

        Callbacks become names of the spider's methods. A body is str if it is UTF-8, else {"b64": …}; headers
        are name -> values, in Latin-1. meta, cb_kwargs and cookies may contain JSON's types (str, int, float,
        bool, None, list, dict with str keys), items and what else `stored_values` knows; a tuple of JSON
        values becomes a list. A subclass becomes a plain Request with the same method, headers and body.

        Raises:
            SerializeError: a callback is not a method of the spider, or a value is not one of JSON.
        """
        fields: dict[str, Any] = {"url": self._url}
        for name in ("callback", "errback"):
            if (callback := getattr(self, name)) is not None:
                fields[name] = _method_name(self, name, callback, spider)
        if self.method != "GET":
            fields["method"] = self.method
        if self._headers:
            fields["headers"] = {
                name.decode("latin-1"): [value.decode("latin-1") for value in values]
                for name, values in self._headers.items()
            }
        if self._body:
            fields["body"] = text_or_base64(self._body)
        for name in ("priority", "dont_filter", "fingerprint", "meta", "_cb_kwargs", "_cookies", "_flags"):
            if value := getattr(self, name):
                name = name.removeprefix("_")  # noqa: PLW2901 its public name
                fields[name] = _json_value(self, name, value, fields)
        if self._encoding != "utf-8":
            fields["encoding"] = self._encoding
        return fields


def request_from_dict(fields: dict[str, Any], spider: Any) -> Request:
    """Create the request from the dict of `Request.to_dict`.

    Raises:
        SerializeError: the spider has no method of this name, or the dict is not a request.
    """
    arguments = dict(fields)
    try:
        if packed := arguments.pop("packed", None):
            from aioscrapy.http.stored_values import unpack

            arguments.update({name: unpack(arguments[name]) for name in packed})
        url = arguments["url"]
        for part in ("callback", "errback"):
            if part in arguments:
                arguments[part] = _method(spider, arguments[part], part, url)
        headers = arguments.get("headers")
        if headers:
            arguments["headers"] = Headers.from_lists(
                (name.encode("latin-1"), [value.encode("latin-1") for value in values])
                for name, values in headers.items()
            )
        body = arguments.get("body")
        if body:
            arguments["body"] = body.encode() if isinstance(body, str) else b64decode(body["b64"])
        return Request(**arguments)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise SerializeError(f"not a request: {str(fields)[:200]}: {exc!r}") from exc


def _bytes(body: Any, encoding: str) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode(encoding)
    raise TypeError(f"Request body must be bytes or str, not {type(body).__name__}")


def _callback(part: str, callback: Any) -> Callback:
    if not callable(callback) and not isinstance(callback, str):
        raise TypeError(f"{part} must be a callable or a method's name, got {type(callback).__name__}")
    return callback  # type: ignore[no-any-return]  # just checked


def _method(spider: Any, name: str, part: str, url: str) -> Any:
    method = getattr(spider, name, None)
    if not callable(method):
        raise SerializeError(
            f"{part} of {url}: spider {getattr(spider, 'name', spider)!r} has no method {name!r}"
        )
    return method


def _method_name(request: Request, part: str, callback: Callback, spider: Any) -> str:
    """Return the name of the spider's method that is this callback."""
    if isinstance(callback, str):
        _method(spider, callback, part, request.url)
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


def _json_value(request: Request, name: str, value: Any, fields: dict[str, Any]) -> Any:
    """Return the value as JSON has it; `fields["packed"]` notes the name if that is another form."""
    try:
        stored, is_packed = json_form(value)
    except TypeError as exc:
        raise SerializeError(f"{name}{exc} ({request})") from None
    if is_packed:
        fields.setdefault("packed", []).append(name)
    return stored
