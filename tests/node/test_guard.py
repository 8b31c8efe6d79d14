"""The rules about where a request comes from, and the role that it needs."""

import pytest

from aioscrapy_scrapyd.guard import Guard, Incoming, host_name, is_loopback, is_prefix, role_for
from aioscrapy_scrapyd.users import Role

GUARD = Guard(
    hosts=frozenset({"node.example"}),
    origins=frozenset({"https://panel.example"}),
    cors=frozenset({"https://reader.example"}),
)


def refused(method: str = "POST", path: str = "/schedule.json", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    refusal = GUARD.refuse(Incoming(method, path, {"host": "localhost:6800", **named}))
    return refusal.status if refusal else 0


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:6800", "127.0.0.1:6800", "[::1]:6800", "node.example.", "10.0.0.7:80"]
)
def test_a_name_of_the_node_and_any_address_are_allowed(host: str) -> None:
    assert refused(host=host) == 0


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:6800",
        "",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "node.example:x",
        "evil.example:",
    ],
)
def test_a_foreign_host_is_misdirected(host: str) -> None:
    assert refused(host=host) == 421


def test_a_program_without_browser_headers_is_allowed() -> None:
    assert refused() == 0
    assert refused("GET", "/listjobs.json") == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_foreign_page_is_refused(site: str) -> None:
    assert refused(sec_fetch_site=site, sec_fetch_mode="no-cors") == 403
    assert refused("GET", "/listjobs.json", sec_fetch_site=site, sec_fetch_mode="cors") == 403
    assert refused(sec_fetch_site=site, sec_fetch_mode="navigate") == 403  # a form
    assert refused("OPTIONS", sec_fetch_site=site, sec_fetch_mode="cors") == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://localhost:9999", "null", "https://localhost:6801"]
)
def test_a_foreign_origin_of_an_older_browser_is_refused(origin: str) -> None:
    assert refused(origin=origin) == 403


def test_a_link_from_elsewhere_opens_the_page_but_no_frame() -> None:
    assert (
        refused("GET", "/", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="document")
        == 0
    )
    assert (
        refused("GET", "/", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="iframe")
        == 403
    )


def test_the_nodes_own_pages_are_allowed() -> None:
    assert refused(sec_fetch_site="same-origin", origin="http://localhost:6800") == 0
    assert refused(origin="http://localhost:6800") == 0
    assert refused("GET", "/", sec_fetch_site="none", sec_fetch_mode="navigate") == 0


def test_an_allowed_origin_is_let_in_and_only_a_cors_origin_reads() -> None:
    assert refused(origin="https://panel.example", sec_fetch_site="cross-site") == 0
    assert refused(origin="https://reader.example", sec_fetch_site="cross-site") == 0
    assert not GUARD.may_read("https://panel.example")
    assert GUARD.may_read("https://reader.example")
    assert Guard(frozenset(), cors=frozenset({"*"})).may_read("https://any.example")


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "/schedule.json", Role.VIEWER),
        ("HEAD", "/", Role.VIEWER),
        ("POST", "/schedule.json", Role.OPERATOR),
        ("POST", "/cancel.json", Role.OPERATOR),
        ("POST", "/addversion.json", Role.DEPLOYER),
        ("POST", "/delversion.json", Role.DEPLOYER),
        ("POST", "/delproject.json", Role.ADMIN),
        ("POST", "//schedule.json", Role.ADMIN),
        ("POST", "/of/a/plugin.json", Role.ADMIN),
        ("PUT", "/", Role.ADMIN),
    ],
)
def test_each_route_needs_a_role(method: str, path: str, role: Role) -> None:
    assert role_for(Incoming(method, path)) is role


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("A.example:1", "a.example"),
        ("[::1]:80", "::1"),
        ("a.", "a"),
        ("", ""),
        (":80", ":80"),
    ],
)
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_what_loopback_is(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


def test_a_prefix_is_a_plain_path() -> None:
    assert is_prefix("")
    assert is_prefix("/scrapyd/one")
    assert not is_prefix('/"><script>')
    assert not is_prefix("//evil.example")
    assert not is_prefix("https://evil.example")
    assert not is_prefix("/a\n")
