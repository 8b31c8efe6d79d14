"""Export the items of a crawl from Redis, or of a job from Scrapyd.

Examples:
  aioscrapy items quotes -o quotes.csv          # of the spider's current crawl, from Redis
  aioscrapy items JOB -t production             # the feed of a job on a server
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from aioscrapy.commands.crawls import CRAWL_HELP, add_redis_option, bot_of, end_at_signal, run_to_end
from aioscrapy.crawls.catalog import Crawl, Crawls
from aioscrapy.exceptions import ConfigError, SerializeError
from aioscrapy.feeds import STDOUT, Feed
from aioscrapy.feeds.options import FORMATS, feed_of
from aioscrapy.open_crawls import open_crawls
from aioscrapy.settings import Settings
from aioscrapy_deploy.errors import DeployError
from aioscrapy_deploy.fleet import add_target_options
from aioscrapy_deploy.operate.items import job_items
from aioscrapy_deploy.terminal.text import printable


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "crawl",
        metavar="CRAWL",
        help=f"{CRAWL_HELP}; with -t the id of a job or crawl on the server",
    )
    add_target_options(parser, as_json=False)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="overwrite FILE (default: JSON lines to standard output)"
    )
    parser.add_argument(
        "-f", "--format", choices=sorted(FORMATS), help="format (default: from the extension of FILE)"
    )
    parser.add_argument("--delete", action="store_true", help="remove the exported items from Redis")
    add_redis_option(parser)


def run(options: argparse.Namespace) -> int:
    """Export the items of this moment; --delete removes only these."""
    path = Path(options.output).absolute() if options.output else None
    name = options.format or (path.suffix.lstrip(".").lower() if path else "jsonlines")
    if name not in FORMATS:
        raise ConfigError(
            f"{options.output}: the format is not known: use -f or an extension, one of {', '.join(FORMATS)}"
        )
    if options.target or options.project:
        count = _export_job(options, path, name)
    else:
        count = run_to_end(_export(options, path, name))
    verb = "moved" if options.delete else "exported"
    line = f"{count} items {verb} to {options.output or 'standard output'}"
    if not (count or options.target or options.project):
        line += " (a crawl keeps its items in Redis with ITEMS_IN_REDIS = True)"
    print(printable(line), file=sys.stdout if path else sys.stderr)
    return 0


def _export_job(options: argparse.Namespace, path: Path | None, format_: str) -> int:
    """Write the items of a job from the servers of the target."""
    if options.delete or options.redis:
        raise ConfigError("--delete and --redis are for crawls in Redis, -t and -p for jobs on a server")
    try:
        items = job_items(options)
        with _feed(path, format_, options.settings) as feed:
            for item in items:
                feed.write_item(item)
            return feed.count
    except DeployError as exc:
        raise ConfigError(str(exc)) from exc


async def _export(options: argparse.Namespace, path: Path | None, format_: str) -> int:
    async with open_crawls(options.settings, options.redis, bot=bot_of(options.settings)) as crawls:
        crawl = await crawls.find(options.crawl)
        with _feed(path, format_, options.settings) as feed:
            ends = await _write(crawls, crawl, feed)
        if options.delete and feed.count:
            await crawls.drop_items(crawl, feed.count, *ends)
        return feed.count


async def _write(crawls: Crawls, crawl: Crawl, feed: Feed) -> tuple[bytes, bytes]:
    """Write all items; return the first and the last as they are stored."""
    first = last = b""
    async for page in crawls.items(crawl):
        end_at_signal()
        first, last = first or page[0], page[-1]
        for payload in page:
            try:
                feed.write_item(crawls.loads(payload))
            except (SerializeError, TypeError) as exc:
                raise SerializeError(f"item {feed.count + 1} of crawl {crawl.id}: {exc}") from exc
    end_at_signal()
    return first, last


@contextlib.contextmanager
def _feed(path: Path | None, format_: str, settings: Settings) -> Iterator[Feed]:
    """Yield a feed whose file gets its name only when it is complete and on disk."""
    part = path and path.with_name(f".{path.name}.{os.getpid()}.part")
    uri = str(part).replace("%", "%%") if part else STDOUT
    options = {"format": format_, "overwrite": True, "store_empty": True}
    feed = feed_of(uri, {**options, "batch_item_count": 0, "uri_params": None}, settings)
    try:
        if path is None or part is None:
            yield feed
            feed.close()
            return
        if not path.parent.is_dir():
            raise ConfigError(f"there is no folder {path.parent}")
        feed.prepare(None)
        feed.begin()
        yield feed
        feed.close()
        with part.open("rb") as written:
            os.fsync(written.fileno())  # the items may be deleted from Redis next
        part.replace(path)
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise ConfigError(f"{path or 'standard output'} can't be written: {exc.strerror or exc}") from None
    finally:
        if part:
            part.unlink(missing_ok=True)
