"""The Referer header, policy by policy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.http import Request, Response
from aioscrapy.middlewares.referer import NoReferrerPolicy, RefererMiddleware, ReferrerPolicy
from aioscrapy.middlewares.referrer_policies import STANDARD_POLICIES
from support.context import context

PATH_IN_HEADER = {"Referrer-Policy": "aioscrapy.middlewares.referer.NoReferrerPolicy"}


class OwnPolicy(ReferrerPolicy):
    def referrer(self, response_url: str, request_url: str) -> str | None:
        return f"https://own.test/{request_url.partition(':')[0]}"


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
    assert [STANDARD_POLICIES[policy]().referrer(PAGE, target) for target in targets] == [
        same,
        other,
        downgrade,
    ]


@pytest.mark.parametrize("page", ["file:///etc/passwd", "s3://bucket/key", "data:,x", "about:blank"])
def test_only_a_page_of_the_web_is_a_referer(page: str) -> None:
    assert STANDARD_POLICIES["scrapy-default"]().referrer(page, "http://a.test/") is None


@given(
    policy=st.sampled_from(list(STANDARD_POLICIES)),
    user=st.text("abc%:", min_size=1, max_size=5),
    host=st.sampled_from(["a.test", "a.test:8080", "[::1]:80", "a.test:bad"]),
    tail=st.text("ab/?#@:[]", max_size=12),
    target=st.sampled_from(["https://a.test/", "http://a.test:8080/", "http://[::1]/"]),
)
def test_no_policy_tells_a_password_or_a_fragment(
    policy: str, user: str, host: str, tail: str, target: str
) -> None:
    referer = STANDARD_POLICIES[policy]().referrer(f"http://{user}@{host}/{tail}", target)
    if referer is not None:
        assert referer.startswith(f"http://{host.removesuffix(':80').removesuffix(':bad')}")
        assert "#" not in referer


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
    referers = [link.headers.get("Referer") for link in links]
    assert referers == [None, b"https://a.test/2", None, b"https://a.test/2"]


@pytest.mark.parametrize(
    ("meta", "header"),
    [({"referrer_policy": "invented"}, {}), ({}, {"Referrer-Policy": "invented"}), ({}, PATH_IN_HEADER)],
)
def test_a_warning_names_an_unknown_policy(meta: dict[str, str], header: dict[str, str]) -> None:
    middleware = RefererMiddleware.from_crawler(context())
    link = Request("https://a.test/", meta=meta)
    with pytest.warns(RuntimeWarning, match="Could not load referrer policy '(invented|aioscrapy)"):
        middleware.get_processed_request(link, Response("https://a.test/1", headers=header))
    assert link.headers["Referer"] == b"https://a.test/1"


@pytest.mark.parametrize(
    ("settings", "meta", "header"),
    [
        ({"REFERRER_POLICY": OwnPolicy}, {}, {}),
        ({"REFERRER_POLICY": f"{__name__}.OwnPolicy"}, {}, {}),
        ({}, {"referrer_policy": f"{__name__}.OwnPolicy"}, {}),
        ({"REFERRER_POLICIES": {"own": OwnPolicy}}, {}, {"Referrer-Policy": "own"}),
        ({"REFERRER_POLICIES": {"own": f"{__name__}.OwnPolicy"}}, {"referrer_policy": "OWN"}, {}),
    ],
)
def test_a_policy_of_the_project_is_used(settings: Any, meta: dict[str, str], header: dict[str, str]) -> None:
    page = Response("https://a.test/x", headers=header)
    assert link_of(page, settings, meta=meta) == b"https://own.test/https"


def test_a_removed_policy_is_unknown() -> None:
    settings = {"REFERRER_POLICIES": {"origin": None}}
    with pytest.warns(RuntimeWarning, match="'origin'"):
        assert link_of(Response("https://a.test/x"), settings, meta={"referrer_policy": "origin"})


def test_a_subclass_chooses_the_policy() -> None:
    class Quiet(RefererMiddleware):
        def policy(self, response: Any = None, request: Any = None, **old: Any) -> ReferrerPolicy:
            return NoReferrerPolicy() if request.url.endswith("/quiet") else super().policy(response, request)

    middleware, page = Quiet.from_crawler(context()), Response("https://a.test/x")
    links = [Request("https://a.test/quiet"), Request("https://a.test/loud")]
    for link in links:
        middleware.get_processed_request(link, page)
    assert [link.headers.get("Referer") for link in links] == [None, b"https://a.test/x"]


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
