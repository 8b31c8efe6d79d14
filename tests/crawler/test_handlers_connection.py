"""What connections do behind an answer: resets, TLS that ends without a goodbye, bytes without a request."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aioscrapy.exceptions import CannotResolveHostError, DownloadError, ResponseDataLossError
from aioscrapy.http import Request
from support.handlers import HANDLERS, open_handler, tls_context
from support.raw_answers import ANSWERS as RAW_ANSWERS
from support.raw_answers import PAGE, RawAnswer
from support.raw_server import RawServer

pytestmark = pytest.mark.server

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ANSWERS: dict[str, RawAnswer] = {answer.name: answer for answer in RAW_ANSWERS}
IDLE = b"HTTP/1.1 408 Request Time-out\r\nContent-Length: 3\r\n\r\nold"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close is a reset


@asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Let `talk` have each connection, which is cut off after it; yields the URL."""

    tasks: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            await talk(reader, writer)
        writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(connected(reader, writer)))

    async with await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls) as server:
        scheme = "https" if tls else "http"
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await asyncio.wait(tasks, timeout=5)


@pytest.fixture(params=HANDLERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("answer", ["no-length", "plain", "chunk-trailers", "gzip-to-the-end"])
async def test_tls_may_end_without_a_goodbye(name: str, answer: str, tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWERS[answer].answer)
        await writer.drain()

    async with serving(talk, tls_context(tmp_path)) as url, open_handler(name) as handler:
        assert (await handler.download_request(Request(url), None)).body == PAGE


async def test_a_page_without_a_length_is_not_complete_if_its_connection_is_reset(name: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWERS["no-length"].answer)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    async with serving(talk) as url, open_handler(name) as handler:
        with pytest.raises(ResponseDataLossError, match=r"(?i)reset by peer"):
            await handler.download_request(Request(url), None)


@pytest.mark.parametrize("name", ["aiohttp", "wreq"])
async def test_bytes_that_come_between_two_requests_are_not_the_answer_to_the_second(name: str) -> None:
    connections: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWERS["plain"].answer)
            if len(connections) == 1 and await between(reader, writer):
                return

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await is_idle.wait()
        writer.write(IDLE)
        closed = await asyncio.wait_for(reader.read(1), 5) == b""
        is_closed.set()
        return closed

    is_idle, is_closed = asyncio.Event(), asyncio.Event()
    async with serving(talk) as url, open_handler(name) as handler:
        await handler.download_request(Request(url), None)
        is_idle.set()
        await asyncio.wait_for(is_closed.wait(), 5)
        for _ in range(2):
            assert (await handler.download_request(Request(url), None)).status == 200
    assert len(connections) == 2


async def test_a_failure_has_no_objects_of_a_library(name: str) -> None:
    answers = {"/empty": b"", "/none": b"<html>", "/short": ANSWERS["length-too-long"].answer}
    async with RawServer(answers) as server, open_handler(name) as handler:
        urls = [server.url + path for path in answers]
        for url in (*urls, "http://127.0.0.1:9/", "http://nosuch.invalid/"):
            with pytest.raises(DownloadError) as failure:
                await handler.download_request(Request(url), None)
            text = str(failure.value)
            assert len(text) < 200, text
            assert not set(text) & set("{}<>\n"), text
        for proxy in ("127.0.0.1:9", "http://127.0.0.1:9", server.url):
            meta = {"proxy": proxy}
            with pytest.raises(DownloadError, match=r"^[^{}<>]{20,250}$"):
                await handler.download_request(Request("https://a.test/", meta=meta), None)


@pytest.mark.parametrize("host", ["a..test", "a" * 64 + ".test"])
async def test_a_host_that_can_not_be_one_is_not_resolved(name: str, host: str) -> None:
    async with open_handler(name) as handler:
        with pytest.raises(CannotResolveHostError):
            await handler.download_request(Request(f"http://{host}/"), None)
