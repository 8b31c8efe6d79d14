"""Run the spider of one Python file, without a project."""

import argparse
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from aioscrapy.commands.crawl import add_crawl_options, run_spider
from aioscrapy.exceptions import ConfigError
from aioscrapy.spiderloader import failure_of, spider_classes


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", metavar="FILE", help="Python file with one spider")
    add_crawl_options(parser)


def run(options: argparse.Namespace) -> int:
    """Crawl; returns 0 after a normal end."""
    return run_spider(spider_in(options.file), options)


def spider_in(file: str) -> Any:
    """Return the spider class of a file.

    Raises:
        ConfigError: the file can't be imported, or it has no spider or several ones.
    """
    classes = spider_classes(import_file(Path(file)))
    if not classes:
        raise ConfigError(f"No spider found in file: {file}")
    if len(classes) > 1:
        raise ConfigError(f"{file}: the file has several spiders ({', '.join(cls.name for cls in classes)})")
    return classes[0]


def import_file(path: Path) -> ModuleType:
    """Import a Python file by its path; it can import the modules beside it.

    Raises:
        ConfigError: the file does not exist, or it can't be imported; the text has FILE:LINE.
    """
    file, path = path, path.absolute()
    if not path.is_file():
        raise ConfigError(f"File not found: {file}")
    # A file json.py must not become the json module of everything else.
    name = re.sub(r"\W", "_", path.stem)
    if name in sys.modules or name in sys.stdlib_module_names:
        name = f"spider_{name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"Unable to load {path}: it is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as exc:
        failure = failure_of(name, exc, path.parent)
        raise ConfigError(f"{failure.file}: {failure.error}") from exc
    return module
