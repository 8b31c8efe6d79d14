"""Send requests to all Scrapyds of a target at once; a failure is one line and exit status 1."""

import argparse
import functools
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar
from urllib.parse import urlsplit

from aioscrapy_deploy.cfg import find_project
from aioscrapy_deploy.errors import DeployError, ReportedError, ServerError, TargetError
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.login import open_clients
from aioscrapy_deploy.targets import Target, pick_target, read_targets
from aioscrapy_deploy.terminal.messages import report

S = TypeVar("S")
T = TypeVar("T")
# the end of a Scrapyd's message -> advice
_ADVICE = {
    r": project '.*' not found$": "deploy it (`aioscrapy deploy`), or see `aioscrapy projects`",
    r": version '.*' not found$": "see `aioscrapy versions`",
}
_THREADS = 16  # requests at once


@dataclass(frozen=True)
class Node:
    """One Scrapyd, named by host, port and path of its address."""

    client: ScrapydClient

    @property
    def name(self) -> str:
        """Host, port and path: two daemons of a machine have the same `node_name`."""
        parts = urlsplit(self.client.url)
        return f"{parts.netloc}{parts.path}"


class Fleet:
    """All Scrapyds of one target.

    Attributes:
        nodes: one for each url of the target, in its order.
        failures: how many requests failed or were refused; every one is reported on standard error.
    """

    def __init__(self, target: Target, project: str | None) -> None:
        self.target = target
        self.project = project or target.project
        self.nodes = [Node(client) for client in open_clients(target, warn)]
        self.failures = 0
        self._reported: set[str] = set()

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> "Fleet":
        """Return the fleet that the options of `add_target_options` name.

        Raises:
            TargetError: the target is unknown or incomplete.
        """
        targets = read_targets(find_project(Path.cwd()).cfg)
        return cls(pick_target(targets, options.target), getattr(options, "project", None))

    @property
    def needed_project(self) -> str:
        """The project's name.

        Raises:
            TargetError: neither the target nor an option names it.
        """
        if not self.project:
            raise TargetError(f"target {self.target.name} names no project: use -p PROJECT")
        return self.project

    @property
    def status(self) -> int:
        """The exit status: 1 if a Scrapyd failed."""
        return 1 if self.failures else 0

    def query(self, question: Callable[[ScrapydClient], T]) -> list[tuple[Node, T]]:
        """Ask all nodes at the same time; returns the answers in their order, without the failed ones."""
        return self.map(self.nodes, lambda node: question(node.client))

    def map(self, things: Sequence[S], work: Callable[[S], T]) -> list[tuple[S, T]]:
        """Do some work for all things, several at the same time; a failure is reported and left out."""
        waiting: SimpleQueue[tuple[S, Future[T]]] = SimpleQueue()
        futures: list[tuple[S, Future[T]]] = [(thing, Future()) for thing in things]
        for pair in futures:
            waiting.put(pair)
        for _ in range(min(len(futures), _THREADS)):
            # not a pool: Ctrl-C would have to wait for all of its threads, that is for a time-out
            Thread(target=_work_off, args=(waiting, work), daemon=True).start()
        done = []
        for thing, future in futures:
            try:
                done.append((thing, future.result()))
            except ServerError as exc:
                self.failed(exc)
        return done

    def failed(self, error: ServerError) -> None:
        """Report and count a failure of a Scrapyd; a repeated one is only counted."""
        self.failures += 1
        if str(error) not in self._reported:
            warn(explained(error))
        self._reported.add(str(error))


def explained(error: ServerError) -> str:
    """Return the text of an error, with what to do about an unknown project or version."""
    advice = [text for ending, text in _ADVICE.items() if re.search(ending, str(error))]
    return ": ".join([str(error), *advice])


def _work_off(waiting: "SimpleQueue[tuple[S, Future[T]]]", work: Callable[[S], T]) -> None:
    """Do the work for the things in a queue until it is empty."""
    while True:
        try:
            thing, future = waiting.get_nowait()
        except Empty:
            return
        try:
            future.set_result(work(thing))
        except BaseException as exc:  # noqa: BLE001 the caller of `map` raises it
            future.set_exception(exc)


def add_target_options(
    parser: argparse.ArgumentParser, *, project: bool = True, as_json: bool = True
) -> None:
    """Declare the options of every command that asks the Scrapyds of a target."""
    parser.add_argument(
        "-t",
        "--target",
        metavar="TARGET",
        help="target [deploy:TARGET] of the cfg file, or the URL of a Scrapyd server "
        "(default: the target `default`, or the only target)",
    )
    if project:
        parser.add_argument(
            "-p", "--project", help="name of the project on the server (default: the target's)"
        )
    if as_json:
        parser.add_argument("--json", action="store_true", help="print JSON")


def reported(work: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Make a command's errors one line on standard error, and exit status 1."""

    @functools.wraps(work)
    def run(options: argparse.Namespace) -> int:
        try:
            status = work(options)
            sys.stdout.flush()  # here: at the end of Python a full disk would not change the exit status
            return status
        except ReportedError:
            return 1
        except DeployError as exc:
            warn(str(exc))
        except BrokenPipeError:
            raise  # the reader of the output has ended: nothing to report
        except OSError as exc:
            warn(f"{exc.strerror or exc}: {exc.filename or 'standard output'}")
        return 1

    return run


def warn(line: str) -> None:
    """Write one line for a person to standard error."""
    report("; ".join(line.splitlines()), program="aioscrapy")
