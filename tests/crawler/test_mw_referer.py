"""The Referer header, policy by policy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.http import Request, Response
from aioscrapy.middlewares.referer import POLICIES, RefererMiddleware, referrer
from support.context import context

PAGE = "https://u:p@a.test/x?y=1#part"
FULL, ORIGIN = "https://a.test/x?y=1", "https://a.test/"


@pytest.mark.parametrize(
    ("policy", "same", "other", "downgrade"),
    [
        ("no-referrer", None, None, None),
        ("no-referrer-when-downgrade", FULL, FULL, None),
        ("same-origin", FULL, None, None),
        ("origin", ORIGIN, ORIGIN, ORIGIN),
        ("strict-origin", ORIGIN, ORIGIN, None),
        ("origin-when-cross-origin", FULL, ORIGIN, ORIGIN),
        ("strict-origin-when-cross-origin", FULL, ORIGIN, None),
        ("unsafe-url", FULL, FULL, FULL),
    ],
)
def test_each_policy_tells_what_the_standard_says(
    policy: str, same: str | None, other: str | None, downgrade: str | None
) -> None:
    targets = ("https://a.test:443/z", "https://b.test/", "http://a.test/")
    assert [referrer(POLICIES[policy], PAGE, target) for target in targets] == [same, other, downgrade]


@pytest.mark.parametrize("page", ["file:///etc/passwd", "data:,x", "about:blank"])
def test_only_pages_of_the_web_are_told(page: str) -> None:
    assert referrer(POLICIES["unsafe-url"], page, "http://a.test/") is None


@given(
    policy=st.sampled_from(list(POLICIES)),
    user=st.text("abc%:", min_size=1, max_size=5),
    host=st.sampled_from(["a.test", "a.test:8080", "[::1]:80", "a.test:bad"]),
    tail=st.text("ab/?#@:[]", max_size=12),
    target=st.sampled_from(["https://a.test/", "http://a.test:8080/", "http://[::1]/"]),
)
def test_no_policy_tells_a_password_or_a_fragment(
    policy: str, user: str, host: str, tail: str, target: str
) -> None:
    told = referrer(POLICIES[policy], f"http://{user}@{host}/{tail}", target)
    if told is not None:
        assert told.startswith(f"http://{host.removesuffix(':80').removesuffix(':bad')}")
        assert "#" not in told


def link_of(page: Response, settings: dict[str, Any] | None = None, **arguments: Any) -> Any:
    middleware = RefererMiddleware.from_crawler(context(settings))
    link = Request("https://b.test/", **arguments)
    assert middleware.get_processed_request(link, page) is link
    return link.headers.get("Referer")


def test_a_link_tells_its_page() -> None:
    assert link_of(Response("https://a.test/x")) == b"https://a.test/x"


def test_an_own_referer_stays() -> None:
    assert link_of(Response("https://a.test/x"), headers={"Referer": "own"}) == b"own"


def test_meta_then_the_page_then_the_setting_names_the_policy() -> None:
    setting = {"REFERRER_POLICY": "origin"}
    silent = Response("https://a.test/x")
    strict = Response("https://a.test/x", headers={"Referrer-Policy": "no-referrer, same-origin, invented"})
    assert link_of(silent, setting) == b"https://a.test/"
    assert link_of(strict, setting) is None
    assert link_of(strict, setting, meta={"referrer_policy": "unsafe-url"}) == b"https://a.test/x"


def test_pages_keep_their_own_policies() -> None:
    middleware = RefererMiddleware.from_crawler(context())
    pages = [
        Response("https://a.test/1", headers={"Referrer-Policy": "no-referrer"}),
        Response("https://a.test/2"),
    ]
    links = [Request("https://a.test/") for _ in range(4)]
    for number, link in enumerate(links):
        middleware.get_processed_request(link, pages[number % 2])
    told = [link.headers.get("Referer") for link in links]
    assert told == [None, b"https://a.test/2", None, b"https://a.test/2"]


def test_an_unknown_policy_of_a_page_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    middleware = RefererMiddleware.from_crawler(context())
    for _ in range(2):
        link = Request("https://a.test/", meta={"referrer_policy": "invented"})
        middleware.get_processed_request(link, Response("https://a.test/1"))
        assert link.headers["Referer"] == b"https://a.test/1"
    assert caplog.messages == ["Unknown referrer policy 'invented': REFERRER_POLICY is used"]


def test_a_start_request_has_no_referer() -> None:
    start = Request("https://a.test/")
    assert RefererMiddleware.from_crawler(context()).get_processed_request(start, None) is start
    assert not start.headers


def test_an_unknown_policy_of_the_settings_ends_the_crawl() -> None:
    with pytest.raises(SettingError, match="REFERRER_POLICY"):
        RefererMiddleware.from_crawler(context({"REFERRER_POLICY": "invented"}))


def test_the_referer_can_be_switched_off() -> None:
    with pytest.raises(NotConfigured):
        RefererMiddleware.from_crawler(context({"REFERER_ENABLED": False}))
