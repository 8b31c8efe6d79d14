"""Run a spider of this project."""

import argparse
import sys
from typing import Any

from aioscrapy.exceptions import UsageError
from aioscrapy.process import Crawl, CrawlerProcess
from aioscrapy.settings import PRIORITIES, Settings
from aioscrapy.spiderloader import load_spider
from aioscrapy_deploy.terminal.option_types import add_spider_arguments

PROJECT = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("spider", metavar="SPIDER", help="name of the spider")
    add_crawl_options(parser)


def run(options: argparse.Namespace) -> int:
    """Crawl; returns 0 if the crawl is complete or somebody asked for its end (see docs/ends.md), else 1."""
    spider_class = load_spider(options.spider, options.settings)
    return run_spider(spider_class, options)


def add_crawl_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of every command that crawls."""
    add_spider_arguments(parser)
    add_output_options(parser)
    parser.add_argument(
        "--processes", metavar="N", help="crawl with N worker processes (the setting CRAWL_PROCESSES)"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="start a new crawl even if one is open or has just ended"
    )


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Declare -o and -O."""
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help="append items to FILE (.jl, .json, .csv, .xml; FILE:FORMAT for another extension)",
    )
    parser.add_argument(
        "-O",
        "--overwrite-output",
        action="append",
        default=[],
        metavar="FILE",
        help="write items to FILE, replacing its content",
    )


def run_spider(spider_class: Any, options: argparse.Namespace) -> int:
    """Crawl with this class and the options of `add_crawl_options`; returns the exit status of the end."""
    process, crawler = plan_crawl(spider_class, options)
    process.start()
    return crawler.end.exit_status if crawler.end is not None else 1


# Arguments of the methods through which the arguments of a spider pass
_TAKEN = frozenset({"self", "cls", "crawler"})


def plan_crawl(spider_class: Any, options: argparse.Namespace) -> tuple[CrawlerProcess, Crawl]:
    """Return a process that will crawl with this class and these options, and its crawl.

    Raises:
        ConfigError: the settings don't make a crawl.
        UsageError: an argument of the spider has a name that can't be passed on.
    """
    settings: Settings = options.settings
    add_feeds(settings, options)
    if options.processes is not None:
        settings.set("CRAWL_PROCESSES", options.processes, "cmdline")
    if options.fresh:
        settings.set("CRAWL_FRESH", True, "cmdline")
    on_terminal = sys.stderr.isatty() and not settings["LOG_FILE"]
    if on_terminal and settings.getpriority("LOG_LEVEL") == PRIORITIES["default"]:
        settings.set("LOG_LEVEL", "INFO", "command")
    arguments = dict(options.arguments)
    if taken := _TAKEN & arguments.keys():
        raise UsageError(f"-a {min(taken)}=…: an argument of a spider can't have this name")
    process = CrawlerProcess(settings)
    crawler: Crawl = process.plan(spider_class, **arguments)
    if on_terminal:
        from aioscrapy.progress import attach

        attach(crawler)
    return process, crawler


def add_feeds(settings: Settings, options: argparse.Namespace) -> None:
    """Add the files of -o or -O to FEEDS.

    Raises:
        UsageError: both are there.
    """
    if options.output and options.overwrite_output:
        raise UsageError(
            "Please use only one of -o/--output and -O/--overwrite-output (FEEDS takes both kinds)"
        )
    named = [(name, False) for name in options.output] + [(name, True) for name in options.overwrite_output]
    if not named:
        return
    feeds = settings.getdict("FEEDS")
    for name, overwrite in named:
        path, _, kind = name.rpartition(":")
        if not path or "/" in kind or "." in kind:
            path, kind = name, name.rpartition(".")[2]
        feeds["stdout:" if path == "-" else path] = {
            "format": kind,
            **({"overwrite": True} if overwrite else {}),
        }
    settings.set("FEEDS", feeds, "cmdline")
