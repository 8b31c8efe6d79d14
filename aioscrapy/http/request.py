"""A request: what to fetch, and what to do with the response. `to_dict` is its stored form."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Self, TypeVar, cast, overload

from aioscrapy.exceptions import SerializeError
from aioscrapy.http.headers import Headers, HeadersArgument
from aioscrapy.http.no_callback import NO_CALLBACK  # noqa: F401 its path in Scrapy
from aioscrapy.http.payload import Pairs, written_out
from aioscrapy.http.stored_request import arguments_of, json_value, method_of, stored_form
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

    def to_dict(self, spider: Any = None) -> dict[str, Any]:
        """Return the request as a dict of JSON values, with the fields that differ from their defaults.

        It is what a store has of the request (see `stored_form`), and for a subclass its path as `_class` and
        its own attributes. `request_from_dict` of `aioscrapy.utils.request` creates the request again.

        Raises:
            SerializeError: a callback is not a method of the spider, or a value is not one of JSON.
        """
        fields, cls = stored_form(self, spider), type(self)
        if cls is not Request:
            fields["_class"] = f"{cls.__module__}.{cls.__qualname__}"
            for name in self.attributes:
                if name not in Request.attributes:
                    fields[name] = json_value(self, name, getattr(self, name), fields)
        return fields


def request_from_dict(fields: dict[str, Any], spider: Any) -> Request:
    """Create the request from the dict of `stored_form`.

    Raises:
        SerializeError: the spider has no method of this name, or the dict is not a request.
    """
    try:
        arguments = arguments_of(fields)
        for part in ("callback", "errback"):
            if part in arguments:
                arguments[part] = method_of(spider, arguments[part], part, arguments["url"])
        if "_class" in arguments:  # of `Request.to_dict`
            arguments = {name: value for name, value in arguments.items() if name in Request.attributes}
        return Request(**arguments)
    except SerializeError:
        raise
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
