"""The frame of all pages: languages, static files, errors, forms."""

import ast
import hashlib
import json
import re
from collections.abc import Callable

import pytest
import requests

from aioscrapy_scrapyd.state.job import State
from aioscrapy_scrapyd.web import assets, language, templates
from aioscrapy_scrapyd.web.language import preferred
from aioscrapy_scrapyd.web.screen import address
from aioscrapy_scrapyd.web.templates import NOTHING, duration, size
from aioscrapy_scrapyd.web.visible import coded, visible
from support import REPOSITORY
from support.browser import Visitor
from support.scrapyd import ScrapydServer

WEB = REPOSITORY / "aioscrapy_scrapyd" / "web"
# File -> its hash as npm has it: dist/ of uplot 1.6.32 and idiomorph 0.8.0.
VENDORED = {
    "LICENSE.idiomorph": "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
    "LICENSE.uPlot": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    "idiomorph-0.8.0.min.js": "4cbd535caf7663a51eda9bce6595371c384fc430d54b8d414e29a61167f19f96",
    "uPlot-1.6.32.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uPlot-1.6.32.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
}
# What a template or a screen translates: _("…"), Done(…, "…"), visit.language("…").
_CALL = re.compile(r"""\b_\(\s*"((?:[^"\\]|\\.)*)\"""")
_COUNT = re.compile(r"""\.count\([^"']*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)\"""")
# Function -> which of its arguments are texts.
_TRANSLATING = {"Done": slice(1, 2), "language": slice(0, 1), "_": slice(0, 1), "count": slice(1, 3)}


def texts_of_templates() -> set[str]:
    texts = set()
    for path in templates.FOLDER.glob("*.html"):
        source = path.read_text("utf-8")
        texts |= set(_CALL.findall(source))
        texts |= {text for pair in _COUNT.findall(source) for text in pair}
    return texts


def texts_of_code() -> set[str]:
    """The texts in Done(address, TEXT), language(TEXT) and language.count(NUMBER, ONE, MANY)."""
    texts = set()
    for path in WEB.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            for argument in call.args[_TRANSLATING.get(name, slice(0, 0))]:
                values = [one.value for one in ast.walk(argument) if isinstance(one, ast.Constant)]
                texts |= {value for value in values if isinstance(value, str)}
    return texts


@pytest.mark.parametrize("code", [code for code in language.NAMES if code != "en"])
def test_a_catalogue_has_every_text(code: str) -> None:
    catalogue = language.languages()[code].texts
    needed = texts_of_templates() | texts_of_code() | {str(state) for state in State}
    assert len(needed) > 20
    assert not needed - set(catalogue), "texts without a translation"
    for text, own in catalogue.items():
        names = set(re.findall(r"\{(\w+)\}", text))
        assert names == set(re.findall(r"\{(\w+)\}", own)), text
        assert own.strip(), text


def test_each_text_is_translated_once() -> None:
    for folder in language.FOLDER.iterdir():
        texts = [text for path in folder.glob("*.json") for text in json.loads(path.read_text("utf-8"))]
        assert sorted(texts) == sorted(set(texts)), folder


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr, zh;q=0.5", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=high, *;;,", "en"),
        ("de", "en"),
    ],
)
def test_the_browser_chooses_the_language(header: str, code: str) -> None:
    assert preferred(header) == code


def test_no_text_of_python_makes_html() -> None:
    """An f-string, a % or a .format with a tag in it would put values into a page unescaped."""
    tag = re.compile(r"</|<(a|b|div|form|h\d|html|img|input|li|p|script|span|svg|t[dhr]|table|ul)[ >]")
    for path in (REPOSITORY / "aioscrapy_scrapyd").rglob("*.py"):
        for part in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                assert not tag.search(part.value), f"{path}:{part.lineno}: {part.value[:80]}"
            if isinstance(part, (ast.Name, ast.Attribute)):
                name = getattr(part, "id", getattr(part, "attr", ""))
                assert name != "Markup", f"{path}:{part.lineno}"
    for path in templates.FOLDER.glob("*.html"):
        source = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape|\bstyle=|\son\w+=|<script>", source), path


def test_vendored_files_are_those_of_npm() -> None:
    folder = assets.FOLDER / "vendor"
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert hashes == VENDORED


def test_numbers_are_written_for_people() -> None:
    assert [duration(value) for value in (None, 0, 852, 90_061)] == [
        NOTHING,
        "00:00:00",
        "00:14:12",
        "1 d 01:01:01",
    ]
    assert [size(value) for value in (None, 999, 1_000, 123_456_789)] == [
        NOTHING,
        "999 B",
        "1.0 kB",
        "123 MB",
    ]


def test_characters_that_act_are_codes() -> None:
    assert coded("a\x00\x1b[1m\u202eb\ud800") == "a\\x00\\x1b[1m\\u202eb\\ud800"
    for harmless in ("line\n\ttwo", "\u4e2d\u3000\u6587", "\U0001f469\u200d\U0001f680", None, 7):
        assert coded(harmless) == harmless
    assert visible("abcdef\x07", 3) == "abc … (+4)"


def test_an_address_quotes_every_name() -> None:
    names = {"project": 'a b/"<&', "job": "x?#.json"}
    assert (
        address("/job/{project}/{job}/log", names, q=["1", "2"], none=None)
        == "/job/a%20b%2F%22%3C%26/x%3F%23.json/log?q=1&q=2"
    )


def test_static_files_are_kept_for_a_year(node: ScrapydServer) -> None:
    page = requests.get(node.url, timeout=10)
    addresses = re.findall(r'(?:href|src)="/(static/[^"]+)"', page.text)
    assert len(set(addresses)) >= 4
    for path in addresses:
        reply = requests.get(node.url + path, timeout=10)
        assert reply.status_code == 200
        assert "immutable" in reply.headers["Cache-Control"]
        assert reply.headers["Content-Encoding"] == "gzip"
    assert requests.get(f"{node.url}static/../pages.py", timeout=10).status_code == 404


def test_a_page_that_does_not_exist_says_so(node: ScrapydServer) -> None:
    reply = requests.get(f"{node.url}nowhere<b>", headers={"Accept": "text/html"}, timeout=10)
    assert reply.status_code == 404
    assert "<b>" not in reply.text
    reply = requests.get(f"{node.url}nowhere.json", timeout=10)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, 404)


def test_the_first_page_has_what_scrapyds_tests_look_for(node: ScrapydServer) -> None:
    text = requests.get(node.url, timeout=10).text
    for words in ("use the API", "/jobs", "/logs/"):
        assert words in text


def test_a_form_without_its_token_is_refused(node: ScrapydServer) -> None:
    for token in ("", "00", "zz", "ab" * 64):
        reply = requests.post(node.url, data={"token": token}, timeout=10)
        assert reply.status_code == 403
        assert "go back" in reply.text


def test_a_message_of_another_hand_is_not_displayed(node: ScrapydServer) -> None:
    for cookie in ("x", "", "IiI=", "A" * 400):
        reply = requests.get(node.url, cookies={"aioscrapy_message": cookie}, timeout=10)
        assert reply.status_code == 200
        assert 'class="message' not in reply.text


def test_language_and_theme_are_kept(visitor: Callable[..., Visitor]) -> None:
    someone = visitor(language="zh-CN")
    page = someone.open("/?state=failed")
    assert page.locator("html").get_attribute("lang") == "zh"
    page.get_by_role("link", name="English").click()
    assert page.url.endswith("/?state=failed")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="Switch to dark colours").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert someone.open("/").locator("html").get_attribute("lang") == "en"


def test_a_language_that_does_not_exist_changes_nothing(node: ScrapydServer) -> None:
    reply = requests.get(f"{node.url}?lang=xx&theme=pink", timeout=10)
    assert reply.status_code == 200
    assert "Set-Cookie" not in reply.headers
