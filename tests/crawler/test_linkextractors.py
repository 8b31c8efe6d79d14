"""Link extractors: which links of a page pass."""

import pickle
import re
from typing import Any

import pytest

from aioscrapy.http import HtmlResponse, XmlResponse
from aioscrapy.link import Link
from aioscrapy.linkextractors import LinkExtractor

PAGE = """<html><head><title>t</title></head><body>
<div id="top"><a href="/one.html">One</a> <a href=" two.html ">Two <b>bold</b></a></div>
<div id="rest">
<a href="http://other.test/three.html" rel="external nofollow">Three</a>
<a href="/one.html#part">One again</a> <a href="/one.html">One once more</a>
<a href="/file.pdf">PDF</a> <a href="/packed.tar.gz">packed</a>
<a href="javascript:show('/four.html')">Four</a> <a href="mailto:me@site.test">mail</a>
<area href="/five.html"><img src="/six.html"><a href="http://[broken/">broken</a><a name="x">no href</a>
</div></body></html>"""
SITE = "http://site.test"


def page(text: str = PAGE, **arguments: Any) -> HtmlResponse:
    return HtmlResponse(f"{SITE}/folder/page.html", body=text, encoding="utf-8", **arguments)


def paths(**arguments: Any) -> list[str]:
    return [link.url.removeprefix(SITE) for link in LinkExtractor(**arguments).extract_links(page())]


OTHER = "http://other.test/three.html"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["/one.html", "/folder/two.html", OTHER, "/one.html#part", "/five.html"]),
        ({"canonicalize": True}, ["/one.html", "/folder/two.html", OTHER, "/five.html"]),
        ({"allow": r"/(one|two)\.html$"}, ["/one.html", "/folder/two.html"]),
        ({"allow": [re.compile("FIVE", re.IGNORECASE), "two"]}, ["/folder/two.html", "/five.html"]),
        ({"deny": ("one", "two", "other")}, ["/five.html"]),
        ({"allow_domains": "other.test"}, [OTHER]),
        ({"deny_domains": ["site.test"]}, [OTHER]),
        ({"restrict_css": "#top"}, ["/one.html", "/folder/two.html"]),
        ({"restrict_xpaths": ["//area", "//div[@id='top']/a[1]"]}, ["/five.html", "/one.html"]),
        ({"restrict_text": "bold|Three"}, ["/folder/two.html", OTHER]),
        ({"tags": "img", "attrs": "src"}, ["/six.html"]),
        (
            {"tags": "*", "attrs": "*", "deny_tags": "a", "deny_attrs": ["src"], "allow": "five"},
            ["/five.html"],
        ),
        ({"deny_extensions": ["html"]}, ["/file.pdf", "/packed.tar.gz"]),
        ({"deny_extensions": ["tar.gz"], "allow": ["file", "packed"]}, ["/file.pdf"]),
        ({"unique": False, "allow": r"one\.html$"}, ["/one.html", "/one.html"]),
    ],
)
def test_only_links_pass_that_all_filters_accept(arguments: dict[str, Any], expected: list[str]) -> None:
    assert paths(**arguments) == expected


def test_a_link_has_the_text_of_its_element_and_the_word_nofollow() -> None:
    links = LinkExtractor(allow=["two", "three"]).extract_links(page())
    assert links == [Link(f"{SITE}/folder/two.html", "Two bold"), Link(OTHER, "Three", nofollow=True)]
    assert hash(links[0]) == hash(Link(f"{SITE}/folder/two.html", "Two bold"))
    assert links[0] != Link(f"{SITE}/folder/two.html")
    with pytest.raises(TypeError, match="not bytes"):
        Link(b"http://site.test")  # type: ignore[arg-type]  # the test


def test_a_function_may_change_the_value_or_leave_the_link_out() -> None:
    def address(value: str) -> str | None:
        match = re.search(r"show\('(.*)'\)", value)
        return match[1] if match else None

    assert paths(process_value=address) == ["/four.html"]


def test_the_base_element_counts() -> None:
    text = '<head><base href="http://base.test/x/"></head><a href="y?q=ä">y</a>'
    assert [link.url for link in LinkExtractor().extract_links(page(text))] == [
        "http://base.test/x/y?q=%C3%A4"
    ]


def test_xhtml_elements_are_read() -> None:
    text = b'<html xmlns="http://www.w3.org/1999/xhtml"><body><a href="/x">X</a></body></html>'
    links = LinkExtractor().extract_links(XmlResponse(f"{SITE}/page.xml", body=text))
    assert links == [Link(f"{SITE}/x", "X")]


def test_a_request_follows_a_link() -> None:
    response = page()
    requests = list(response.follow_all(LinkExtractor(restrict_css="#top").extract_links(response)))
    assert [request.url for request in requests] == [f"{SITE}/one.html", f"{SITE}/folder/two.html"]


def test_an_extractor_can_be_pickled_and_tests_urls() -> None:
    extractor = pickle.loads(pickle.dumps(LinkExtractor(allow="item", deny="old", allow_domains="site.test")))
    assert extractor.matches(f"{SITE}/item/1")
    assert extractor.matches("http://www.site.test/item/1")
    assert not extractor.matches(f"{SITE}/item/old")
    assert not extractor.matches("http://other.test/item/1")


def test_slashes_are_read_as_browsers_read_them() -> None:
    text = r'<a href="\a\b">1</a><a href="///c.test/d">2</a><a href="http:\\e.test">3</a>'
    links = LinkExtractor().extract_links(page(text))
    assert [link.url for link in links] == [f"{SITE}/a/b", "http://c.test/d", "http://e.test"]
