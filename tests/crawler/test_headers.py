"""Headers: names in any case, values as bytes, several of one name."""

import copy
from typing import Any

import pytest

from aioscrapy.http import Headers

RAW = [(b"content-type", b"text/html"), (b"SET-COOKIE", b"a=1"), (b"Set-Cookie", b"b=2"), (b"X", b"\xe9")]


@pytest.fixture(params=["raw", "given"])
def headers(request: pytest.FixtureRequest) -> Headers:
    return Headers.from_raw(RAW) if request.param == "raw" else Headers(RAW)


def test_a_name_is_found_in_any_case(headers: Headers) -> None:
    assert headers["Content-Type"] == headers[b"CONTENT-type"] == headers.get("content-type") == b"text/html"
    assert "x" in headers
    assert b"y" not in headers
    assert 5 not in headers


def test_the_last_value_is_given_and_all_by_getlist(headers: Headers) -> None:
    assert headers["set-cookie"] == b"b=2"
    assert headers.getlist("set-cookie") == [b"a=1", b"b=2"]
    assert headers.getlist("none") == []
    assert headers.getlist("none", "x") == [b"x"]


def test_a_default_is_bytes_too(headers: Headers) -> None:
    assert headers.get("none") is None
    assert headers.get("none", "x") == b"x"
    with pytest.raises(KeyError):
        headers["none"]


def test_the_arguments_have_the_names_of_scrapy() -> None:
    headers = Headers(seq={"a": "1"}, encoding="utf-8")
    headers.setlist(key="b", list_=["2", "3"])
    headers.appendlist(key="b", value="4")
    assert headers.setdefault(key="c", def_val="5") == [b"5"]
    assert headers.setlistdefault(key="c", default_list=["6"]) == [b"5"]
    assert headers.get(key="none", def_val="7") == b"7"
    assert headers.getlist(key="b", def_val=["8"]) == [b"2", b"3", b"4"]
    assert headers.has_key("A")
    assert Headers.fromkeys(keys=["d"], value="9").getlist("d") == [b"9"]


def test_it_reads_as_a_mapping(headers: Headers) -> None:
    assert list(headers) == [b"Content-Type", b"Set-Cookie", b"X"]
    assert len(headers) == 3
    assert dict(headers)[b"Set-Cookie"] == b"b=2"
    assert list(headers.items())[1] == (b"Set-Cookie", [b"a=1", b"b=2"])
    assert list(headers.values()) == [b"text/html", b"b=2", b"\xe9"]
    assert headers == {"content-type": "text/html", "set-cookie": ["a=1", "b=2"], "x": b"\xe9"}
    assert headers != {"content-type": "text/html"}
    assert headers != 5


def test_it_can_be_changed(headers: Headers) -> None:
    headers["content-TYPE"] = "text/plain"
    headers.appendlist("Set-Cookie", "c=3")
    headers.setlist("list", ["1", 2])
    headers.setdefault("X", "kept")
    headers.setdefault("new", "é")
    del headers["x"]
    assert headers.pop("list") == b"2"
    headers.update({"u": 1}, v="2")
    assert headers.to_tuple_list() == [
        ("Content-Type", "text/plain"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Set-Cookie", "c=3"),
        ("New", "é"),
        ("U", "1"),
        ("V", "2"),
    ]
    assert RAW[0] == (b"content-type", b"text/html")


def test_a_copy_lives_on_its_own(headers: Headers) -> None:
    for made in (headers.copy(), Headers(headers), copy.copy(headers)):
        made.appendlist("set-cookie", "c")
        made["content-type"] = "x"
        assert headers.getlist("set-cookie") == [b"a=1", b"b=2"]
        assert headers["content-type"] == b"text/html"


def test_lines_come_out_as_they_are_sent(headers: Headers) -> None:
    assert b"\r\n".join(headers.to_string().lower().split(b"\r\n")) == (
        b"content-type: text/html\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx: \xe9"
    )
    assert [value for _, value in headers.raw()] == [value for _, value in RAW]


def test_unicode_headers_are_found_in_any_case_and_never_fail(headers: Headers) -> None:
    found = headers.to_unicode_dict()
    assert found["SET-COOKIE"] == "a=1,b=2"
    assert found.get("x") == "é"
    assert "content-type" in found
    assert found.get("none", "d") == "d"


def test_values_have_the_encoding_and_a_known_type() -> None:
    assert Headers({"A": "é"}, encoding="latin-1")["a"] == b"\xe9"
    assert Headers({"A": None}).getlist("a") == []
    assert Headers({"A": None})["a"] is None
    with pytest.raises(TypeError, match="not float"):
        Headers({"A": 1.5})


def test_empty_is_false() -> None:
    assert not Headers()
    assert not Headers.from_raw([])
    assert Headers({"a": "b"})


def test_filling_sets_what_is_missing_and_shares_nothing() -> None:
    defaults = Headers({"Accept": "a/b", "User-Agent": "me"})
    first, second = Headers({"accept": "c/d"}), Headers()
    first.fill(defaults)
    second.fill(defaults)
    second.appendlist("User-Agent", "too")
    assert first.items() == {b"Accept": [b"c/d"], b"User-Agent": [b"me"]}.items()
    assert defaults.getlist("User-Agent") == [b"me"]


@pytest.mark.parametrize("name", [5, None, 1.5, ("a",)])
def test_a_name_that_is_not_a_text_is_refused_in_words(name: Any) -> None:
    with pytest.raises(TypeError, match="name must be str or bytes"):
        Headers({name: "value"})
