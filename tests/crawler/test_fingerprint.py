"""Fingerprints: what is one page has one, what is another page has another."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from w3lib.url import canonicalize_url

from aioscrapy.http import Request
from aioscrapy.http.fingerprint import RequestFingerprinter


def of(url: str, fingerprinter: RequestFingerprinter | None = None, **kwargs: object) -> bytes:
    return (fingerprinter or RequestFingerprinter()).fingerprint(Request(url, **kwargs))


@given(
    host=st.sampled_from(["a", "a.b", "A.b", "a:80", "a-b.c", "[::1]", "é.x", "a.", "u@h"]),
    rest=st.text(alphabet="ab0.:/?#&=;%2Ff'~ é-+,", max_size=20),
)
@example(host="a", rest="/b/../c")
@example(host="a", rest="/b//c/.d?x=./")
@example(host="a", rest="/?b=1&a=2&a=1")
@example(host="a", rest="/?a=1&a-=1&a.=0&a")
@example(host="a", rest="/p?a=1#x#y")
def test_the_url_is_canonical_as_w3lib_says(host: str, rest: str) -> None:
    try:
        url = Request(f"http://{host}/{rest}").url
    except ValueError:
        return
    assert RequestFingerprinter().canonical_url(url) == canonicalize_url(url)
    assert RequestFingerprinter(keep_fragments=True).canonical_url(url) == canonicalize_url(
        url, keep_fragments=True
    )


def test_it_is_16_bytes() -> None:
    assert len(of("http://a/")) == 16


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a/?b=1&c=2", "http://a/?c=2&b=1"),
        ("http://a/#x", "http://a/#y"),
        ("http://A.com", "http://a.com/"),
        ("http://a/%7eb", "http://a/~b"),
    ],
)
def test_one_page_has_one(one: str, other: str) -> None:
    assert of(one) == of(other)


def test_another_page_has_another() -> None:
    digests = [
        of("http://a/"),
        of("http://a/b"),
        of("https://a/"),
        of("http://a/?b=1"),
        of("http://a/?b="),
        of("http://a/", method="POST"),
        of("http://a/", method="POST", body="x"),
        of("http://a/", method="POST", body="y"),
        of("http://a/", fingerprint="1"),
    ]
    assert len(set(digests)) == len(digests)


def test_headers_count_only_when_named() -> None:
    named = RequestFingerprinter(include_headers=["x-user", b"Accept"])
    ann, bob = {"X-User": "ann"}, {"X-USER": "bob"}
    assert of("http://a/", headers=ann) == of("http://a/", headers=bob)
    assert of("http://a/", named, headers=ann) != of("http://a/", named, headers=bob)
    assert of("http://a/", named, headers=ann) != of("http://a/", named)
    assert of("http://a/", named, headers={**ann, "Other": "1"}) == of("http://a/", named, headers=ann)


def test_fragments_count_only_when_kept() -> None:
    keeping = RequestFingerprinter(keep_fragments=True)
    assert of("http://a/#x", keeping) != of("http://a/#y", keeping)


def test_a_given_fingerprint_takes_the_place_of_the_url() -> None:
    assert of("http://a/", fingerprint="7") == of("http://b/", fingerprint="7", method="POST")


def test_it_is_worked_out_once_for_each_fingerprinter() -> None:
    calls = []

    class Counting(RequestFingerprinter):
        def canonical_url(self, url: str) -> str:
            calls.append(url)
            return super().canonical_url(url)

    counting, request = Counting(), Request("http://a/")
    assert counting.fingerprint(request) == counting.fingerprint(request)
    assert calls == ["http://a/"]
    assert RequestFingerprinter(keep_fragments=True).fingerprint(request.replace(url="http://a/#x")) != (
        counting.fingerprint(request)
    )


def test_a_replaced_request_has_its_own() -> None:
    fingerprinter, request = RequestFingerprinter(), Request("http://a/")
    first = fingerprinter.fingerprint(request)
    assert fingerprinter.fingerprint(request.replace(url="http://b/")) != first
