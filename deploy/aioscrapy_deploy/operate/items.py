"""The items of jobs as Scrapyd keeps them: for `items JOB -t TARGET`."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from aioscrapy_deploy.errors import ServerError, TargetError
from aioscrapy_deploy.fleet import Fleet
from aioscrapy_deploy.operate.find_jobs import Found, find_files


def job_items(options: argparse.Namespace) -> Iterator[Any]:
    """Yield the items of a job, or of all jobs of a crawl, one job after the other.

    Raises:
        TargetError: there is no such job, or Scrapyd keeps no items of it.
        ServerError: a Scrapyd does not answer, so that items would be missing; or a line is no JSON.
    """
    fleet = Fleet.from_options(options)
    found = find_files(fleet, options.crawl)
    if fleet.failures and len(found) > 1:
        raise ServerError(f"not all Scrapyds answer: items of {options.crawl} may be missing")
    feeds = [(each, each.node.client.items(each.job)) for each in found]
    if without := [each.job.id for each, feed in feeds if feed is None]:
        raise TargetError(
            f"Scrapyd keeps no items of {', '.join(without)}: see items_dir of its scrapyd.conf"
        )
    for each, feed in feeds:
        yield from _lines(each, feed or iter(()))


def _lines(found: Found, blocks: Iterator[bytes]) -> Iterator[Any]:
    number, rest = 0, b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            number += 1
            yield _item(found, number, line)
    if rest.strip() and found.job.state == "finished":  # one that runs may be in the middle of a line
        yield _item(found, number + 1, rest)


def _item(found: Found, number: int, line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as exc:
        raise ServerError(f"line {number} of the items of {found.job.id} is no JSON: {exc}") from None
