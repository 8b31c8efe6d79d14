"""Selectors: the same results as parsel's, on every kind of query."""

import pickle

import parsel
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aioscrapy.http import HtmlResponse, JsonResponse
from aioscrapy.selector import Selector, SelectorList

HTML = """<!DOCTYPE html><html lang="en"><head><title> A &amp; B </title><meta charset="cp1251"></head><body>
<div class="quote  first" id="q1" data-x="1"><span class="text">“One”</span><small>Ann</small>
 <a href="/a?b=1&amp;c=2">tag</a><a href="/d">more</a> tail</div>
<div class="quote" id="q2"><span class="text">Two<b>bold</b>!</span><small>Bob</small><a>none</a></div>
<ul><li>1</li><li class="last">2 €</li></ul><svg xmlns="http://www.w3.org/2000/svg"><path d="M0"/></svg>
<script>var x = "<p>no</p>";</script><!-- comment -->
<p>open<p>open too<table><tr><td>cell</table></body></html>"""
XML = """<?xml version="1.0" encoding="utf-8"?><r xmlns="urn:d" xmlns:n="urn:n"><item n:id="1">a</item>
<item n:id="2">b<![CDATA[<c>]]></item><n:item>c</n:item><MixedCase/></r>"""

CSS = [
    "div", "div.quote", "div.quote > span.text::text", "a::attr(href)", "a::attr('href')",
    "*::attr(data-x)", "#q1", "title::text", "li.last", "li:last-child::text", "li:nth-child(1)",
    "div:not(.first) small::text", "::text", "div ::text", "span, small", "span::text, a::attr(href)",
    "a[href^='/a']", "[lang|=en]", "p + p", "ul ~ script", "div:contains('One')", "td::text", "nothing",
    "nothing::text", "a:link::attr(href)", "div#q2 b", ":root", "svg path::attr(d)",
    "div.quote::attr(none)", "div:has(b)::attr(id)", "meta::attr(charset)",
]  # fmt: skip
XPATH = [
    "//div", "//div/@id", "//a/text()", ".", "..", "//comment()", "//li[2]", "//li/following::p",
    "string(//title)", "count(//a)", "boolean(//b)", "1 + 1.5", "//a/@href | //small",
    "//div[has-class('quote', 'first')]", "//a[re:test(@href, '/[ad]')]/@href",
    "re:replace('abc', 'b', '', 'x')", "//div[.//b]//text()", "//@*", "//p[1]/ancestor::*",
    "set:difference(//a, //a[@href])", "//script/text()", "normalize-space(//title)", "concat('a', 'b')",
    "//svg//*", "//nothing", "not(//nothing)", "name(//*)", "//text()[contains(., 'tail')]",
]  # fmt: skip


def both(text: str = HTML, kind: str = "html") -> tuple[Selector, parsel.Selector]:
    return Selector(text=text, type=kind), parsel.Selector(text=text, type=kind)


def same(ours: SelectorList, theirs: parsel.SelectorList) -> None:
    """Compare all that a list of matches shows."""
    assert len(ours) == len(theirs)
    assert ours.getall() == theirs.getall() == ours.extract()
    assert ours.get() == theirs.get()
    assert ours.get("d") == theirs.get("d")
    if all(isinstance(match, str) for match in theirs.getall()):
        assert ours.re(r"\w+") == theirs.re(r"\w+")
        assert ours.re_first(r"[a-z]", "d") == theirs.re_first(r"[a-z]", "d")
    assert [repr(one) for one in ours] == [repr(one) for one in theirs]
    assert [str(one) for one in ours] == [str(one) for one in theirs]
    assert [bool(one) for one in ours] == [bool(one) for one in theirs]
    assert [type(one.root) for one in ours] == [type(one.root) for one in theirs]
    assert [one.type for one in ours] == [one.type for one in theirs]
    if theirs and hasattr(theirs[0].root, "attrib"):
        assert ours.attrib == theirs.attrib


@pytest.mark.parametrize("query", CSS)
def test_css_finds_what_parsel_finds(query: str) -> None:
    ours, theirs = both()
    for _ in range(2):
        same(ours.css(query), theirs.css(query))
    same(ours.css("div").css(query), theirs.css("div").css(query))


@pytest.mark.parametrize("query", XPATH)
def test_xpath_finds_what_parsel_finds(query: str) -> None:
    ours, theirs = both()
    for _ in range(2):
        same(ours.xpath(query), theirs.xpath(query))


@pytest.mark.parametrize("query", [".//text()", "@id", "./a/@href", "..", "a[1]", ".", "//small", "count(a)"])
def test_queries_from_an_element_are_relative(query: str) -> None:
    ours, theirs = both()
    same(ours.css("div").xpath(query), theirs.css("div").xpath(query))
    for one, other in zip(ours.xpath("//div"), theirs.xpath("//div"), strict=True):
        same(one.xpath(query), other.xpath(query))


def test_queries_from_a_text_find_nothing_but_itself() -> None:
    ours, theirs = both()
    for query in (".", "..", "//a", "text()"):
        same(ours.css("a::text").xpath(query), theirs.css("a::text").xpath(query))
    same(ours.css("a::text").css("b"), theirs.css("a::text").css("b"))


def test_variables_are_given_at_the_call() -> None:
    ours, theirs = both()
    for value in ("q1", "q2", 'it\'s "q"', 5):
        same(ours.xpath("//div[@id=$x]", x=value), theirs.xpath("//div[@id=$x]", x=value))
    same(ours.xpath("//div").xpath("a[$n]", n=2), theirs.xpath("//div").xpath("a[$n]", n=2))


def test_xml_and_its_namespaces() -> None:
    ours, theirs = both(XML, "xml")
    spaces = {"d": "urn:d", "n": "urn:n"}
    for query in ("//d:item/text()", "//d:item/@n:id", "//n:item", "//*", "//item"):
        same(ours.xpath(query, namespaces=spaces), theirs.xpath(query, namespaces=spaces))
    same(ours.css("MixedCase"), theirs.css("MixedCase"))
    ours.register_namespace("x", "urn:d")
    theirs.register_namespace("x", "urn:d")
    same(ours.xpath("//x:item"), theirs.xpath("//x:item"))
    same(ours.xpath("//x:item").xpath("../x:item"), theirs.xpath("//x:item").xpath("../x:item"))
    ours.remove_namespaces()
    theirs.remove_namespaces()
    same(ours.xpath("//item"), theirs.xpath("//item"))
    same(ours.css("item[id='2']::text"), theirs.css("item[id='2']::text"))


def test_a_prefix_is_known_only_where_it_was_registered() -> None:
    ours = Selector(text=XML, type="xml")
    child = ours.xpath("//*")[0]
    child.register_namespace("x", "urn:d")
    assert len(child.xpath("//x:item")) == 2
    for other in (ours, Selector(text=XML, type="xml")):
        with pytest.raises(ValueError, match="XPath error: Undefined namespace prefix"):
            other.xpath("//x:item")


def test_errors_are_those_of_parsel() -> None:
    ours, theirs = both()
    for query in ("//[", "//x:y", "foo()", "//a[$missing]", "has-class()"):
        with pytest.raises(ValueError, match="XPath error") as expected:
            theirs.xpath(query)
        with pytest.raises(ValueError, match="XPath error") as got:
            ours.xpath(query)
        assert str(got.value) == str(expected.value)
    for query in ("a[", "a::nothing", "a:nothing"):
        with pytest.raises(Exception, match=r".+") as expected:
            theirs.css(query)
        with pytest.raises(type(expected.value)) as got:
            ours.css(query)
        assert str(got.value) == str(expected.value)


def test_elements_can_be_dropped() -> None:
    ours, theirs = both()
    ours.css("div.first, b").drop()
    theirs.css("div.first, b").drop()
    assert ours.get() == theirs.get()
    with pytest.raises(parsel.selector.CannotRemoveElementWithoutRoot):
        ours.css("a::text").drop()


def test_json_and_jmespath() -> None:
    text = '{"a": {"b": ["x", 1, null, {"c": "<p class=z>t</p>"}]}, "d": "e", "f": true}'
    ours, theirs = both(text, "json")
    for query in ("a.b", "a.b[0]", "d", "f", "nothing", "a.b[3].c", "a", "length(a.b)"):
        same(ours.jmespath(query), theirs.jmespath(query))
    inner = ours.jmespath("a.b[3].c")
    same(inner.css("p.z::text"), theirs.jmespath("a.b[3].c").css("p.z::text"))
    script = "<script>" + text + "</script>"
    same(
        Selector(text=script).css("script::text").jmespath("d"),
        parsel.Selector(text=script, type="html").css("script::text").jmespath("d"),
    )
    with pytest.raises(ValueError, match="Cannot use css on a Selector of type 'json'"):
        ours.css("a")
    with pytest.raises(ValueError, match="Cannot use xpath on a Selector of type 'json'"):
        JsonResponse("http://a/", body=b"{}").xpath("//a")


@given(st.text(alphabet="<>/ab =\"'&;!-\x00\ufeff\u00a0\n é—\U0001f600p#1", max_size=60))
@example("")
@example("\x00")
@example("<!-- only a comment -->")
@example("<?xml version='1.0' encoding='utf-16'?><p>é</p>")
@example("\x85<p>\x1c</p>\xa0")
def test_any_text_gives_the_tree_of_parsel(text: str) -> None:
    ours, theirs = both(text)
    assert ours.get() == theirs.get()
    assert ours.css("*::text").getall() == theirs.css("*::text").getall()


def test_a_selector_can_be_made_as_by_parsel_and_by_scrapy() -> None:
    assert Selector("<p>a</p>").css("p::text").get() == "a"
    assert Selector(text="<p>a</p>").type == "html"
    assert Selector(text="<p>ä</p>".encode()).css("p::text").get() == "ä"
    assert Selector(body=b'{"a": "b"}').jmespath("a").get() == "b"
    assert Selector(root=Selector("<p>a</p>").css("p")[0].root).get() == "<p>a</p>"
    assert Selector(text="<p xmlns:x='u'>a</p>", type="xml", namespaces={"x": "u"}).xpath("//x:b") == []
    with pytest.raises(ValueError, match="a response or a text, not both"):
        Selector(HtmlResponse("http://a/"), text="x")
    with pytest.raises(ValueError, match="Invalid type: nothing"):
        Selector(text="x", type="nothing")


def test_results_are_our_classes_and_parsels() -> None:
    found = Selector(text=HTML).css("div")
    assert isinstance(found, SelectorList)
    assert isinstance(found, parsel.SelectorList)
    assert isinstance(found[0], Selector)
    assert isinstance(found[:1], SelectorList)
    assert isinstance(found.css("a"), SelectorList)
    with pytest.raises(TypeError, match="can't pickle"):
        pickle.dumps(found[0])


def test_the_tree_knows_the_pages_url() -> None:
    root = HtmlResponse("http://a/b/", body=b"<form action='c'></form>").selector.root
    assert root.xpath("//form")[0].base_url == "http://a/b/"
