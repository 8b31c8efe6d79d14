"""The servers that FEEDS names, by the schemes of FEED_STORAGES."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import AioscrapyError, NotConfigured
from aioscrapy.feeds.storages import FileFeedStorage, StdoutFeedStorage, build_storage
from aioscrapy.feeds.target import Destination
from aioscrapy.feeds.uri import FeedError, names_batches, scheme_of
from aioscrapy.settings import Settings


def destination_of(
    uri: str, options: Mapping[str, Any], settings: Settings, crawler: CrawlContext | None
) -> Destination | None:
    """Return the server of a feed; None if its files stay on this machine.

    Raises:
        FeedError: there is no storage for the scheme, or it can't be used.
    """
    scheme, storages = scheme_of(uri), settings.getwithbase("FEED_STORAGES")
    if scheme not in storages:
        names = ", ".join(filter(None, storages))
        raise FeedError(uri, f"there is no storage for {scheme}://; there are {names}")
    storage_class = load_object(storages[scheme], "FEED_STORAGES")
    if storage_class in {FileFeedStorage, StdoutFeedStorage}:
        return None
    context = crawler or CrawlContext.without_crawl(settings)

    def build(one: str) -> Any:
        try:
            return build_storage(storage_class, context, one, options)
        except FeedError:
            raise
        except (AioscrapyError, NotConfigured) as exc:
            raise FeedError(one, exc) from exc

    if "%(" not in uri or names_batches(uri):
        build(uri)  # a library or a login that is missing must be known before the first page
    return Destination(storage_class.__name__, folder_of(settings), build)


def folder_of(settings: Settings) -> Path:
    """Return the folder for files that are on their way to a server; nobody else can write to it.

    Raises:
        FeedError: the folder belongs to another user, or can't be created.
    """
    if settings["JOBDIR"]:
        return Path(settings["JOBDIR"]).absolute() / "feeds"
    folder = Path(settings["FEED_TEMPDIR"] or tempfile.gettempdir()) / f"aioscrapy-feeds-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise FeedError(str(folder), "the folder belongs to another user: set FEED_TEMPDIR")
    except OSError as exc:
        raise FeedError(str(folder), f"can't be used: {exc.strerror}; set FEED_TEMPDIR") from exc
    return folder
