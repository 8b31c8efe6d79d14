"""Create a spider from a template."""

import argparse
import importlib
import json
import keyword
import re
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from aioscrapy.commands.edit import open_editor
from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.settings import Settings
from aioscrapy.spiderloader import SpiderLoader
from aioscrapy_deploy.terminal.messages import report

_TEMPLATES = Path(__file__).parent.parent / "templates" / "spiders"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of the spider")
    parser.add_argument("url", metavar="DOMAIN|URL", nargs="?", help="domain or URL to start from")
    parser.add_argument(
        "-t", "--template", default="basic", help="name of the template, or its file (default: basic)"
    )
    parser.add_argument("-l", "--list", action="store_true", help="list the templates")
    parser.add_argument("-d", "--dump", metavar="TEMPLATE", help="print a template")
    parser.add_argument("-e", "--edit", action="store_true", help="open the new spider in your editor")
    parser.add_argument("--force", action="store_true", help="overwrite an existing spider")


def run(options: argparse.Namespace) -> int:
    """Write a module to NEWSPIDER_MODULE, outside of a project NAME.py to the current folder."""
    settings: Settings = options.settings
    if options.list:
        for name in _templates(settings):
            print(name)
        return 0
    if options.dump:
        print(_template(options.dump, settings).read_text("utf-8"))
        return 0
    if not (options.name and options.url):
        report("genspider takes two arguments: NAME and DOMAIN or URL", program="aioscrapy")
        return 2
    module = _module_name(options.name)
    path = _folder(settings) / f"{module}.py"
    if settings["NEWSPIDER_MODULE"] and options.name == settings["BOT_NAME"]:
        print("Cannot create a spider with the same name as your project")
        raise ConfigError(f"the project is called {options.name!r}: give the spider another name")
    if not options.force:
        _check_free(options.name, path, settings)
    try:
        path.write_text(_rendered(options.template, options.name, module, options.url, settings), "utf-8")
    except OSError as exc:
        raise ConfigError(f"{path} can't be written: {exc.strerror}") from None
    package = settings["NEWSPIDER_MODULE"]
    place = f"module:\n  {package}.{module}" if package else str(path)
    print(f"Created spider {options.name!r} using template {options.template!r} in {place}")
    return open_editor(str(path), settings) if options.edit else 0


def _rendered(template: str, name: str, module: str, url: str, settings: Settings) -> str:
    file = _template(template, settings)
    start = url if "://" in url else f"https://{url}"
    try:
        domain = urlsplit(start).hostname
    except ValueError:
        domain = None
    if not domain or re.search(r"\s", start):
        raise ConfigError(f"{url!r} is neither a domain nor a URL")
    words = {"name": name, "domain": domain, "url": start}
    if file.parent == _TEMPLATES:  # in Scrapy's templates the quotes are in the template
        words = {word: json.dumps(value, ensure_ascii=False) for word, value in words.items()}
    words["classname"] = "".join(part.capitalize() for part in module.split("_")) + "Spider"
    words |= {"project_name": str(settings["BOT_NAME"]), "ProjectName": str(settings["BOT_NAME"])}
    try:
        return Template(file.read_text("utf-8")).substitute(words)
    except (KeyError, ValueError) as exc:
        raise ConfigError(f"{file}: {exc} is not a word of templates: use {', '.join(words)}") from None


def _templates(settings: Settings) -> dict[str, Path]:
    """Return name -> file, of TEMPLATES_DIR or of our own."""
    folder = Path(settings["TEMPLATES_DIR"]) / "spiders" if settings["TEMPLATES_DIR"] else _TEMPLATES
    return {path.stem: path for path in sorted(folder.glob("*.tmpl"))}


def _template(name: str, settings: Settings) -> Path:
    """Return the file of a template: a name, or a path with or without its ending.

    Raises:
        ConfigError: there is none.
    """
    templates = _templates(settings)
    if name in templates:
        return templates[name]
    for path in (Path(name), Path(f"{name}.tmpl")):
        if path.is_file():
            return path
    raise ConfigError(f"no template {name!r}; there are {', '.join(templates) or 'none in TEMPLATES_DIR'}")


def _module_name(name: str) -> str:
    module = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not module.strip("_"):
        raise ConfigError(f"{name!r} has no letter or digit to name a module by")
    if keyword.iskeyword(module):
        return f"spider_{module}"
    return module if module[0].isalpha() else f"a{module}"


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
    """Print what has the name of the new spider or of its file, as Scrapy does.

    Raises:
        ConfigError: something has it.
    """
    loader = SpiderLoader(settings) if settings["SPIDER_MODULES"] else None
    if loader is not None and name in loader.list():
        print(f"Spider {name!r} already exists in module:\n  {loader.load(name).__module__}")
        raise ConfigError(f"the project has a spider named {name!r} already (write another with --force)")
    if path.exists():
        print(f"{path.resolve()} already exists")
        raise ConfigError(f"{path.absolute()} is there already (overwrite it with --force)")
