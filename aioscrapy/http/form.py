"""A request that sends a form: your own data, or a form of a page."""

from collections.abc import Iterable, Mapping
from typing import Any, Self
from urllib.parse import urlencode, urljoin

from aioscrapy.http.request import Request
from aioscrapy.http.url import HTML_WHITESPACE, clean_url

FormData = Mapping[str, Any] | Iterable[tuple[str, Any]] | None
Pairs = list[tuple[Any, Any]]

_METHODS = ("GET", "POST")
_CASE_FREE_TYPE = "translate(@type, 'ABCEGHIKMORSTUX', 'abceghikmorstux')"
_INPUTS = (
    "descendant::textarea | descendant::select | descendant::input[not(@type) or not("
    f"{_CASE_FREE_TYPE} = 'submit' or {_CASE_FREE_TYPE} = 'image' or {_CASE_FREE_TYPE} = 'reset'"
    f" or (not(@checked) and ({_CASE_FREE_TYPE} = 'checkbox' or {_CASE_FREE_TYPE} = 'radio')))]"
)
_CLICKABLE = (
    f"descendant::input[{_CASE_FREE_TYPE} = 'submit' or {_CASE_FREE_TYPE} = 'image']"
    f" | descendant::button[not(@type) or {_CASE_FREE_TYPE} = 'submit']"
)


class FormRequest(Request):
    """A request that sends `formdata`: name -> value or list of values, or pairs of them.

    POST sends it in the body, GET in the query of the URL, which it replaces.
    """

    __slots__ = ()

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
        unless `dont_click` is set.

        Raises:
            ValueError: the form or the button does not exist, or several buttons match.
            IndexError: the page has fewer forms than `formnumber`.
        """
        kwargs.setdefault("encoding", response.encoding)
        form = _form(response, formname, formid, formnumber, _query(formxpath, formcss))
        pairs = list(formdata.items() if isinstance(formdata, Mapping) else formdata or ())
        values = _filled(form, pairs, None if dont_click else _clicked(form, clickdata))
        base = form.base_url or response.url
        action = kwargs.pop("url", None) or (form.get("action") or "").strip(HTML_WHITESPACE)
        method = str(kwargs.pop("method", None) or form.method).upper()
        return cls(
            urljoin(base, action), method=method if method in _METHODS else "GET", formdata=values, **kwargs
        )


def _encode(formdata: Any, encoding: str) -> str:
    pairs: Pairs = []
    for name, value in formdata.items() if isinstance(formdata, Mapping) else formdata:
        several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
        pairs += [
            (_encoded(name, encoding), _encoded(part, encoding)) for part in (value if several else (value,))
        ]
    return urlencode(pairs)


def _encoded(value: Any, encoding: str) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(encoding)


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
    if query is not None:
        for node in root.xpath(query)[:1]:
            for form in node.iterancestors("form") if node.tag != "form" else [node]:
                return form
        raise ValueError(f"No <form> element found with {query}")
    try:
        return forms[number]
    except IndexError:
        raise IndexError(f"Form number {number} not found in {response}") from None


def _filled(form: Any, overrides: Pairs, clicked: tuple[str | None, str] | None) -> Pairs:
    try:
        names = {name for name, _ in overrides}
    except (TypeError, ValueError):
        raise ValueError("formdata should be a dict or iterable of tuples") from None
    pairs: Pairs = []
    for field in form.xpath(_INPUTS):
        name, value = field.name, field.value
        if not name or name in names:
            continue
        if field.tag == "select" and value is None and not field.multiple:
            if not field.value_options:
                continue
            value = field.value_options[0]  # a browser shows and sends the first option
        pairs.append((name, "" if value is None else value))
    if clicked is not None and clicked[0] and clicked[0] not in names:
        pairs.append(clicked)
    return pairs + [(name, value) for name, value in overrides if value is not None]


def _clicked(form: Any, clickdata: dict[str, str | int] | None) -> tuple[str | None, str] | None:
    buttons = form.xpath(_CLICKABLE)
    if not buttons:
        return None
    if clickdata is None:
        matches = buttons[:1]
    elif isinstance(nr := clickdata.get("nr"), int) and nr < len(list(form.inputs)):
        matches = [list(form.inputs)[nr]]
    else:
        matches = [
            node
            for node in form.iterdescendants()
            if all(node.get(name) == str(value) for name, value in clickdata.items())
        ]
    if len(matches) != 1:
        problem = "No clickable element matching" if not matches else f"{len(matches)} elements match"
        raise ValueError(f"{problem} clickdata: {clickdata!r}")
    return matches[0].get("name"), matches[0].get("value") or ""
