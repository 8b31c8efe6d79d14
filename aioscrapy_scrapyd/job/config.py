"""The part of Scrapyd's configuration that a job needs, read without importing Scrapyd."""

import configparser
import math
import os
from collections.abc import Iterator
from pathlib import Path

from aioscrapy_deploy.terminal.text import one_line
from aioscrapy_scrapyd.job.exceptions import RunnerError

STOCK_EGG_STORAGE = "scrapyd.eggstorage.FilesystemEggStorage"

# Scrapyd's packaged default_scrapyd.conf, then the keys that only the runner reads.
_DEFAULTS = {
    "eggs_dir": "eggs",
    "eggstorage": STOCK_EGG_STORAGE,
    "finished_to_keep": "100",
    "jobs_to_keep": "5",
    "list_timeout": "60",  # seconds that the import of a project's spiders may take
    "unpacked_egg_max_mb": "2048",  # MiB that the files of an egg may take on the disk
}


def read_config() -> configparser.ConfigParser:
    """Return section -> key -> value of all files that Scrapyd 1.6 reads; a later file wins.

    Source: scrapyd.config.Config and Scrapyd's manual, "Configuration".

    Raises:
        RunnerError: a file can't be parsed.
    """
    config = configparser.ConfigParser()
    config.read_dict({"scrapyd": _DEFAULTS})
    try:
        config.read(_sources())
    except (configparser.Error, UnicodeDecodeError) as exc:
        raise RunnerError(f"Scrapyd's configuration can't be read: {one_line(str(exc))}") from exc
    return config


def setting(config: configparser.ConfigParser, section: str, key: str) -> str | None:
    """Return one value, interpolated; None if it is not set.

    Raises:
        RunnerError: it refers by %(name)s to a key that does not exist, or has a single %.
    """
    try:
        return config.get(section, key, fallback=None)
    except configparser.Error as exc:
        raise RunnerError(f"Scrapyd's configuration, [{section}] {key}: {one_line(str(exc))}") from exc


def number(config: configparser.ConfigParser, key: str) -> float:
    """Return a value of [scrapyd] as a number that is not negative.

    Raises:
        RunnerError: it is something else.
    """
    text = setting(config, "scrapyd", key) or ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise RunnerError(f"Scrapyd's configuration, [scrapyd] {key}: {text!r} is not a number of at least 0")
    return value


def _sources() -> Iterator[Path]:
    yield Path("/etc/scrapyd/scrapyd.conf")
    yield Path("c:\\scrapyd\\scrapyd.conf")
    # glob passes over names that begin with a dot, Path.glob doesn't
    yield from sorted(path for path in Path("/etc/scrapyd/conf.d").glob("*") if path.name[0] != ".")
    yield Path("scrapyd.conf")
    yield Path(os.path.expanduser("~/.scrapyd.conf"))  # noqa: PTH111 Path.expanduser fails without a home
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "scrapy.cfg").exists():
            yield folder / "scrapy.cfg"
            return
