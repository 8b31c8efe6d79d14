"""`aioscrapy push`: requests from outside, in the stream that the workers of a spider take in."""

import json
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from aioscrapy.http import Request
from aioscrapy.http.fingerprint import RequestFingerprinter
from support.commands import aioscrapy, fails, output, write_shop
from support.crawling import json_lines
from support.site import Site

STREAM = "aioscrapy:{shop/tested}:push"


@pytest.fixture
def shop(tmp_path: Path, redis_url: str) -> Path:
    return write_shop(tmp_path / "work", redis_url)


def pushed(redis: Any) -> list[dict[str, Any]]:
    return [json.loads(fields["request"]) for _, fields in redis.xrange(STREAM)]


def test_urls_and_json_are_pushed_in_their_order(shop: Path, redis: Any) -> None:
    lines = [
        '{"url": "http://a/ü?q=a b", "method": "post",'
        ' "body": "x", "headers": {"X-A": "b", "X-C": ["d", "e"]}'
        ', "callback": "parse_alone", "meta": {"note": [1]}, "cb_kwargs": {}, "cookies": {"c": "d"}'
        ', "priority": 7}',
        "",
        "  http://a/2  ",
    ]
    said = output(shop, "push", "tested", "http://a/1", "-", "--priority", "3", stdin="\n".join(lines))
    assert said == "Pushed 3 requests to spider 'tested'; 3 wait for its workers\n"
    assert pushed(redis) == [
        {"url": "http://a/1", "priority": 3},
        {
            "url": "http://a/%C3%BC?q=a%20b",
            "method": "POST",
            "headers": {"X-A": ["b"], "X-C": ["d", "e"]},
            "body": "x",
            "priority": 7,
            "meta": {"note": [1]},
            "cookies": {"c": "d"},
            "callback": "parse_alone",
        },
        {"url": "http://a/2", "priority": 3},
    ]
    assert "4 wait" in output(shop, "push", "tested", "http://a/1")


def test_many_are_pushed_with_their_fingerprints(shop: Path, redis_url: str) -> None:
    urls = [f"http://a/{number}" for number in range(2345)]
    stdin = "\n".join([*urls, '{"url": "http://a/1", "dont_filter": true}'])
    output(shop, "push", "tested", "-", "--new", stdin=stdin)
    with Redis.from_url(redis_url) as client:
        fields = [fields for _, fields in client.xrange(STREAM)]
    assert [json.loads(each[b"request"])["url"] for each in fields] == [*urls, "http://a/1"]
    fingerprint = RequestFingerprinter().fingerprint
    assert [each.get(b"fingerprint") for each in fields] == [
        *(fingerprint(Request(url)) for url in urls),
        None,
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("no-url", "Missing scheme in request url: no-url"),
        ("http:///x", "names no host"),
        ("{", "this is not JSON: Expecting property name"),
        ('{"method": "GET"}', "a request needs a 'url'"),
        ('{"url": "http://a/", "callback": "none"}', "callback: the spider has no method 'none'"),
        ('{"url": "http://a/", "priority": "high"}', "priority not an integer: 'high'"),
        ('{"url": "http://a/", "colour": 1}', "unexpected keyword argument 'colour'"),
        ('{"url": "http://a/", "headers": [1]}', ""),
        ('{"url": "http://a/", "meta": 1}', ""),
    ],
)
def test_one_bad_line_is_named_and_nothing_is_pushed(shop: Path, redis: Any, line: str, problem: str) -> None:
    done = aioscrapy(shop, "push", "tested", "-", stdin=f"http://a/1\n\n{line}\n")
    fails(done, "line 3 of standard input: ", problem, "nothing was pushed")
    assert redis.keys() == []


def test_a_spider_that_is_not_there_is_refused(shop: Path, redis: Any) -> None:
    fails(aioscrapy(shop, "push", "testd", "http://a/"), "Spider not found: testd", "did you mean 'tested'?")
    fails(aioscrapy(shop, "push", "tested", "a"), "'a': Missing scheme")
    assert redis.keys() == []


def test_outside_of_a_project_the_redis_is_named(tmp_path: Path, redis_url: str, redis: Any) -> None:
    line = '{"url": "http://a/1", "callback": "whatever"}'
    words = ("push", "tested", "-", "--redis", redis_url, "-s", "BOT_NAME=shop")
    output(tmp_path, *words, stdin=line)
    assert pushed(redis) == [json.loads(line)]


def test_a_crawl_takes_in_what_was_pushed_and_asks_the_filter_where_it_shall(
    shop: Path, site: Site, redis: Any
) -> None:
    one = f"{site.url}/page/1"
    lines = [
        one,
        one,
        json.dumps({"url": f"{site.url}/page/2", "callback": "parse_alone", "meta": {"note": 5}}),
    ]
    (shop / "shop" / "spiders.py").write_text(
        (shop / "shop" / "spiders.py").read_text().replace("a::attr(href)", "nothing")
    )
    output(shop, "push", "tested", "-", "--new", stdin="\n".join(lines))
    output(shop, "crawl", "tested", "--nolog", "-o", "out.jl")
    assert sorted(json_lines(shop / "out.jl"), key=str) == [
        {"alone": f"{site.url}/page/2", "note": 5},
        {"url": one, "title": "Page 1"},
    ]
    assert redis.xlen(STREAM) == 0
