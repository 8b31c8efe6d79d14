"""The files of processes that were killed: another process of the same machine completes them."""

import asyncio
import json
import logging
import socket
import time
from collections.abc import Container
from pathlib import Path

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import SettingError
from aioscrapy.feeds.completion import Completion
from aioscrapy.feeds.file import FeedFile
from aioscrapy.feeds.options import feed_of
from aioscrapy.feeds.outlet import Outlet
from aioscrapy.feeds.store import FeedState, FeedStore
from aioscrapy.settings import Settings

logger = logging.getLogger("aioscrapy.extensions.feedexport")

# Options that name the present file.
_PRESENT = ("uri", "target", "file", "batch", "first")
_CHECK_S = 0.5  # seconds between two looks at a process of another machine


async def complete_rest(
    store: FeedStore, own: Container[str], settings: Settings, *, finished: bool, wait_s: float = 0.0
) -> list[str]:
    """Write the records of killed processes to their files; return what can't be written from here.

    A file is left alone while its process lives, which has the lock; and on another machine.

    Args:
        store: of the crawl.
        own: names of the feeds of this process, which are left out.
        settings: name the exporters of formats.
        finished: nothing is committed any more: write the ends of the documents, too.
        wait_s: seconds to wait for the processes of other machines.
    """
    problems = []
    for state in await store.states():
        if state.name in own or (state.written == state.total and not finished):
            continue
        path = _path_here(state, shared=store.shared)
        if path is not None:
            try:
                await _complete(store, state, path, settings, finished=finished)
            except (OSError, SettingError) as exc:
                problems.append(f"{state.total - state.written} items can't be written to {path}: {exc}")
        elif finished and (count := await _left(store, state, wait_s)):
            problems.append(
                f"{count} items are committed, but not in {state.name}, whose process has ended: they wait "
                "in the store until a worker of this crawl starts on that machine"
            )
    for problem in problems:
        logger.error("%s", problem)
    return problems


async def _complete(
    store: FeedStore, state: FeedState, path: Path, settings: Settings, *, finished: bool
) -> None:
    options = json.loads(state.options)
    present = {name: options.pop(name) for name in _PRESENT if name in options}
    crawler = CrawlContext.without_crawl(settings)  # its stats are not those of this crawl
    feed = feed_of(present.get("uri", str(path).replace("%", "%%")), options, settings, crawler)
    feed.prepare(None)
    feed.go_to(present)
    outlet = Outlet(feed, store, Completion(crawler), state.name)
    try:
        await outlet.catch_up()
        if not outlet.writes:
            return  # its process lives, or another one completes it
        if outlet.failed:
            raise OSError(outlet.failed)
        count = outlet.state.written - state.written
        if finished:
            complete = await outlet.complete(finished=True)
            if not complete:
                raise OSError(outlet.failed or f"{feed.label} is not complete")
        else:
            outlet.flush()
            await outlet.save()
        if count:
            logger.info("Completed %s, which a killed process left: %d items", path, count)
    finally:
        feed.file.close()


def _path_here(state: FeedState, *, shared: bool) -> Path | None:
    """Return the path of the file if it is on this machine, or was."""
    if not shared:
        return Path(state.name)
    host, inode, path = state.name.split(":", 2)
    if host != socket.gethostname() or inode == "0":
        return None
    if inode == "batches":
        return Path(path)
    file = FeedFile(Path(path))
    try:
        return None if file.size and file.inode != int(inode) else Path(path)
    except OSError:
        return None
    finally:
        file.close()


async def _left(store: FeedStore, state: FeedState, wait_s: float) -> int:
    """Return the records that no live process is going to write."""
    until = time.monotonic() + wait_s
    while True:
        now = next((other for other in await store.states() if other.number == state.number), None)
        if now is None or now.written == now.total:
            return 0
        if not now.alive or time.monotonic() > until:
            return 0 if now.alive else now.total - now.written
        await asyncio.sleep(_CHECK_S)
