"""Responses: encodings, links, what each class can do, and which class a response gets."""

import encodings.aliases
from urllib.parse import urljoin

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from w3lib.url import safe_url_string

from aioscrapy.exceptions import NotSupported
from aioscrapy.http import (
    Headers,
    HtmlResponse,
    JsonResponse,
    Request,
    Response,
    TextResponse,
    XmlResponse,
    response_class,
)
from aioscrapy.http.url import as_browsers_read, join, split_base
from aioscrapy.selector import Selector
from aioscrapy.utils.response import response_from_dict


def html(body: bytes, content_type: str | None = "text/html", **kwargs: object) -> HtmlResponse:
    headers = {"Content-Type": content_type} if content_type else None
    return HtmlResponse("http://a/dir/page", headers=headers, body=body, **kwargs)


LINK = st.text(alphabet="abA09.:/?#&=;%'@[]! \t\né_-~", max_size=14)
SCHEME = st.sampled_from(
    ["", "/", "//", "http://", "https://h", "http://h/", "../", "./", "?", "mailto:", "HTTP://h/"]
)
BASES = [
    "http://h", "http://h/", "http://h/a", "http://h/a/b", "http://h/a/b/", "https://h:8080/a/b?c=d/e#f",
    "http://h/a//b/c", "http://h/a/../b", "http://h/a/b;p", "http://h/a;p/b", "http://h?q", "http://H/a/",
    "ftp://h/a", "file:///a/b", "about:blank", "data:,x", "", "http://[::1]/a", "http://u:p@h/a", "http://h/é/b",
    "http://h:", "http://h~a/b",
]  # fmt: skip


class TestUrljoin:
    @given(base=st.sampled_from(BASES), scheme=SCHEME, rest=LINK)
    @example(base="http://h/a/b", scheme="", rest="c//d")
    @example(base="http://h/a/b", scheme="", rest="c;")
    @example(base="http://h/a/b", scheme="/", rest="..")
    @example(base="http://h/a/b", scheme="/", rest="a?")
    @example(base="http://h/a/b", scheme="", rest="a:b")
    @example(base="http://h", scheme="", rest="a/b")
    @example(base="http://h:", scheme="/", rest="a")
    @example(base="https://a.b%2F", scheme="/", rest="a")
    def test_equals_the_standard_library(self, base: str, scheme: str, rest: str) -> None:
        href = scheme + rest
        assume(not base.startswith("http") or as_browsers_read(base, href) == href)
        try:
            expected = urljoin(base, href)
        except ValueError:
            with pytest.raises(ValueError, match=r".*"):
                join(split_base(base), href)
            return
        assert join(split_base(base), href) == expected

    @given(base=st.sampled_from(BASES), scheme=SCHEME, rest=LINK)
    @example(base="http://h/a%/b", scheme="", rest="c")
    @example(base="http://h/a", scheme="/", rest="%zz")
    def test_a_request_for_it_is_as_clean_as_for_any_url(self, base: str, scheme: str, rest: str) -> None:
        try:
            joined = join(split_base(base), scheme + rest)
            expected = safe_url_string(joined)
        except ValueError:
            return
        if "://" in expected:
            assert Request(joined).url == expected

    def test_takes_the_selector_of_an_attribute(self) -> None:
        response = html(b"<a href=' x.html '>1</a><a href='/y'>2</a>")
        joined = [response.urljoin(href) for href in response.css("a::attr(href)")]
        assert joined == ["http://a/dir/x.html", "http://a/y"]

    @pytest.mark.parametrize(
        ("base", "joined"),
        [
            (b"<base href='/other/'>", "http://a/other/x"),
            (b"<BASE target=_top href=http://b/c/d>", "http://b/c/x"),
            (b"<!-- <base href='/no/'> -->", "http://a/dir/x"),
            (b"<base>", "http://a/dir/x"),
            (b" " * 5000 + b"<base href='/late/'>", "http://a/dir/x"),
            (b"<base href='http://[no'>", "http://a/dir/x"),
        ],
    )
    def test_honours_the_base_of_a_page(self, base: bytes, joined: str) -> None:
        assert html(b"<html><head>" + base + b"</head>").urljoin("x") == joined

    @pytest.mark.parametrize(
        ("href", "joined"),
        [
            ("\\x\\y", "http://a/x/y"),
            ("x\\y", "http://a/dir/x/y"),
            ("http:\\\\b\\x", "http://b/x"),
            ("///b/x", "http://b/x"),
            (" \\x?u=\\", "http://a/x?u=\\"),
            ("javascript:go('\\x')", "javascript:go('\\x')"),
        ],
    )
    def test_reads_slashes_as_browsers_do(self, href: str, joined: str) -> None:
        assert html(b"").urljoin(href) == joined

    @pytest.mark.parametrize("nothing", [None, "", []])
    def test_of_nothing_is_the_base_of_the_page(self, nothing: object) -> None:
        assert html(b"<base href='/d/'>").urljoin(nothing) == "http://a/d/"
        assert Response("http://a/b/c?d").urljoin(nothing) == "http://a/b/c?d"

    def test_of_a_binary_response_knows_no_base(self) -> None:
        assert Response("http://a/b/c", body=b"<base href='/d/'>").urljoin("x") == "http://a/b/x"


class TestEncoding:
    @pytest.mark.parametrize(
        ("response", "encoding", "text"),
        [
            (html(b"\xe9", encoding="latin-1"), "latin-1", "é"),
            (html(b"\xe9", "text/html; charset=ISO-8859-1"), "cp1252", "é"),
            (html(b"\x80", "text/html; charset=ISO-8859-1"), "cp1252", "€"),
            (html(b"\xef\xbb\xbf\xc3\xa9", "text/html; charset=latin-1"), "utf-8", "é"),
            (html(b"\xff\xfea\x00"), "utf-16-le", "a"),
            (html("a".encode("utf-16-be"), "text/html; charset=utf-16"), "utf-16-be", "a"),
            (html(b"<meta charset='cp1251'>\xe9"), "cp1251", "<meta charset='cp1251'>й"),
            (html(b"<meta charset=gb2312>\x95\x32\x82\x36"), "gb18030", "<meta charset=gb2312>\U00020000"),
            (html(b"<meta charset=cp1251>\xc3\xa9", "x/y;charset=UTF-8"), "utf-8", "<meta charset=cp1251>é"),
            (html(b"<?xml encoding='cp1251'?>\xe9"), "cp1251", "<?xml encoding='cp1251'?>й"),
            (html(b"\xc3\xa9"), "utf-8", "é"),
            (html(b"\xc3\xa9", None), "utf-8", "é"),
            (html(b"caf\xe9 au lait"), "cp1252", "café au lait"),
            (html(b"\xc3\xa9 cut \xe2\x82"), "utf-8", "é cut \ufffd"),
            (html(b"a\xffb", "text/html; charset=utf-8"), "utf-8", "a\ufffdb"),
            (html(b"\xc3\xa9", "text/html; charset=nonsense"), "utf-8", "é"),
            (html(b"\xc3\xa9", "text/html; charset=hex"), "utf-8", "é"),
            (html(rb"\ud800", "text/html; charset=unicode_escape"), "utf-8", r"\ud800"),
            (html(rb"\ud800", "text/html; charset=raw-unicode-escape"), "utf-8", r"\ud800"),
            (html(b"\xc3\xa9", encoding="nonsense"), "nonsense", "é"),
            (html(b""), "utf-8", ""),
        ],
    )  # fmt: skip
    def test_is_found_where_a_browser_finds_it(
        self, response: HtmlResponse, encoding: str, text: str
    ) -> None:
        assert (response.encoding, response.text) == (encoding, text)

    @given(
        body=st.binary(max_size=40),
        name=st.sampled_from(
            sorted({*encodings.aliases.aliases, "idna", "punycode", "undefined", "unicode_escape"})
        ),
    )
    def test_any_bytes_in_any_encoding_have_a_text(self, body: bytes, name: str) -> None:
        for response in (html(body, f"text/html; charset={name}"), html(body, encoding=name)):
            assert isinstance(response.text, str)
            assert isinstance(response.urljoin("x"), str)
            assert response.css("nothing") == []

    def test_a_str_needs_an_encoding(self) -> None:
        assert html("é", encoding="latin-1").body == b"\xe9"
        assert html("\x80", encoding="latin-1").text == "\x80"
        with pytest.raises(TypeError, match="HtmlResponse needs an encoding"):
            html("é")
        with pytest.raises(TypeError, match="must be bytes"):
            Response("http://a/", body="é")


class TestContent:
    def test_json_is_parsed_once(self) -> None:
        response = JsonResponse("http://a/", body=b'{"a": [1]}')
        assert response.json() == {"a": [1]}
        assert response.json() is response.json()
        assert response.jmespath("a[0]").get() == 1

    def test_json_is_utf8_whatever_the_header_says_else_what_it_says(self) -> None:
        latin = {"Content-Type": "application/json; charset=latin-1"}
        assert TextResponse("http://a/", headers=latin, body='"é"'.encode()).json() == "é"
        assert TextResponse("http://a/", headers=latin, body=b'"\xe9"').json() == "é"
        assert TextResponse("http://a/", body=b'\xef\xbb\xbf"x"').json() == "x"

    def test_what_is_no_json_is_a_value_error(self) -> None:
        with pytest.raises(ValueError, match="Expecting value"):
            html(b"<p>").json()

    def test_the_selector_is_made_once(self) -> None:
        response = html(b"<p>a</p>")
        assert response.selector is response.selector
        assert response.css("p::text").get() == response.xpath("//p/text()").get() == "a"

    def test_xml_is_parsed_as_xml(self) -> None:
        response = XmlResponse("http://a/", body=b"<R xmlns:n='u'><Link>x</Link><n:b>y</n:b></R>")
        assert response.xpath("//Link/text()").get() == "x"
        assert response.xpath("//n:b/text()", namespaces={"n": "u"}).get() == "y"

    def test_unlabelled_text_is_looked_at(self) -> None:
        assert TextResponse("http://a/", body=b'{"a": "b"}').jmespath("a").get() == "b"
        assert TextResponse("http://a/", body=b"<p>a</p>").css("p::text").get() == "a"

    def test_binary_says_so_in_one_line(self) -> None:
        response = Response("http://a/x.png", headers={"Content-Type": "image/png"}, body=b"\x89PNG")
        said = "Response content isn't text: <200 http://a/x.png>, Content-Type: image/png"
        with pytest.raises(AttributeError, match=said):
            _ = response.text
        for use in (
            lambda: response.css("a"),
            lambda: response.xpath("//a"),
            lambda: response.jmespath("a"),
            response.json,
        ):
            with pytest.raises(NotSupported, match=said):
                use()

    def test_meta_is_that_of_the_request(self) -> None:
        request = Request("http://a/", meta={"m": 1}, cb_kwargs={"k": 2})
        response = Response("http://a/", request=request)
        assert response.meta is request.meta
        assert response.cb_kwargs == {"k": 2}
        for name in ("meta", "cb_kwargs"):
            with pytest.raises(AttributeError, match="it has no request"):
                getattr(Response("http://a/"), name)

    def test_a_copy_lives_on_its_own(self) -> None:
        response = html(b"x", flags=["f"], ip_address="::1", protocol="HTTP/2", certificate=b"c", status=404)
        copy = response.copy()
        copy.headers["Content-Type"] = "text/plain"
        copy.flags.append("g")
        assert (response.headers["Content-Type"], response.flags) == (b"text/html", ["f"])
        assert (copy.status, str(copy.ip_address), copy.protocol) == (404, "::1", "HTTP/2")
        assert copy.certificate == b"c"

    def test_replace_can_make_another_class(self) -> None:
        response = Response("http://a/", body=b"<p>a</p>", headers={"A": "b"}).replace(cls=HtmlResponse)
        assert response.css("p::text").get() == "a"
        assert response.headers["A"] == b"b"
        assert type(response.replace(cls=Response)) is Response

    def test_url_and_body_can_not_be_changed(self) -> None:
        for name in ("url", "body"):
            with pytest.raises(AttributeError):
                setattr(html(b""), name, "x")

    def test_the_url_is_a_str(self) -> None:
        with pytest.raises(TypeError, match="Response url must be str, got NoneType"):
            Response(None)


class TestFollow:
    PAGE = b"""<link href="/style.css"><a href=" one ">1</a><a name="x">no link</a><a href="http://b/two">2</a>
               <p href="three">p</p><img src="four.png">"""

    def test_a_link_of_any_kind(self) -> None:
        response = html(self.PAGE)
        first = response.css("a")[0]
        for link in ("one", first, first.css("::attr(href)")[0], response.xpath("//a/@href")[0]):
            assert response.follow(link, "parse").url == "http://a/dir/one"
        assert response.follow(response.css("img::attr(src)")[0]).url == "http://a/dir/four.png"
        assert response.follow(response.css("link")[0]).url == "http://a/style.css"

    def test_arguments_are_those_of_request(self) -> None:
        request = html(b"", encoding="latin-1").follow(
            "?q=é", "parse", "POST", {"A": "b"}, body="é", meta={"m": 1}, priority=2, fingerprint="7"
        )
        assert (request.url, request.callback, request.method) == ("http://a/dir/page?q=%E9", "parse", "POST")
        assert (request.body, request.meta, request.priority) == (b"\xe9", {"m": 1}, 2)
        assert (request.headers["A"], request.fingerprint, request.encoding) == (b"b", "7", "latin-1")
        assert html(b"").follow("x", None, "GET", None, None, None, None, "cp1251").encoding == "cp1251"

    def test_an_element_without_a_link_is_refused(self) -> None:
        response = html(self.PAGE)
        with pytest.raises(ValueError, match="<a> has no href attribute"):
            response.follow(response.css("a")[1])
        with pytest.raises(ValueError, match="a Selector of a URL, an <a> or a <link>"):
            response.follow(response.css("p")[0])
        with pytest.raises(ValueError, match="use one of its elements"):
            response.follow(response.css("a"))
        for nothing in (response.css("nothing"), []):
            with pytest.raises(ValueError, match="not a list of 0"):
                response.follow(nothing)
        with pytest.raises(TypeError, match="url must be str or a Selector, got int"):
            response.follow(7)

    @pytest.mark.parametrize("response", [Response("http://a/"), html(b"")])
    def test_none_is_not_a_link(self, response: Response) -> None:
        with pytest.raises(ValueError, match="url can't be None"):
            response.follow(None)
        with pytest.raises(ValueError, match="urls can't contain None"):
            list(response.follow_all([None]))
        requests, links = [], response.follow_all(["x", None, "y", None])
        with pytest.raises(ValueError, match="2 times"):
            requests.extend(links)
        assert [request.url[-2:] for request in requests] == ["/x", "/y"]  # the rest was not lost

    def test_no_encoding_is_that_of_the_page(self) -> None:
        page = html(b"", encoding="cp1251")
        assert page.follow("x", encoding=None).encoding == "cp1251"
        assert page.follow("x", None, "GET", None, None, None, None, None).encoding == "cp1251"
        assert [request.encoding for request in page.follow_all(["x"], encoding=None)] == ["cp1251"]
        with pytest.raises(ValueError, match="encoding can't be None"):
            Response("http://a/").follow("x", encoding=None)

    @pytest.mark.parametrize("bad", ["http://[x/", "http://a b:c/", 7, b"http://a/", ["x"], object()])
    def test_a_bad_link_is_reported_and_the_rest_goes_on(
        self, bad: object, caplog: pytest.LogCaptureFixture
    ) -> None:
        page = html(b"")
        urls = [request.url for request in page.follow_all(["one", bad, "two", bad])]
        assert [url for url in urls if "/dir/" in url] == ["http://a/dir/one", "http://a/dir/two"]
        if len(urls) == 2:  # a URL that is odd but can be sent fails later, as a request of its own
            assert page.invalid_links == 2
            assert caplog.text.count(f"Skipped a link of <200 {page.url}>") == 2

    @pytest.mark.parametrize("link", ["javascript:void(0)", "mailto:a@b.test", "tel:+100", "JavaScript: x()"])
    def test_a_link_that_is_not_a_page_is_passed_over(
        self, link: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        page = html(f'<a href="{link}">no</a><a href=one>yes</a>'.encode())
        for requests in (
            page.follow_all(css="a"),
            page.follow_all([*page.css("a")]),
            page.follow_all([link, "one"]),
        ):
            assert [request.url for request in requests] == ["http://a/dir/one"]
        assert page.invalid_links == 0
        assert "Left out" not in caplog.text

    def test_all_of_a_list_or_a_query(self) -> None:
        response = html(self.PAGE)
        links = ["http://a/dir/one", "http://b/two"]
        for requests in (
            response.follow_all(["one", "http://b/two"], "parse"),
            response.follow_all(response.css("a"), "parse"),
            response.follow_all(css="a", callback="parse"),
            response.follow_all(xpath="//a/@href", callback="parse"),
        ):
            found = list(requests)
            assert [request.url for request in found] == links
            assert {request.callback for request in found} == {"parse"}
        assert [r.url for r in Response("http://a/").follow_all(["x"])] == ["http://a/x"]
        assert list(response.follow_all([])) == []

    def test_all_wants_one_source(self) -> None:
        for arguments in ({}, {"css": "a", "xpath": "//a"}, {"urls": [], "css": "a"}):
            with pytest.raises(ValueError, match="exactly one of urls, css, xpath"):
                html(b"").follow_all(**arguments)

    def test_an_object_with_a_url_is_a_link(self) -> None:
        class Link:
            url = "http://b/c"

        assert html(b"").follow(Link()).url == "http://b/c"


@pytest.mark.parametrize(
    ("headers", "url", "body", "expected"),
    [
        ({"Content-Type": "text/html; charset=utf-8"}, "http://a/", b"", HtmlResponse),
        ({"Content-Type": "TEXT/HTML"}, "http://a/x.json", b"", HtmlResponse),
        ({"Content-Type": "application/xhtml+xml"}, "http://a/", b"", HtmlResponse),
        ({"Content-Type": "application/rss+xml"}, "http://a/", b"", XmlResponse),
        ({"Content-Type": "text/xml"}, "http://a/", b"", XmlResponse),
        ({"Content-Type": "application/json"}, "http://a/", b"", JsonResponse),
        ({"Content-Type": "application/ld+json"}, "http://a/", b"", JsonResponse),
        ({"Content-Type": "text/plain"}, "http://a/", b"<html>", TextResponse),
        ({"Content-Type": "application/javascript"}, "http://a/", b"", TextResponse),
        ({"Content-Type": "image/png"}, "http://a/x.html", b"<html>", Response),
        ({"Content-Type": "image/svg+xml"}, "http://a/", b"", Response),
        ({"Content-Type": "application/pdf"}, "http://a/", b"%PDF-1.4\x00", Response),
        ({"Content-Type": "application/octet-stream"}, "http://a/", b"<!DOCTYPE html><p>", HtmlResponse),
        ({"Content-Type": "text/html", "Content-Encoding": "br"}, "http://a/", b"", Response),
        ({"Content-Disposition": 'attachment; filename="x.xml"'}, "http://a/y.html", b"", XmlResponse),
        ({"Content-Disposition": "attachment; filename*=UTF-8''x.json"}, "http://a/", b"", JsonResponse),
        ({}, "http://a/x.json?y=z.html", b"", JsonResponse),
        ({}, "http://a/x.htm#f", b"", HtmlResponse),
        ({}, "http://a.html", b"\x00\x01", Response),
        ({}, "http://a/", b"\n<?xml version='1.0'?><r/>", XmlResponse),
        ({}, "http://a/", b"<?xml version='1.0'?><!DOCTYPE html><html>", HtmlResponse),
        ({}, "http://a/", b"\xef\xbb\xbf<html lang=en>", HtmlResponse),
        ({}, "http://a/", "<html>".encode("utf-16"), HtmlResponse),
        ({}, "http://a/", b"just words", TextResponse),
        ({}, "http://a/", b"", TextResponse),
        ({}, "http://[a/", b"\x89PNG\r\n\x1a\n\x00", Response),
    ],
)
def test_the_class_of_a_response(headers: dict, url: str, body: bytes, expected: type[Response]) -> None:
    assert response_class(Headers(headers), url, body) is expected


def test_a_selector_can_be_made_of_a_response() -> None:
    assert Selector(html(b"<p>a</p>")).css("p::text").get() == "a"
    assert Selector(response=html(b"<p>a</p>")).css("p::text").get() == "a"


class Coloured(HtmlResponse):
    """A response with one more attribute."""

    attributes = (*HtmlResponse.attributes, "colour")

    def __init__(self, *args: object, colour: str = "", **kwargs: object) -> None:
        self.colour = colour
        super().__init__(*args, **kwargs)


def test_a_response_returns_from_its_dict() -> None:
    sent = Coloured("http://a.test/", 201, {"X": ["1", "2"]}, "ü", encoding="latin-1", colour="red")
    fields = sent.to_dict()
    assert "request" not in fields
    back = response_from_dict(fields)
    assert isinstance(back, Coloured)
    assert (back.text, back.status, back.headers, back.colour) == ("ü", 201, sent.headers, "red")
    assert type(response_from_dict({"url": "http://a.test/x.json", "body": b"{}"})) is JsonResponse


def test_a_selector_knows_its_response_and_does_not_hold_it() -> None:
    page = HtmlResponse("http://a.test/", body=b"<p>")
    selector = page.selector
    assert selector.response is page
    assert selector.css("p")[0].response is None
    del page
    assert selector.response is None
