"""Encodings of bodies: labels as browsers read them, and guesses where nothing is declared."""
# ruff: noqa: RUF001 the texts are in many scripts

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.http import Headers, Response, response_class
from aioscrapy.http.charset import codec, detect

UNDECLARED = [
    ("shift_jis", "日本語のページです。東京の天気は晴れ。"),
    ("euc_jp", "日本語のページです。東京の天気は晴れ。"),
    ("gb18030", "这是一个中文网页，今天天气很好。"),
    ("gb18030", "中文"),
    ("big5", "這是一個中文網頁，今天天氣很好。"),
    ("euc_kr", "이것은 한국어 웹 페이지입니다. 오늘 날씨가 좋습니다."),
    ("cp1251", "Это русская страница, сегодня хорошая погода."),
    ("koi8_r", "Это русская страница, сегодня хорошая погода."),
    ("cp1253", "Αυτή είναι μια ελληνική σελίδα, ο καιρός είναι καλός."),
    ("cp1255", "זהו דף בעברית, מזג האוויר יפה היום."),
    ("cp1256", "هذه صفحة عربية والطقس جميل اليوم."),
    ("cp874", "นี่คือหน้าเว็บภาษาไทย วันนี้อากาศดี"),
    ("cp1250", "Zażółć gęślą jaźń, święta są później, łódź i źdźbło."),
    ("cp1254", "Bu bir Türkçe sayfadır, bugün hava çok güzel. şğıİ"),
    ("cp1252", "Café déjà vu, garçon. Ça va très bien à l'été."),
    ("cp1252", "Die Größe der Straße überrascht die Gäste, schöne Grüße aus München."),
    ("cp1252", "El niño comió piña mañana, ¿qué pasó? Años después llegó la canción."),
    ("cp1252", "It\u2019s a \u201cquoted\u201d text \u2013 with a price of 5 \u20ac and 3 m³."),
    ("cp1252", "café"),
    ("utf-8", "é中"),
    ("ascii", "plain text"),
]


def page(title: str, head: str = "") -> str:
    return f"<html><head>{head}<title>{title}</title></head><body>{title}</body></html>"


def read(body: bytes, content_type: str = "text/html") -> str | None:
    headers = Headers({"Content-Type": content_type})
    made = response_class(headers, "http://a.test/", body)
    response: Response = made("http://a.test/", 200, headers, body)
    title: str | None = response.css("title::text").get()
    return title


@pytest.mark.parametrize("times", [1, 40])
@pytest.mark.parametrize(("encoding", "text"), UNDECLARED)
def test_a_text_without_a_declaration_is_read(encoding: str, text: str, times: int) -> None:
    body = page(text * times).encode(encoding)
    assert read(body) == text * times


def test_a_broken_byte_does_not_take_utf_8_away() -> None:
    body = page("Это русская страница").encode() + b"\xff" + "é".encode()[:1]
    assert read(body) == "Это русская страница"


@pytest.mark.parametrize("filler", [0, 500, 2000, 5000, 200_000])
def test_a_meta_is_found_wherever_it_is(filler: int) -> None:
    head = f"<!--{'x' * filler}--><meta charset=koi8-r>"
    assert read(page("русская", head).encode("koi8-r")) == "русская"


def test_a_meta_in_a_comment_says_nothing() -> None:
    head = f"<!--{'x' * 5000}<meta charset=koi8-r>--><meta charset=cp1251>"
    assert read(page("русская", head).encode("cp1251")) == "русская"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (page("é中").encode("utf-16-le"), "text/html; charset=utf-16"),
        (page("é中").encode("utf-16-be"), "text/html; charset=utf-16"),
        (page("é中").encode("utf-16-be"), "text/html; charset=utf-16be"),
        (page("é中").encode("utf-16-le"), "text/html; charset=unicode"),
        (page("é中").encode(), "text/html; charset=utf-16"),
        (page("é中").encode(), "text/html; charset=utf-7"),
        (page("é中").encode(), "text/html; charset=foo"),
        (page("é中").encode(), "text/html; charset="),
        (page("é中").encode(), "text/html; charset='utf-8'"),
        (page("é中").encode(), 'text/html; charset="UTF-8"; x=y'),
        (page("é中").encode(), "text/html, text/html; charset=utf-8"),
        (b"\xef\xbb\xbf" + page("é中").encode(), "text/html; charset=koi8-r"),
        (b"\xff\xfe" + page("é中").encode("utf-16-le"), "text/html; charset=utf-8"),
        (b"\xfe\xff" + page("é中").encode("utf-16-be"), "text/html; charset=utf-16le"),
        (page("é中", "<meta charset=utf-16>").encode(), "text/html"),
        (page("é中", "<meta charset=utf-16be>").encode(), "text/html"),
        (page("é中", "<meta charset=unicode>").encode(), "text/html"),
        (page("é中", "<meta charset=utf-32>").encode(), "text/html"),
        (
            page("é中", '<meta http-equiv=Content-Type content="text/html; charset=utf-16">').encode(),
            "text/html",
        ),
        (('<?xml version="1.0" encoding="utf-16"?><r><title>é中</title></r>').encode(), "text/xml"),
    ],
)
def test_labels_of_utf_16_and_odd_headers(body: bytes, content_type: str) -> None:
    assert read(body, content_type) == "é中"


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("x-gbk", "gb18030"), ("GB2312", "gb18030"), ("x-sjis", "cp932"), ("windows-31j", "cp932"),
        ("ks_c_5601-1987", "cp949"), ("x-cp1251", "cp1251"), ("latin1", "cp1252"), ("ISO-8859-1", "cp1252"),
        ("us-ascii", "cp1252"), ("x-user-defined", "cp1252"), ("dos-874", "cp874"), ("koi", "koi8_r"),
    ],
)  # fmt: skip
def test_labels_of_browsers(label: str, name: str) -> None:
    assert codec(label) == name
    assert "x".encode(name) == b"x"


@pytest.mark.parametrize("label", [None, "", "hex", "idna", "utf-7", "rot13", "undefined", "\0", "x" * 1000])
def test_a_name_that_is_not_an_encoding_of_text(label: str | None) -> None:
    assert codec(label) is None


@given(st.binary(max_size=400), st.binary(max_size=60))
def test_every_body_has_an_encoding_that_decodes_it(body: bytes, content_type: bytes) -> None:
    assert isinstance(body.decode(detect(content_type, body), "replace"), str)
