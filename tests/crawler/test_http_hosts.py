"""Hosts of URLs and slots of requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.http import Request
from aioscrapy.http.hosts import host_of, slot_of


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://example.com", "example.com"),
        ("http://Example.COM:8080/a?b#c", "example.com"),
        ("https://user:pa%40ss@example.com/", "example.com"),
        ("http://example.com?q=http://other.org/", "example.com"),
        ("http://example.com#http://other.org/", "example.com"),
        ("http://[2001:db8::1]:80/x", "2001:db8::1"),
        ("http://127.0.0.1:9/x@y", "127.0.0.1"),
        ("http://[FE80::1]/", "fe80::1"),
    ],
)
def test_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


@given(
    st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z]{2,5}){0,2}", fullmatch=True),
    st.one_of(st.just(""), st.integers(1, 65535).map(lambda port: f":{port}")),
    st.sampled_from(["", "/", "/a:b@c", "?x=@", "#@:"]),
)
def test_host_of_reads_any_host(host: str, port: str, rest: str) -> None:
    assert host_of(f"http://{host}{port}{rest}") == host


def test_the_slot_of_a_request_is_its_host_unless_meta_names_another() -> None:
    assert slot_of(Request("http://A.test:8080/x")) == "a.test"
    assert slot_of(Request("http://a.test/", meta={"download_slot": "slow"})) == "slow"


@pytest.mark.parametrize(
    ("slot", "name"),
    [
        (("a", 1), "('a', 1)"),
        (5, "5"),
        ("a\nb\x00\x7f", "a%0Ab%00%7F"),
        ("\ud800", "%ED%A0%80"),
        ("", "a.test"),
    ],
)
def test_a_slot_is_always_text_that_a_store_can_hold(slot: object, name: str) -> None:
    assert slot_of(Request("http://a.test/", meta={"download_slot": slot})) == name
