"""What Chromium makes of the raw answers: a headless browser, driven through its debugging protocol.

`python tests/support/chromium.py` (with `tests` on PYTHONPATH) renews chromium.json; CI reads that file only.
"""

import asyncio
import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from support.raw_answers import ANSWERS
from support.raw_server import RawServer

RESULTS = Path(__file__).with_name("chromium.json")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-http-cache", "--remote-debugging-port=0",
)  # fmt: skip
_PATIENCE_S = 5.0
_SHOWN = "`${document.readyState} ${location.href} ${document.title}|${document.characterSet}`"


class Tab:
    """One tab of a running browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._failures: dict[str, str] = {}  # loader of a page -> network error after its head

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the debugging protocol."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            if message.get("method") == "Network.loadingFailed":
                self._failures[message["params"]["requestId"]] = message["params"]["errorText"]
            if message.get("id") == number:
                return dict(message["result"]) if "result" in message else dict(message)

    async def show(self, url: str) -> str:
        """Return title and encoding of the page that a URL leads to, or Chromium's network error."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                result = await self.call("Page.navigate", url=url)
                if problem := result.get("errorText"):
                    return str(problem)
                return await self._shown(result["loaderId"])
        except TimeoutError:
            return "timeout"

    async def _shown(self, loader: str) -> str:
        while True:
            answer = await self.call("Runtime.evaluate", expression=_SHOWN, returnByValue=True)
            state, place, title = answer.get("result", {}).get("value", "  ").split(" ", 2)
            if loader in self._failures:
                return f"{self._failures[loader]} in the body"
            if state == "complete" and place != "about:blank":
                return str(title)
            await asyncio.sleep(0.01)  # the protocol has no call that waits for a page


@asynccontextmanager
async def chromium() -> AsyncIterator[Tab]:
    """Start a browser with a fresh profile and give one tab of it."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("chromium is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program, *_FLAGS, f"--user-data-dir={profile}", "about:blank", stderr=asyncio.subprocess.PIPE
        )
        try:
            assert process.stderr is not None
            async for line in process.stderr:
                if line.startswith(b"DevTools listening on "):
                    break
            base = line.split()[-1].decode().replace("ws://", "http://").partition("/devtools")[0]
            async with aiohttp.ClientSession() as session:
                async with session.put(f"{base}/json/new?about:blank") as answer:
                    target = await answer.json()
                async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    tab = Tab(socket)
                    await tab.call("Network.enable")
                    yield tab
        finally:
            process.terminate()
            await process.wait()


async def _renew() -> None:
    answers = {f"/{answer.name}": answer.answer for answer in ANSWERS}
    shown: dict[str, str] = {}
    async with RawServer(answers) as server, chromium() as tab:
        for answer in ANSWERS:
            if answer.method == "GET":
                shown[answer.name] = await tab.show(f"{server.url}/{answer.name}")
    RESULTS.write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    asyncio.run(_renew())
