"""Create a spider from a template."""

import argparse
import importlib
import json
import keyword
import re
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.settings import Settings
from aioscrapy.spiderloader import SpiderLoader

_TEMPLATES = Path(__file__).parent.parent / "templates" / "spiders"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of the spider")
    parser.add_argument("url", metavar="DOMAIN|URL", nargs="?", help="domain or URL to start from")
    parser.add_argument("-t", "--template", default="basic", help="name of the template (default: basic)")
    parser.add_argument("-l", "--list", action="store_true", help="list the templates")
    parser.add_argument("--force", action="store_true", help="overwrite an existing spider")


def run(options: argparse.Namespace) -> int:
    """Write a module to NEWSPIDER_MODULE, outside of a project NAME.py to the current folder."""
    if options.list:
        for name in _template_names():
            print(name)
        return 0
    if not (options.name and options.url):
        raise ConfigError("genspider takes two arguments: NAME and DOMAIN or URL")
    settings: Settings = options.settings
    module = _module_name(options.name)
    if settings["NEWSPIDER_MODULE"] and options.name == settings["BOT_NAME"]:
        raise ConfigError(f"the project is called {options.name!r}: give the spider another name")
    path = _folder(settings) / f"{module}.py"
    if not options.force:
        _check_free(options.name, path, settings)
    try:
        path.write_text(_rendered(options.template, options.name, module, options.url), "utf-8")
    except OSError as exc:
        raise ConfigError(f"{path} can't be written: {exc.strerror}") from None
    print(f"Created spider {options.name!r} in {path}")
    return 0


def _rendered(template: str, name: str, module: str, url: str) -> str:
    if template not in _template_names():
        raise ConfigError(f"no template {template!r}; there are {', '.join(_template_names())}")
    start = url if "://" in url else f"https://{url}"
    try:
        domain = urlsplit(start).hostname
    except ValueError:
        domain = None
    if not domain or re.search(r"\s", start):
        raise ConfigError(f"{url!r} is neither a domain nor a URL")
    text = (_TEMPLATES / f"{template}.tmpl").read_text("utf-8")
    return Template(text).substitute(
        classname="".join(part.capitalize() for part in module.split("_")) + "Spider",
        name=json.dumps(name, ensure_ascii=False),
        domain=json.dumps(domain, ensure_ascii=False),
        url=json.dumps(start, ensure_ascii=False),
    )


def _template_names() -> list[str]:
    return sorted(path.stem for path in _TEMPLATES.glob("*.tmpl"))


def _module_name(name: str) -> str:
    module = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not module.strip("_"):
        raise ConfigError(f"{name!r} has no letter or digit to name a module by")
    return f"spider_{module}" if module[0].isdigit() or keyword.iskeyword(module) else module


def _folder(settings: Settings) -> Path:
    package = settings["NEWSPIDER_MODULE"]
    if not package:
        return Path()
    try:
        return Path(next(iter(importlib.import_module(package).__path__)))
    except AttributeError:
        raise SettingError("NEWSPIDER_MODULE", f"{package!r} is a module, not a package") from None
    except Exception as exc:
        raise SettingError("NEWSPIDER_MODULE", f"{package!r}: {type(exc).__name__}: {exc}") from exc


def _check_free(name: str, path: Path, settings: Settings) -> None:
    if path.exists():
        raise ConfigError(f"{path.absolute()} is there already (overwrite it with --force)")
    if settings["SPIDER_MODULES"] and name in SpiderLoader(settings).list():
        raise ConfigError(f"the project has a spider named {name!r} already (write another with --force)")
