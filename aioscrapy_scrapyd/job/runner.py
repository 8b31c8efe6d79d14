"""The command line that Scrapyd starts: `list` or `crawl SPIDER`, for the project SCRAPY_PROJECT."""

import argparse
import sys

from aioscrapy.ends import without_passwords
from aioscrapy.exceptions import AioscrapyError
from aioscrapy_deploy.terminal.text import one_line
from aioscrapy_scrapyd.job.config import number, read_config
from aioscrapy_scrapyd.job.exceptions import RunnerError
from aioscrapy_scrapyd.job.listing import Listing, list_spiders


def main(argv: list[str] | None = None) -> int:
    """Run `list`, `crawl SPIDER` or another command of the project SCRAPY_PROJECT; returns the exit status.

    `argv` has no program name. SCRAPYD_EGG_VERSION names the version of the egg; the default is the latest.
    An error is one line on standard error. Source: Scrapyd's launcher.py, webservice.py and runner.py.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        if argv[:1] == ["list"]:
            return _list(argv[1:])
        if argv[:1] == ["crawl"]:
            from aioscrapy_scrapyd.job.crawl import run_job

            return run_job(argv)
        from aioscrapy_scrapyd.job.project import find_egg, importable

        config = read_config()
        with importable(config, find_egg(config)):
            from aioscrapy.cmdline import main as run_command

            return run_command(argv)
    except AioscrapyError as exc:
        sys.stderr.write(f"aioscrapy: {one_line(without_passwords(str(exc)))}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("aioscrapy: interrupted\n")
        return 130


def _list(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="list")
    parser.add_argument("-s", action="append", default=[], metavar="NAME=VALUE", dest="settings")
    options = parser.parse_args(argv)
    config = read_config()

    def load() -> Listing:
        # imported only in the child: a small parent forks fast
        from aioscrapy_scrapyd.job.project import find_egg, importable

        with importable(config, find_egg(config)):
            from aioscrapy.doors.scrapy import serve_scrapy
            from aioscrapy.project import project_settings
            from aioscrapy.spiderloader import get_spider_loader

            serve_scrapy()
            settings = project_settings()
            for pair in options.settings:
                name, _, value = pair.partition("=")
                settings.set(name, value, "cmdline")
            spiders = get_spider_loader(settings)
            if spiders.failures and not spiders.list():
                raise RunnerError("; ".join(map(str, spiders.failures)))
            return Listing(spiders.list(), spiders.warnings)

    list_spiders(load, number(config, "list_timeout"))
    return 0
