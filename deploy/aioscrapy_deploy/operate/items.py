"""The items of jobs as Scrapyd keeps them: for `items JOB -t TARGET`."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from aioscrapy_deploy.errors import ServerError, TargetError
from aioscrapy_deploy.fleet import Fleet, warn
from aioscrapy_deploy.operate.find_jobs import JobOnNode, find_jobs_with_files
from aioscrapy_deploy.remote.job_end import read_end


def job_items(options: argparse.Namespace) -> Iterator[Any]:
    """Yield the items of a job, or of all jobs of a crawl, one job after the other.

    A job that did not end as `finished` is a warning: items may be missing.

    Raises:
        TargetError: the job is unknown, or Scrapyd has no items of it.
        ServerError: a Scrapyd does not answer, so that items would be missing; or a line is not JSON.
    """
    fleet = Fleet.from_options(options)
    matches = find_jobs_with_files(fleet, options.crawl)
    if fleet.failures and len(matches) > 1:
        raise ServerError(f"not all Scrapyds answer: items of {options.crawl} may be missing")
    feeds = [(match, match.node.client.items(match.job)) for match in matches]
    if without := [match.job.id for match, feed in feeds if feed is None]:
        raise TargetError(
            f"Scrapyd keeps no items of {', '.join(without)}: see items_dir of its scrapyd.conf"
        )
    for match, feed in feeds:
        yield from _items(match, feed or iter(()))


def _items(match: JobOnNode, blocks: Iterator[bytes]) -> Iterator[Any]:
    number, rest = 0, b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            number += 1
            yield _item(match, number, line)
    finished = True
    if match.job.state == "finished":
        end = read_end(match.node.client, match.job)
        finished = end.reason == "finished"
        if end.reason is None:
            warn(f"nothing says how job {match.job.id} ended: items may be missing")
        elif not finished:
            reason = f"{end.reason} ({end.error})" if end.error else end.reason
            warn(f"job {match.job.id} ended with {reason}: items may be missing")
    else:
        warn(f"job {match.job.id} is {match.job.state}: more items may come")
    # the last line of a job that runs, or was killed, may be a part of an item
    if rest.strip() and match.job.state == "finished" and (finished or _is_json(rest)):
        yield _item(match, number + 1, rest)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _item(match: JobOnNode, number: int, line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as exc:
        raise ServerError(f"line {number} of the items of {match.job.id} is not JSON: {exc}") from None
