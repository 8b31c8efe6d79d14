"""Compressed bodies that grow out of proportion: refused by their ratio, in little memory."""

import asyncio
import gzip
import os
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.exceptions import DownloadError, ResponseTooLargeError
from aioscrapy.http import Request, Response
from support.handlers import HANDLERS, open_handler
from support.raw_server import RawServer

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
# Downloads 16 bombs at once and prints the peak of its resident memory in MiB.
CLIENT = """
import asyncio, sys
from aioscrapy.exceptions import ResponseTooLargeError
from aioscrapy.http import Request
from support.handlers import open_handler

async def main(url, name):
    async with open_handler(name) as handler:
        bombs = (handler.download_request(Request(f"{url}?{number}"), None) for number in range(16))
        for failure in await asyncio.gather(*bombs, return_exceptions=True):
            assert isinstance(failure, ResponseTooLargeError), failure
    status = open("/proc/self/status").read().splitlines()
    print(*(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")))

asyncio.run(main(*sys.argv[1:]))
"""


@cache
def zeros(mib: int) -> bytes:
    stream = zlib.compressobj(9, wbits=31)
    return b"".join(stream.compress(bytes(MIB)) for _ in range(mib)) + stream.flush()


def answer(body: bytes, coding: str = "gzip") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def get(name: str, answer: bytes, settings: dict[str, Any] | None = None, **meta: Any) -> Response:
    async with RawServer({"/": answer}) as server, open_handler(name, settings) as handler:
        return await handler.download_request(Request(server.url, meta=meta), None)


@pytest.fixture(params=HANDLERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_body_that_grows_too_much_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ResponseTooLargeError, match=r"DOWNLOAD_MAXRATIO = 100"):
        await get(name, answer(zeros(64)))
    with pytest.raises(ResponseTooLargeError, match=r"DOWNLOAD_MAXRATIO = 20"):
        await get(
            name, answer(gzip.compress(os.urandom(MIB // 2) + bytes(15 * MIB))), {"DOWNLOAD_MAXRATIO": 20}
        )


async def test_a_large_page_that_compresses_well_is_not_a_bomb(name: str) -> None:
    page = b"".join(b"<li><a href='/item/%d'>item %d</a></li>\n" % (n, n * 7919) for n in range(400_000))
    assert len(page) > 10 * MIB
    assert (await get(name, answer(gzip.compress(page, 9)))).body == page


async def test_a_small_body_may_grow_as_it_likes_and_so_may_all_without_the_limit(name: str) -> None:
    assert len((await get(name, answer(zeros(9)))).body) == 9 * MIB
    assert len((await get(name, answer(zeros(20)), {"DOWNLOAD_MAXRATIO": 0})).body) == 20 * MIB


async def test_the_maximum_size_holds_for_each_form_of_the_body(name: str) -> None:
    for body, coding in (
        (zeros(5), "gzip"),
        (gzip.compress(zeros(5)), "gzip, gzip"),
        (bytes(5 * MIB), "none"),
    ):
        with pytest.raises(ResponseTooLargeError, match=r"download max size \(1000000\)"):
            await get(name, answer(body, coding), {"DOWNLOAD_MAXSIZE": 1_000_000})
    endless_tail = gzip.compress(b"page") + bytes(2 * MIB)
    with pytest.raises(DownloadError, match=r"DOWNLOAD_MAXSIZE"):
        await get(name, answer(endless_tail), {"DOWNLOAD_MAXSIZE": 1_000_000})


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip"])
async def test_sixteen_bombs_at_once_stay_below_500_mib(name: str, coding: str) -> None:
    body = zeros(128)
    body = gzip.compress(body) if coding != "gzip" else body
    # close=False: a server that closes without a word may do so while the next request is on its way
    async with RawServer({"/": answer(body, coding)}, close=False) as server:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLIENT, server.url, name, stdout=asyncio.subprocess.PIPE, env=environment
        )
        output, _ = await process.communicate()
    assert process.returncode == 0
    assert int(output) < 500
