"""The codecs that Python and Lua share: waiting requests, keys, the fields of messages."""

import random
from typing import Any

import msgpack
import pytest

from aioscrapy.crawls.keys import KEYS, lua_names
from aioscrapy.crawls.member import Member
from aioscrapy.crawls.script import lua
from aioscrapy.feeds.store import FeedProgress
from aioscrapy.queue.base import SEQUENCES, Order, sort_base, sort_key
from aioscrapy.queue.exchange_message import (
    EntryMessage,
    ExchangeMessage,
    PageMessage,
    with_fields,
)
from aioscrapy.queue.redis import exchange_source
from support.redis import RedisServer

ECHO = """
local packed, parsed = {}, {}
for i, member in ipairs(cmsgpack.unpack(ARGV[1])) do
  local host, key, payload = unpack_member(member)
  parsed[i] = {host, key, payload}
  packed[i] = pack_member(host, key, payload)
end
return cmsgpack.pack({packed, parsed})
"""


def random_members(count: int) -> list[Member]:
    """Return members with hosts and payloads of any bytes, except a newline in a host."""
    source = random.Random(1)
    hosts = [source.randbytes(source.randint(0, 30)).replace(b"\n", b"") for _ in range(count)]
    return [Member(host, source.randrange(2**53), source.randbytes(source.randint(0, 200))) for host in hosts]


@pytest.fixture
def raw(redis_server: RedisServer) -> Any:
    with redis_server.client() as client:
        yield client


def test_lua_and_python_agree_on_a_thousand_members(raw: Any) -> None:
    members = random_members(1000)
    wire = [member.pack() for member in members]
    answer = raw.eval(lua("member.lua") + ECHO, 0, msgpack.packb(wire, use_bin_type=False))
    packed, parsed = msgpack.unpackb(answer, raw=True)
    assert packed == wire
    assert [Member(*fields) for fields in parsed] == members
    assert [Member.parse(data) for data in wire] == members


@pytest.mark.parametrize("damaged", [b"", b"host", b"host\n00000000000", b"host\n0000000000000gx"])
def test_a_damaged_member_is_an_error_in_python_and_nothing_in_lua(raw: Any, damaged: bytes) -> None:
    with pytest.raises(ValueError, match="not a waiting request"):
        Member.parse(damaged)
    source = lua("member.lua") + "return select('#', unpack_member(ARGV[1]))"
    assert raw.eval(source, 0, damaged) == 0


def test_lua_names_the_keys_in_their_order(raw: Any) -> None:
    named = ", ".join(suffix.upper() for suffix in KEYS)
    assert raw.eval(f"{lua_names()} return {{{named}}}", len(KEYS), *KEYS) == [
        suffix.encode() for suffix in KEYS
    ]


def test_lua_reads_the_fields_of_messages_by_name(raw: Any) -> None:
    entry = EntryMessage("host", 5, b"f" * 16, b"payload", 7)
    page = PageMessage(3, 4, 0, [entry], 0, [1], "reason", 1, 0)
    message = ExchangeMessage(
        "worker",
        15000,
        60000,
        "fifo",
        serial=3,
        busy=["busy"],
        pages=[page],
        delays=[("a", 1)],
        feeds=[FeedProgress(7, 8, 9)],
        cookies=[("jar", "cookie", b"value")],
    )
    values = ", ".join(ExchangeMessage._fields)
    read = raw.eval(with_fields(f"return cmsgpack.pack({{{values}}})"), len(KEYS), *KEYS, message.pack())
    assert msgpack.unpackb(read, raw=False) == msgpack.unpackb(message.pack(), raw=False)
    for value, path in ((page, "pages[1][PAGE.{}]"), (entry, "pages[1][PAGE.entries][1][ENTRY.{}]")):
        for name in value._fields:
            script = with_fields(f"return cmsgpack.pack({path.format(name)})")
            read = raw.eval(script, len(KEYS), *KEYS, message.pack())
            expected = msgpack.unpackb(msgpack.packb(getattr(value, name), use_bin_type=False))
            assert msgpack.unpackb(read) == expected, name
    with pytest.raises(ValueError, match="not in tuple"):
        with_fields("pages[1][PAGE.nosuch]")


def test_a_sort_key_is_its_base_and_the_number() -> None:
    assert sort_key(Order.PRIORITY, 5, 7) == sort_base(Order.PRIORITY, 5) + 7
    assert sort_key(Order.LIFO, 5, 7) == SEQUENCES - 1 - 7
    assert sort_key(Order.PRIORITY, -(2**70), 2**32 - 1) < 2**53


def test_the_script_is_valid_lua(raw: Any) -> None:
    assert raw.script_load(exchange_source("local function marked() end"))
