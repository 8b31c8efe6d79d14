"""Export the items that a crawl has left in Redis, or a job at a Scrapyd.

aioscrapy items quotes -o quotes.csv          # of the spider's current crawl, from Redis
aioscrapy items JOB -t production             # the feed that Scrapyd keeps of a job
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from aioscrapy.commands.crawls import add_redis_option, bot_of, end_at_signal, run_to_end
from aioscrapy.crawls.catalog import Crawl, Crawls
from aioscrapy.exceptions import ConfigError, SerializeError
from aioscrapy.feeds import STDOUT, Feed
from aioscrapy.feeds.options import FORMATS, feed_of
from aioscrapy.frontier_settings import open_crawls
from aioscrapy.settings import Settings
from aioscrapy_deploy.errors import DeployError
from aioscrapy_deploy.fleet import add_target_options
from aioscrapy_deploy.operate.items import job_items


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "crawl",
        metavar="CRAWL",
        help="id of the crawl, or SPIDER for its current crawl; with -t a job, or a crawl of jobs there",
    )
    add_target_options(parser, as_json=False)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write FILE anew (default: JSON lines to standard output)"
    )
    parser.add_argument(
        "-f", "--format", choices=sorted(FORMATS), help="format (default: by the ending of FILE)"
    )
    parser.add_argument("--delete", action="store_true", help="then take these items out of Redis")
    add_redis_option(parser)


def run(options: argparse.Namespace) -> int:
    """Export what is there at this moment; with --delete only that is deleted."""
    path = Path(options.output).absolute() if options.output else None
    name = options.format or (path.suffix.lstrip(".").lower() if path else "jsonlines")
    if name not in FORMATS:
        raise ConfigError(
            f"{options.output}: which format? There are {', '.join(FORMATS)}: say -f, or an ending"
        )
    if options.target or options.project:
        count = _export_job(options, path, name)
    else:
        count = run_to_end(_export(options, path, name))
    told = (
        f"{count} items {'moved' if options.delete else 'exported'} to {options.output or 'standard output'}"
    )
    print(told, file=sys.stdout if path else sys.stderr)
    return 0


def _export_job(options: argparse.Namespace, path: Path | None, format_: str) -> int:
    """Write what the Scrapyds of the target keep of a job."""
    if options.delete or options.redis:
        raise ConfigError("--delete and --redis are for crawls in Redis, -t and -p for jobs at a Scrapyd")
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
    """Write all items; returns the first and the last of them as they are stored."""
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
    """Yield a feed whose file stands under its name only once it is complete, and on the disk."""
    part = path and path.with_name(f".{path.name}.{os.getpid()}.part")
    uri = str(part).replace("%", "%%") if part else STDOUT
    feed = feed_of(uri, {"format": format_, "overwrite": True, "store_empty": True}, settings)
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
