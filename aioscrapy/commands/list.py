"""List the spiders of this project."""

import argparse
import contextlib
import sys

from aioscrapy.spiderloader import get_spider_loader

PROJECT = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the settings are enough."""


def run(options: argparse.Namespace) -> int:
    """Print one name a line; 1 if spider modules failed and no spider is left."""
    with contextlib.redirect_stdout(sys.stderr):  # what a module prints at import is not a spider's name
        loader = get_spider_loader(options.settings)
    for warning in loader.warnings:
        print(f"aioscrapy: {warning}", file=sys.stderr)
    for name in loader.list():
        print(name)
    return 1 if loader.failures and not loader.list() else 0
