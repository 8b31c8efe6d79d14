"""Requests: URLs, arguments, copies, forms, JSON, curl, and the wire form."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from w3lib.url import safe_url_string

from aioscrapy.exceptions import SerializeError
from aioscrapy.http import FormRequest, Headers, HtmlResponse, JsonRequest, Request, request_from_dict
from aioscrapy.item import Field, Item
from aioscrapy.link import Link
from aioscrapy.selector import Selector
from aioscrapy.utils.request import request_from_dict as from_dict_of_scrapy


class Thing(Item):
    name = Field()
    when = Field()


@dataclass
class Row:
    number: int
    values: dict[str, Any]


class Spider:
    name = "shop"

    def parse(self, response):
        return response

    def parse_item(self, response):
        return response

    def failed(self, failure):
        return failure

    def __private(self, response):
        return response

    def private(self):
        return self.__private

    also_parse = parse


URL_TEXT = st.text(alphabet="abAZ09.:/?#&=;%'@[]!~ \t\né—{}|\\^-_+(),", max_size=25)


class TestUrl:
    @given(rest=URL_TEXT, scheme=st.sampled_from(["http://", "https://", "http://a.b", "https://a-b.c:80/"]))
    @example(scheme="http://", rest="h:65536/")
    @example(scheme="http://", rest="h/a%zz")
    @example(scheme="http://", rest="h?a")
    @example(scheme="http://", rest="h/?#")
    @example(scheme="http://", rest="H/a'b?c'd")
    @example(scheme="http://", rest="a..b/")
    @example(scheme="http://", rest="x" * 64 + "/")
    def test_is_cleaned_as_w3lib_does(self, scheme: str, rest: str) -> None:
        url = scheme + rest
        try:
            expected = safe_url_string(url)
        except ValueError:
            with pytest.raises(ValueError, match=r".*"):
                Request(url)
            return
        assert Request(url).url == expected

    @pytest.mark.parametrize("url", ["/a", "a", "", "www.example.com/a", "?q=1", "#x"])
    def test_without_a_scheme_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match="Missing scheme in request url"):
            Request(url)

    @pytest.mark.parametrize("url", [None, 5, b"http://a/"])
    def test_of_another_type_is_refused(self, url: object) -> None:
        with pytest.raises(TypeError, match="url must be str"):
            Request(url)

    def test_uses_the_encoding_for_the_query_only(self) -> None:
        assert Request("http://a/é?q=é", encoding="latin-1").url == "http://a/%C3%A9?q=%E9"

    def test_may_be_a_selector_of_an_attribute(self) -> None:
        link = Selector(text="<a href=' http://a/b '>x</a>").css("a::attr(href)")[0]
        assert Request(link).url == "http://a/b"

    def test_may_be_a_link_element(self) -> None:
        assert Request(Selector(text="<a href='http://a/b'>x</a>").css("a")[0]).url == "http://a/b"

    def test_is_not_a_list_of_selectors(self) -> None:
        with pytest.raises(ValueError, match="use one of its elements"):
            Request(Selector(text="<a href='http://a/b'>x</a>").css("a::attr(href)"))

    def test_can_not_be_changed(self) -> None:
        with pytest.raises(AttributeError):
            Request("http://a/").url = "http://b/"

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("http://faß.test/ß", "http://xn--fa-hia.test/%C3%9F"),
            ("http://u:ß@straße.test:80", "http://u:%C3%9F@xn--strae-oqa.test:80"),
            ("http://münchen.test/?ß", "http://xn--mnchen-3ya.test/?%C3%9F"),
            ("http://a\u200db.test/", "http://ab.test/"),
        ],
    )
    def test_a_host_is_written_as_browsers_do(self, url: str, expected: str) -> None:
        assert Request(url).url == expected


class TestArguments:
    def test_defaults_are_those_of_scrapy(self) -> None:
        request = Request("http://a/")
        assert (request.method, request.body, request.encoding) == ("GET", b"", "utf-8")
        assert (request.callback, request.errback, request.priority) == (None, None, 0)
        assert (request.meta, request.cb_kwargs, request.cookies, request.flags) == ({}, {}, {}, [])
        assert request.dont_filter is False
        assert request.headers == {}

    def test_the_body_is_encoded(self) -> None:
        assert Request("http://a/", body="é", encoding="latin-1").body == b"\xe9"
        assert Request("http://a/", body=b"\xff").body == b"\xff"

    def test_the_method_is_upper_case(self) -> None:
        assert Request("http://a/", method="post").method == "POST"

    def test_a_dict_given_twice_is_not_shared(self) -> None:
        meta = {"depth": 1}
        first, second = Request("http://a/", meta=meta), Request("http://a/", meta=meta)
        first.meta["depth"] = 2
        assert (second.meta, meta) == ({"depth": 1}, {"depth": 1})

    def test_callbacks_are_callables_or_names(self) -> None:
        assert Request("http://a/", "parse_item").callback == "parse_item"
        with pytest.raises(TypeError, match="callback must be a callable or a method's name, got int"):
            Request("http://a/", 5)
        with pytest.raises(TypeError, match="errback"):
            Request("http://a/", errback=5)

    def test_priority_is_a_number(self) -> None:
        with pytest.raises(TypeError, match="priority not an integer"):
            Request("http://a/", priority="1")

    def test_a_body_of_another_type_is_refused(self) -> None:
        with pytest.raises(TypeError, match="body must be bytes or str, not dict"):
            Request("http://a/", body={"a": 1})

    def test_a_copy_lives_on_its_own(self) -> None:
        request = Request("http://a/", headers={"A": "1"}, meta={"m": 1}, cb_kwargs={"k": 1}, flags=["f"])
        copy = request.copy()
        copy.headers["A"], copy.meta["m"], copy.cb_kwargs["k"] = "2", 2, 2
        copy.flags.append("g")
        assert (request.headers["A"], request.meta, request.cb_kwargs) == (b"1", {"m": 1}, {"k": 1})
        assert request.flags == ["f"]

    def test_replace_keeps_what_is_not_named(self) -> None:
        request = Request("http://a/", "parse", "POST", {"A": "1"}, "x", {"c": "1"}, {"m": 1}, priority=3)
        other = request.replace(url="http://b/", body=b"y")
        assert (other.url, other.body) == ("http://b/", b"y")
        assert (other.callback, other.method, other.headers, other.priority) == (
            "parse",
            "POST",
            {"A": "1"},
            3,
        )
        assert (other.cookies, other.meta) == ({"c": "1"}, {"m": 1})

    def test_replace_can_make_another_class(self) -> None:
        request = JsonRequest("http://a/", data={"a": 1}).replace(cls=Request)
        assert type(request) is Request
        assert request.body == b'{"a": 1}'

    def test_the_classes_of_users_keep_their_attributes(self) -> None:
        class Mine(Request):
            attributes = (*Request.attributes, "colour")

            def __init__(self, *args, colour="red", **kwargs):
                super().__init__(*args, **kwargs)
                self.colour = colour

        assert Mine("http://a/", colour="blue").copy().colour == "blue"


class TestWireForm:
    def test_holds_only_what_differs(self) -> None:
        assert Request("http://a/").to_dict(Spider()) == {"url": "http://a/"}

    def test_comes_back_equal(self) -> None:
        spider = Spider()
        request = Request(
            "http://a/b?c=d",
            spider.parse_item,
            "PUT",
            headers=[("X", "é"), ("X", b"\xff")],
            body=b"\xff\x00",
            cookies=[{"name": "a", "value": "b"}],
            meta={"depth": 1, "pair": [1, 2.5, None, True], "deep": {"é": "—"}},
            encoding="latin-1",
            priority=-3,
            dont_filter=True,
            errback="failed",
            flags=["f"],
            cb_kwargs={"item": {"a": 1}},
            fingerprint="7",
        )
        wire = json.loads(json.dumps(request.to_dict(spider)))
        back = request_from_dict(wire, spider)
        assert back.to_dict(spider) == wire
        assert (back.url, back.method, back.body) == (request.url, "PUT", b"\xff\x00")
        assert back.headers == request.headers
        assert back.callback == spider.parse_item
        assert back.errback == spider.failed
        assert (back.meta, back.cb_kwargs, back.cookies) == (request.meta, request.cb_kwargs, request.cookies)
        assert (back.encoding, back.priority, back.dont_filter, back.flags) == ("latin-1", -3, True, ["f"])
        assert back.fingerprint == "7"

    @given(body=st.binary(max_size=20), encoding=st.sampled_from(["utf-8", "latin-1", "utf-16"]))
    def test_any_body_comes_back(self, body: bytes, encoding: str) -> None:
        wire = json.loads(json.dumps(Request("http://a/", body=body, encoding=encoding).to_dict(None)))
        assert request_from_dict(wire, None).body == body

    def test_a_readable_body_stays_readable(self) -> None:
        assert Request("http://a/", body="ü").to_dict(None)["body"] == "ü"

    def test_a_tuple_comes_back_as_a_list(self) -> None:
        wire = json.loads(json.dumps(Request("http://a/", meta={"a": (1, 2)}).to_dict(None)))
        assert request_from_dict(wire, None).meta == {"a": [1, 2]}

    @pytest.mark.parametrize(
        "request_",
        [FormRequest("http://a/", formdata={"q": "é"}), JsonRequest("http://a/", data={"a": [1]})],
        ids=["form", "json"],
    )
    def test_a_subclass_becomes_an_equal_plain_request(self, request_: Request) -> None:
        back = request_from_dict(request_.to_dict(None), None)
        assert type(back) is Request
        assert (back.method, back.headers, back.body) == ("POST", request_.headers, request_.body)

    def test_a_subclass_returns_by_scrapys_function(self) -> None:
        request = JsonRequest("http://a/", data={"a": "é"}, dumps_kwargs={"ensure_ascii": False})
        back = from_dict_of_scrapy(json.loads(json.dumps(request.to_dict())))
        assert type(back) is JsonRequest
        assert (back.body, back.headers, back.dumps_kwargs) == (
            request.body,
            request.headers,
            request.dumps_kwargs,
        )

    def test_private_and_renamed_methods_are_found(self) -> None:
        spider = Spider()
        for callback in (spider.private(), spider.also_parse):
            wire = Request("http://a/", callback).to_dict(spider)
            assert request_from_dict(wire, spider).callback == callback

    @pytest.mark.parametrize(
        "callback",
        [lambda response: response, Spider().parse, print, "nothing"],
        ids=["lambda", "method of another spider", "function", "unknown name"],
    )
    def test_what_is_no_method_of_the_spider_can_not_travel(self, callback: object) -> None:
        with pytest.raises(SerializeError, match=r"callback of http://a/.*shop.*"):
            Request("http://a/", callback).to_dict(Spider())
        with pytest.raises(SerializeError, match="errback of http://a/"):
            Request("http://a/", errback=callback).to_dict(Spider())

    def test_an_inner_function_can_not_travel(self) -> None:
        def parse(response):
            return response

        with pytest.raises(SerializeError, match="inner functions"):
            Request("http://a/", parse).to_dict(Spider())

    def test_items_dates_and_other_plain_values_return_as_they_were(self) -> None:
        meta = {
            "item": Thing(name=["a"], when=date(2026, 1, 2)),
            "row": Row(3, {"$": 1}),
            "raw": b"\xff",
            "ids": {1, 2},
            "by": {1: (2, "x"), None: frozenset({Decimal("1.5")})},
            "at": [datetime(2026, 1, 2, tzinfo=UTC), time(1), timedelta(1, 2, 3), UUID(int=5)],
            "link": Link("http://x.test/", "X"),
        }
        stored = json.loads(
            json.dumps(Request("http://x.test/", meta=meta, cb_kwargs={"plain": 1}).to_dict(None))
        )
        request = request_from_dict(stored, None)
        assert request.meta == meta
        assert type(request.meta["item"]) is Thing
        assert stored["packed"] == ["meta"]

    def test_a_stored_item_loads_no_module_and_no_other_class(self) -> None:
        for module, name in (("antigravity", "fly"), ("subprocess", "Popen"), ("builtins", "dict.clear")):
            packed = {"$": "item", "v": [module, name, {}]}
            with pytest.raises(SerializeError, match="no loaded module has an item class"):
                request_from_dict({"url": "http://x.test/", "meta": {"a": packed}, "packed": ["meta"]}, None)
        with pytest.raises(SerializeError, match="not a stored value"):
            request_from_dict({"url": "http://x.test/", "meta": {"$": "x"}, "packed": ["meta"]}, None)

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            ({"meta": {"when": object()}}, r"meta\['when'\]: object can't be stored"),
            ({"meta": {"a": {"b": [{1}, open]}}}, r"meta\['a'\]\['b'\]\[1\]: builtin_function"),
            ({"meta": {"a": {1: iter("")}}}, r"meta\['a'\]\[1\]: str_ascii_iterator can't be stored"),
            ({"cb_kwargs": {"raw": range(2)}}, r"cb_kwargs\['raw'\]: range"),
        ],
    )
    def test_what_json_can_not_hold_is_named(self, arguments: dict, named: str) -> None:
        with pytest.raises(SerializeError, match=named):
            Request("http://a/", **arguments).to_dict(None)

    def test_a_value_that_contains_itself_is_named(self) -> None:
        loop: list = []
        loop.append(loop)
        with pytest.raises(SerializeError, match="meta contains itself"):
            Request("http://a/", meta={"a": loop}).to_dict(None)

    def test_an_unknown_callback_names_spider_name_and_url(self) -> None:
        with pytest.raises(SerializeError, match=r"http://a/.*'shop' has no method 'gone'"):
            request_from_dict({"url": "http://a/", "callback": "gone"}, Spider())

    @pytest.mark.parametrize(
        "wire", [{}, {"url": 5}, {"url": "/a"}, {"url": "http://a/", "body": {"x": 1}}, {"x": 1}]
    )
    def test_what_is_no_request_is_refused(self, wire: dict) -> None:
        with pytest.raises(SerializeError, match="not a request: "):
            request_from_dict(wire, Spider())


class TestForms:
    def test_is_posted_unless_told_otherwise(self) -> None:
        request = FormRequest("http://a/?x=1", formdata={"q": "a b", "r": ["1", "2"], "n": 3})
        assert (request.method, request.url) == ("POST", "http://a/?x=1")
        assert request.body == b"q=a+b&r=1&r=2&n=3"
        assert request.headers["Content-Type"] == b"application/x-www-form-urlencoded"

    def test_goes_into_the_url_with_get(self) -> None:
        request = FormRequest("http://a/s?x=1#f", method="GET", formdata=[("q", "é"), ("q", "2")])
        assert (request.url, request.body) == ("http://a/s?q=%C3%A9&q=2", b"")

    def test_without_data_is_a_plain_get(self) -> None:
        assert FormRequest("http://a/").method == "GET"
        for formdata in ("q=1", [("q",)], 5):
            with pytest.raises(ValueError, match="formdata should be a dict or iterable of tuples"):
                FormRequest("http://a/", formdata=formdata)

    def test_a_copy_keeps_the_body(self) -> None:
        request = FormRequest("http://a/", formdata={"q": "1"})
        assert (request.copy().body, request.copy().method) == (b"q=1", "POST")

    PAGE = """
      <form action="/one" method="get" name="first"><input name="a" value="1"></form>
      <form action=" two " method="POST" id="second">
        <input type="hidden" name="token" value="t&amp;1"><input name="empty"><input value="nameless">
        <input type="checkbox" name="on" checked><input type="CheckBox" name="off">
        <input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
        <textarea name="text">words</textarea>
        <select name="one"><option value="x">X</option><option value="y">Y</option></select>
        <select name="many" multiple><option value="p" selected>P</option><option selected>Q</option></select>
        <input type="submit" name="go" value="Go"><button name="other" value="o">O</button>
        <input type="reset" name="reset" value="R">
      </form>"""

    def page(self) -> HtmlResponse:
        return HtmlResponse("http://a/dir/page", body=self.PAGE, encoding="utf-8")

    def test_a_form_on_a_page_is_filled_in(self) -> None:
        request = FormRequest.from_response(self.page(), formid="second", formdata={"empty": "full"})
        assert (request.method, request.url) == ("POST", "http://a/dir/two")
        assert request.body == (b"token=t%261&on=on&r=2&text=words&one=x&many=p&many=Q&go=Go&empty=full")

    @pytest.mark.parametrize(
        "choice",
        [
            {"formname": "first"},
            {"formnumber": 0},
            {"formxpath": "//input[@name='a']"},
            {"formcss": "form[name=first]"},
        ],
    )
    def test_a_form_is_chosen(self, choice: dict) -> None:
        assert FormRequest.from_response(self.page(), **choice).url == "http://a/one?a=1"

    @pytest.mark.parametrize("choice", [{"formname": "unknown"}, {"formid": "unknown"}])
    def test_a_form_that_is_not_there_is_not_another_one(self, choice: dict) -> None:
        with pytest.raises(ValueError, match="unknown"):
            FormRequest.from_response(self.page(), **choice)

    def test_a_field_is_left_out_by_none(self) -> None:
        body = FormRequest.from_response(self.page(), formnumber=1, formdata={"text": None, "one": None}).body
        assert b"text=" not in body
        assert b"one=" not in body

    def test_a_button_is_chosen(self) -> None:
        def body(**kwargs):
            return FormRequest.from_response(self.page(), formid="second", **kwargs).body

        assert b"go=Go" not in body(clickdata={"name": "other"})
        assert b"other=o" in body(clickdata={"name": "other"})
        assert b"go=" not in body(dont_click=True)
        with pytest.raises(ValueError, match="No clickable element matching"):
            body(clickdata={"name": "gone"})
        with pytest.raises(ValueError, match="elements match"):
            body(clickdata={"type": "radio"})

    def test_what_is_not_there_is_said(self) -> None:
        with pytest.raises(ValueError, match="No <form> element found in <200 http://a/>"):
            FormRequest.from_response(HtmlResponse("http://a/", body=b"<p>"))
        with pytest.raises(IndexError, match="Form number 7 not found"):
            FormRequest.from_response(self.page(), formnumber=7)
        with pytest.raises(ValueError, match="No <form> element found with //nothing"):
            FormRequest.from_response(self.page(), formxpath="//nothing")


class TestJson:
    def test_sends_data_by_post(self) -> None:
        request = JsonRequest("http://a/", data={"b": 1, "a": "é"}, dumps_kwargs={"ensure_ascii": False})
        assert (request.method, request.body.decode()) == ("POST", '{"a": "é", "b": 1}')
        assert request.headers["Content-Type"] == b"application/json"
        assert request.headers["Accept"].startswith(b"application/json")

    def test_keeps_a_method_and_headers_that_are_given(self) -> None:
        request = JsonRequest("http://a/", method="PATCH", data=[], headers={"Accept": "x/y"})
        assert (request.method, request.body, request.headers["Accept"]) == ("PATCH", b"[]", b"x/y")

    def test_without_data_is_a_get(self) -> None:
        assert (JsonRequest("http://a/").method, JsonRequest("http://a/").body) == ("GET", b"")

    def test_a_body_wins_over_data_with_a_warning(self) -> None:
        with pytest.warns(UserWarning, match="data will be ignored"):
            request = JsonRequest("http://a/", body=b"own", data={"a": 1})
        assert (request.method, request.body) == ("GET", b"own")
        with pytest.warns(UserWarning, match="data will be ignored"):
            assert JsonRequest("http://a/", None, "POST", None, b"own", data=[1]).body == b"own"
        with pytest.warns(UserWarning, match="data will be ignored"):
            assert JsonRequest("http://a/").replace(body=b"own", data=[1]).body == b"own"

    def test_replace_takes_new_data(self) -> None:
        assert JsonRequest("http://a/", data={"a": 1}).replace(data={"b": 2}).body == b'{"b": 2}'


class TestCurl:
    def test_a_command_as_browsers_copy_it(self) -> None:
        request = Request.from_curl(
            "curl 'http://a/x?y=1' -X PUT -H 'Accept: text/html' -H 'Cookie: a=1; b=2' -b c=3 \\\n"
            " -u me:secret --data-raw '{\"q\": 1}' -H 'Content-Type: application/json' --compressed"
        )
        assert (request.url, request.method, request.body) == ("http://a/x?y=1", "PUT", b'{"q": 1}')
        assert request.cookies == {"a": "1", "b": "2", "c": "3"}
        assert request.headers == Headers(
            {"Accept": "text/html", "Content-Type": "application/json", "Authorization": "Basic bWU6c2VjcmV0"}
        )

    def test_data_make_a_post(self) -> None:
        request = Request.from_curl("curl a.com -d x=1 -d y=2")
        assert (request.url, request.method, request.body) == ("http://a.com", "POST", b"x=1&y=2")
        assert request.headers["Content-Type"] == b"application/x-www-form-urlencoded"

    @pytest.mark.parametrize(
        ("quoted", "body"),
        [
            (r"$'a\u0021=1\nb\'c\\d'", "a!=1\nb'c\\d"),
            (r"$'\ud83d\ude00 \xc3\xa9 \303\251 é'", "\U0001f600 é é é"),
            (r"$'\xff\ud83d'", "\ufffd\ufffd"),
            ("'$x' -H 'Price: $'", "$x"),
        ],
    )
    def test_a_body_with_escapes_of_bash_is_read(self, quoted: str, body: str) -> None:
        assert Request.from_curl(f"curl http://a/ --data-raw {quoted}").body.decode() == body

    def test_arguments_override_the_command(self) -> None:
        assert Request.from_curl("curl http://a/ -X POST", method="PUT", priority=2).method == "PUT"

    def test_what_is_no_command_is_refused(self) -> None:
        for command in ("wget http://a/", "", "curl", "curl -X"):
            with pytest.raises(ValueError, match="curl"):
                Request.from_curl(command)
        with pytest.raises(ValueError, match="--nothing"):
            Request.from_curl("curl http://a/ --nothing", ignore_unknown_options=False)


@pytest.mark.parametrize("url", ["http://a.test/price/£", "http://a.test/blank space", "http://a.test/%zz"])
def test_a_verbatim_url_stays_as_it_is(url: str) -> None:
    request = Request(url, meta={"verbatim_url": True})
    assert request.url == url
    assert request.copy().url == url
    assert request_from_dict(request.to_dict(None), None).url == url


@pytest.mark.parametrize("url", ["a.test/x", "http://a.test/\r\nX: 1", "http://a.test/\0"])
def test_a_verbatim_url_starts_no_other_line(url: str) -> None:
    with pytest.raises(ValueError, match="verbatim URL"):
        Request(url, meta={"verbatim_url": True})


def test_a_request_is_written_as_a_command_of_curl() -> None:
    request = Request("http://a.test/", method="POST", body=b"x=1", headers={"A": "b"}, cookies={"c": "d"})
    assert request.to_curl() == "curl -X POST http://a.test/ --data-raw 'x=1' -H 'A: b' --cookie 'c=d'"
    again = Request.from_curl(request.to_curl())
    assert (again.method, again.url, again.body) == ("POST", "http://a.test/", b"x=1")
    assert again.cookies == {"c": "d"}
