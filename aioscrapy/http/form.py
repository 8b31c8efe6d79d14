"""A request that sends a form: your own data, or a form of a page."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

from aioscrapy.http.form_controls import click_of, controls_of, is_button, pairs_of
from aioscrapy.http.form_encoding import ENCODERS
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.url import HTML_WHITESPACE, clean_url, join_as_browsers

FormData = Mapping[str, Any] | Iterable[tuple[str, Any]] | None
Pairs = list[tuple[Any, Any]]


class FormRequest(Request):
    """A request that sends `formdata`: name -> value or list of values, or pairs of them.

    POST sends it in the body, GET in the query of the URL, which it replaces.
    """

    __slots__ = ()

    valid_form_methods: ClassVar[list[str]] = ["GET", "POST"]

    def __init__(self, url: Any, *args: Any, formdata: FormData = None, **kwargs: Any) -> None:
        if formdata:
            if len(args) < 2 and kwargs.get("method") is None:
                kwargs["method"] = "POST"
            encoding = kwargs.get("encoding", "utf-8")
            query = _encode(formdata, encoding)
            method = args[1] if len(args) > 1 else kwargs["method"]
            if str(method).upper() == "POST":
                kwargs["body"] = query
            else:
                url = f"{clean_url(url, encoding).partition('#')[0].partition('?')[0]}?{query}"
        super().__init__(url, *args, **kwargs)
        if formdata and self.method == "POST":
            self.headers.setdefault("Content-Type", "application/x-www-form-urlencoded")

    @classmethod
    def from_response(  # noqa: PLR0913, PLR0917 Scrapy's signature
        cls,
        response: Any,
        formname: str | None = None,
        formid: str | None = None,
        formnumber: int = 0,
        formdata: FormData = None,
        clickdata: dict[str, str | int] | None = None,
        dont_click: bool = False,
        formxpath: str | None = None,
        formcss: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Fill in a form of the page and return the request that a click on its button sends.

        The form is selected by name, by id, by a query for the form or an element in it, else by
        `formnumber` (from 0). `formdata` overrides fields; the value None leaves a field out. `clickdata` are
        the attributes of the button ({"nr": 2}: the third field); without them the first button is clicked,
        unless `dont_click` is set. The body of a form with `enctype` is encoded as browsers do it, unless
        `headers` have a Content-Type.

        Raises:
            ValueError: the form or the button does not exist, or several buttons match.
            IndexError: the page has fewer forms than `formnumber`.
        """
        form = _form(response, formname, formid, formnumber, _query(formxpath, formcss))
        kwargs.setdefault("encoding", _encoding(form, response.encoding))
        fields = controls_of(form)
        button = None if dont_click else _clicked(form, fields, clickdata)
        pairs = _pairs_of(formdata)
        values = _filled(fields, pairs, button, kwargs["encoding"])
        method = str(kwargs.pop("method", None) or _attribute(form, button, "method")).upper()
        method = method if method in cls.valid_form_methods else "GET"
        action = kwargs.pop("url", None) or _attribute(form, button, "action").strip(HTML_WHITESPACE)
        url = join_as_browsers(form.base_url or response.url, action) if action else response.url
        if method == "GET" and not values:
            url = url.partition("#")[0].partition("?")[0]
        encode = ENCODERS.get(_attribute(form, button, "enctype").strip().lower())
        if method == "GET" or encode is None or "Content-Type" in Headers(kwargs.get("headers") or {}):
            return cls(url, method=method, formdata=values, **kwargs)
        body, content_type = encode(_flat(values, kwargs["encoding"]), _files(fields, kwargs["encoding"]))
        request = cls(url, method=method, body=body, **kwargs)
        request.headers["Content-Type"] = content_type
        return request


def _encode(formdata: Any, encoding: str) -> str:
    return urlencode(_flat(formdata, encoding))


def _flat(formdata: Any, encoding: str) -> list[tuple[bytes, bytes]]:
    """Return the encoded pairs of a form, one for each of several values."""
    pairs: list[tuple[bytes, bytes]] = []
    for name, value in _pairs_of(formdata):
        several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
        pairs += [
            (_encoded(name, encoding), _encoded(part, encoding)) for part in (value if several else (value,))
        ]
    return pairs


def _files(fields: list[Any], encoding: str) -> frozenset[bytes]:
    inputs = [field for field in fields if (field.get("type") or "").lower() == "file"]
    return frozenset(_encoded(field.get("name"), encoding) for field in inputs)


def _encoded(value: Any, encoding: str) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(encoding, "xmlcharrefreplace")


def _query(formxpath: str | None, formcss: str | None) -> str | None:
    if formcss is None:
        return formxpath
    from parsel.csstranslator import css2xpath

    return str(css2xpath(formcss))


def _form(response: Any, name: str | None, form_id: str | None, number: int, query: str | None) -> Any:
    root = response.selector.root
    forms = root.xpath("//form")
    if not forms:
        raise ValueError(f"No <form> element found in {response}")
    for attribute, expected in (("name", name), ("id", form_id)):
        for form in forms:
            if expected is not None and form.get(attribute) == expected:
                return form
    if query is None and (name is not None or form_id is not None):
        raise ValueError(f"No <form> element found with name {name!r} or id {form_id!r} in {response}")
    if query is not None:
        for node in _first(root, query):
            for form in node.iterancestors("form") if node.tag != "form" else [node]:
                return form
        raise ValueError(f"No <form> element found with {query}")
    try:
        return forms[number]
    except IndexError:
        raise IndexError(f"Form number {number} not found in {response}") from None


def _first(root: Any, query: str) -> Any:
    from lxml.etree import XPathError

    try:
        return root.xpath(query)[:1]
    except XPathError as exc:
        raise ValueError(f"the query {query!r} of a form: {exc}") from exc


def _encoding(form: Any, page: str) -> str:
    """Return the encoding in which a browser sends a form of a page."""
    from aioscrapy.http.charset import codec

    accepted = next(filter(None, map(codec, (form.get("accept-charset") or "").split())), None)
    encoding = accepted or page
    return "utf-8" if encoding.lower().startswith(("utf-16", "utf-32")) else encoding


def _attribute(form: Any, button: Any, name: str) -> str:
    """Return an attribute of a form; that of the button wins."""
    own = button.get(f"form{name}") if button is not None else None
    return own or form.get(name) or ""


def _pairs_of(formdata: Any) -> Pairs:
    try:
        rows = formdata.items() if isinstance(formdata, Mapping) else formdata or ()
        return [(name, value) for name, value in rows]
    except (TypeError, ValueError):
        raise ValueError("formdata should be a dict or iterable of tuples") from None


def _filled(fields: list[Any], overrides: Pairs, button: Any, encoding: str) -> Pairs:
    """Return what the fields send, in the order of the page, and behind it the overrides."""
    names = {name for name, _ in overrides}
    pairs: Pairs = []
    for field in fields:
        sent = click_of(field) if field is button else pairs_of(field, encoding)
        pairs += [pair for pair in sent if pair[0] not in names]
    return pairs + [(name, value) for name, value in overrides if value is not None]


def _clicked(form: Any, fields: list[Any], clickdata: dict[str, str | int] | None) -> Any:
    """Return the button to click; None if the form has none."""
    buttons = [field for field in fields if is_button(field)]
    if not buttons:
        return None
    if clickdata is None:
        return buttons[0]
    if isinstance(nr := clickdata.get("nr"), int) and nr < len(list(form.inputs)):
        matches = [list(form.inputs)[nr]]
    else:
        matches = [
            field
            for field in fields
            if all(field.get(name) == str(value) for name, value in clickdata.items())
        ]
    if len(matches) != 1:
        problem = "No clickable element matching" if not matches else f"{len(matches)} elements match"
        raise ValueError(f"{problem} clickdata: {clickdata!r}")
    return matches[0]
