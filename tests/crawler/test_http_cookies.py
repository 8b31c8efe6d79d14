"""Cookies by RFC 6265 and as browsers read it: attributes in every form, dates, domains, raw bytes."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.http import Request, Response
from aioscrapy.http.cookies import (
    MAX_BYTES,
    MAX_COOKIES,
    Cookie,
    CookieJar,
    cookie_of,
    entry_of,
    parse_cookie_date,
    parse_set_cookie,
    site_of,
)

PAGE = "http://www.a.test/shop/list"


def sent(line: str | bytes, page: str = PAGE, to: str = PAGE) -> bytes | None:
    """Return the Cookie header for a request after a response with one Set-Cookie line."""
    jar = CookieJar()
    cookie = parse_set_cookie(line if isinstance(line, bytes) else line.encode(), page)
    if cookie is not None:
        jar.put(cookie)
    return jar.header(to)


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        ";",
        ";;;",
        "; ",
        "; Domain=",
        "; Domain",
        "; Domain=.",
        "; domain = www.a.test",
        "; DOMAIN=.WWW.A.TEST",
        "; Domain=evil.test; Domain=a.test",
        "; Path=foo",
        "; Path=",
        "; Path",
        '; Path="/"',
        "; path=/shop",
        '; Max-Age="100"',
        "; Max-Age=soon",
        "; Max-Age=",
        "; Max-Age=1.5",
        "; Max-Age=+5",
        "; Max-Age= 99 ",
        "; Max-Age=999999999999999999999999",
        "; Max-Age=0x10",
        "; Max-Age=100; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "; Expires=",
        "; Expires=never",
        "; Expires=0",
        "; Expires=Wed, 30 Feb 2050 00:00:00 GMT",
        "; Expires=Thu, 01-Jan-2099 00:00:00 GMT",
        "; HttpOnly=no",
        "; SameSite",
        "; SameSite=Odd",
        "; Partitioned",
        "; Priority=High",
        "; Version=1",
        '; Comment="a;b"',
        "; Path=/" + "x" * 2000,
        "; \u00e9=\u00e9",
        "; =x",
    ],
)
def test_an_odd_attribute_does_not_take_the_cookie_away(attributes: str) -> None:
    assert sent("a=1" + attributes) == b"a=1"


@pytest.mark.parametrize(
    "attributes",
    [
        "; Domain=evil.test",
        "; Domain=test",
        "; Domain=shop.www.a.test",
        "; Domain=ww.a.test",
        "; Domain=a.test:80",
        "; Max-Age=0",
        "; Max-Age=-1",
        "; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "; Path=/admin",
        "; Path=/sho",
        "; Secure",
    ],
)
def test_a_cookie_that_is_not_for_this_request_is_not_sent(attributes: str) -> None:
    assert sent("a=1" + attributes) is None


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("a=1", b"a=1"),
        (" a = 1 ", b"a=1"),
        ("a=", b"a="),
        ("a=b=c", b"a=b=c"),
        ('a="b c"', b'a="b c"'),
        ("a", b"a"),
        ("=a", b"a"),
        ("a=1,b=2", b"a=1,b=2"),
        ("a b=1", b"a b=1"),
        ("$Version=1", b"$Version=1"),
        ("a\t=\t1\t", b"a=1"),
        ("", None),
        ("=", None),
        (";a=1", None),
        ("a=\x01", None),
        ("a=1\x7f", None),
        ("a=1\x002", None),
        ("a=1; Path=/\x01", None),
        ("a[0]=1", b"a[0]=1"),
        ('a={"b":1}', b'a={"b":1}'),
        ("a=" + "x" * (MAX_BYTES - 1), b"a=" + b"x" * (MAX_BYTES - 1)),
        ("a=" + "x" * MAX_BYTES, None),
    ],
)
def test_names_and_values_are_read_as_browsers_read_them(line: str, header: bytes | None) -> None:
    assert sent(line) == header


@pytest.mark.parametrize(
    "value", ["中文".encode(), b"caf\xe9", "日本".encode("shift_jis"), bytes(range(128, 256))]
)
def test_a_value_comes_back_as_the_same_bytes(value: bytes) -> None:
    cookie = parse_set_cookie(b"a=" + value, PAGE)
    assert cookie is not None
    jar = CookieJar()
    jar.put(Cookie(*json.loads(json.dumps(cookie))))
    assert jar.header(PAGE) == b"a=" + value


@pytest.mark.parametrize(
    ("page", "domain", "to", "comes"),
    [
        ("http://localhost:8000/", "localhost", "http://localhost/", True),
        ("http://127.0.0.1/", "127.0.0.1", "http://127.0.0.1/", True),
        ("http://127.0.0.1/", "0.0.1", "http://127.0.0.1/", False),
        ("http://[::1]/", "", "http://[::1]:8000/", True),
        ("http://a.test/", "a.test", "http://www.a.test/", True),
        ("http://a.test/", "", "http://www.a.test/", False),
        ("http://www.a.test/", ".a.test", "http://a.test/", True),
        ("http://www.a.co.uk/", "co.uk", "http://b.co.uk/", False),
        ("http://www.a.co.uk/", "a.co.uk", "http://b.a.co.uk/", True),
        ("http://a.test/", "a.test", "http://nota.test/", False),
        ("http://A.test/", "a.TEST", "http://www.a.test/", True),
        ("http://user:pass@a.test/", "a.test", "http://a.test/", True),
    ],
)
def test_the_domain_of_a_cookie(page: str, domain: str, to: str, comes: bool) -> None:
    assert sent(f"a=1; Domain={domain}; Path=/", page, to) == (b"a=1" if comes else None)


@pytest.mark.parametrize(
    ("page", "path", "to", "comes"),
    [
        ("http://a.test", "", "http://a.test/x", True),
        ("http://a.test/x/y", "", "http://a.test/x", True),
        ("http://a.test/x/y", "", "http://a.test/x/z?q=/", True),
        ("http://a.test/x/y", "", "http://a.test/xy", False),
        ("http://a.test/x/y", "", "http://a.test/", False),
        ("http://a.test/x?u=/y/z", "", "http://a.test/", True),
        ("http://a.test/", "/x/", "http://a.test/x", False),
        ("http://a.test/", "/x/", "http://a.test/x/y", True),
        ("http://a.test/", "/X", "http://a.test/x", False),
    ],
)
def test_the_path_of_a_cookie(page: str, path: str, to: str, comes: bool) -> None:
    assert sent(f"a=1; Path={path}", page, to) == (b"a=1" if comes else None)


def test_a_secure_cookie_goes_over_tls_and_to_this_machine() -> None:
    line = "a=1; Secure; Path=/"
    assert sent(line, "https://a.test/", "https://a.test/") == b"a=1"
    assert sent(line, "https://a.test/", "http://a.test/") is None
    assert sent(line, "http://127.0.0.1:8000/", "http://127.0.0.1:8000/") == b"a=1"


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "06 Nov 1994 08:49:37",
        "6-nov-1994 8:49:37",
        "08:49:37 06 november 94",
        "1994 Nov 06 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 +0200",
        "Sun, 06 Nov 1994 08:49:37.5 GMT",
    ],
)
def test_a_date_is_read_in_many_forms(text: str) -> None:
    assert parse_cookie_date(text) == 784111777


@pytest.mark.parametrize(
    "text",
    ["", "x", "0", "06 Nov 1994", "31 Feb 2000 00:00:00", "1 Nov 1600 00:00:00", "1 Nov 2000 24:00:00"],
)
def test_a_date_that_is_not_one_is_none(text: str) -> None:
    assert parse_cookie_date(text) is None


def test_longer_paths_come_first_then_older_cookies() -> None:
    jar = CookieJar()
    for line in (b"a=1; Path=/", b"b=2; Path=/shop", b"c=3; Path=/", b"a=4; Path=/"):
        cookie = parse_set_cookie(line, PAGE)
        assert cookie is not None
        jar.put(cookie)
    assert jar.header(PAGE) == b"b=2; a=4; c=3"


def test_a_cookie_ends_at_its_time() -> None:
    jar = CookieJar()
    jar.put(Cookie("a", "1", "a.test", True, "/", False, time.time() + 0.05))
    assert jar.header("http://a.test/") == b"a=1"
    time.sleep(0.06)  # the clock is the thing under test
    assert jar.header("http://a.test/") is None


@pytest.mark.parametrize("jar", [None, 1, "1", "ü"])
def test_a_cookie_travels_as_an_entry_of_a_store(jar: object) -> None:
    cookie = Cookie("a", "caf\xe9", "a.test", False, "/x", True, 1e10)
    assert cookie_of(*entry_of(jar, cookie)) == (jar, cookie)
    assert entry_of(jar, cookie)[0] == entry_of(jar, cookie._replace(value="2"))[0]


def test_a_jar_is_bounded() -> None:
    jar = CookieJar()
    for number in range(MAX_COOKIES + 20):
        jar.put(Cookie(f"n{number}", "1", "a.test", True, "/", False))
    assert len(jar) == MAX_COOKIES
    assert [cookie.name for cookie in jar][:1] == ["n20"]


def test_the_site_of_a_url() -> None:
    assert [site_of(f"http://{host}/") for host in ("a.b.test", "test", "127.0.0.1:80", "[::1]:8")] == [
        "b.test",
        "test",
        "127.0.0.1",
        "::1",
    ]


@given(st.binary(max_size=80), st.sampled_from([PAGE, "http://localhost/", "https://[::1]/x"]))
def test_no_line_breaks_the_jar_and_what_is_kept_can_be_sent(line: bytes, page: str) -> None:
    header = sent(line, page, page)
    assert header is None or not set(header) & {*range(9), *range(10, 32), 127}


def test_a_jar_of_a_spider_takes_the_cookies_of_a_response() -> None:
    request = Request("http://a.test/x")
    headers = {"Set-Cookie": ["a=1; Path=/", "b=2; Domain=evil.test", "c=3"]}
    jar = CookieJar()
    jar.extract_cookies(Response(request.url, headers=headers, request=request), request)
    assert {cookie.name: cookie.value for cookie in jar} == {"a": "1", "c": "3"}
    following = Request("http://a.test/y")
    jar.add_cookie_header(following)
    assert following.headers["Cookie"] == b"a=1; c=3"
    jar.clear()
    assert not list(jar)
