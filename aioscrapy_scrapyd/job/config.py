"""The part of Scrapyd's configuration that a job needs, read without importing Scrapyd."""

import configparser
import os
from collections.abc import Iterator
from pathlib import Path

from aioscrapy_scrapyd.job.exceptions import RunnerError

STOCK_EGG_STORAGE = "scrapyd.eggstorage.FilesystemEggStorage"

# What Scrapyd's packaged default_scrapyd.conf says for the keys that we read.
_DEFAULTS = {"scrapyd": {"eggs_dir": "eggs", "eggstorage": STOCK_EGG_STORAGE}}


def read_config() -> configparser.ConfigParser:
    """Return section -> key -> value of all files that Scrapyd 1.6 reads, the later file winning.

    Source: scrapyd.config.Config and Scrapyd's manual, "Configuration".

    Raises:
        RunnerError: a file can't be parsed.
    """
    config = configparser.ConfigParser()
    config.read_dict(_DEFAULTS)
    try:
        config.read(_sources())
    except (configparser.Error, UnicodeDecodeError) as exc:
        raise RunnerError(f"Scrapyd's configuration can't be read: {one_line(exc)}") from exc
    return config


def setting(config: configparser.ConfigParser, section: str, key: str) -> str | None:
    """Return one value, interpolated; None where it is not set.

    Raises:
        RunnerError: it refers by %(name)s to something that is not there, or holds a single %.
    """
    try:
        return config.get(section, key, fallback=None)
    except configparser.Error as exc:
        raise RunnerError(f"Scrapyd's configuration, [{section}] {key}: {one_line(exc)}") from exc


def one_line(error: BaseException) -> str:
    """Return the text of an error without its line breaks."""
    return " ".join(str(error).split())


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
