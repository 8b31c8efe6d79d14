"""Component dicts as lists, cfg files, and -o of the command line."""

import os
from collections.abc import Callable, Iterable, Mapping
from configparser import ConfigParser
from numbers import Real
from pathlib import Path
from typing import Any

from aioscrapy.exceptions import UsageError
from aioscrapy.project import find_cfg, settings_module
from aioscrapy_deploy import cfg


def build_component_list(
    compdict: Mapping[Any, Any], *, convert: Callable[[Any], Any] = lambda path: path
) -> list[Any]:
    """Return the components of a dict component -> order, sorted; None as order removes one.

    Raises:
        ValueError: an order is not a number, or two paths become the same one.
    """
    for component, order in compdict.items():
        if order is not None and not isinstance(order, Real):
            raise ValueError(f"Invalid value {order} for component {component}, use a number or None")
    layers: dict[Any, Any] = {}
    orders: dict[Any, Any] = {}
    for component, order in compdict.items():
        path, layer = (
            convert(component),
            compdict.getpriority(component) if hasattr(compdict, "getpriority") else 0,
        )
        if path in orders and layer == layers[path]:
            raise ValueError(f"Some paths in {list(compdict)!r} convert to the same object")
        if path not in orders or layer > layers[path]:
            orders[path], layers[path] = order, layer
    used = {component: float(order) for component, order in orders.items() if order is not None}
    return sorted(used, key=lambda component: used[component])


def arglist_to_dict(arglist: Iterable[str]) -> dict[str, str]:
    """Return name -> value of texts NAME=VALUE.

    Raises:
        ValueError: one has no `=`.
    """
    return dict(text.split("=", 1) for text in arglist)


def closest_scrapy_cfg(path: str | os.PathLike[str] = ".", prevpath: str | None = None) -> str:
    """Return the path of the closest cfg file here or above; "" if there is none."""
    return str(find_cfg(Path(path)) or "")


def init_env(project: str = "default", set_syspath: bool = True) -> None:
    """Name the settings module of the project in the environment, and put its folder into `sys.path`."""
    module = settings_module()
    if module:
        os.environ.setdefault("SCRAPY_SETTINGS_MODULE", module)


def get_config(use_closest: bool = True) -> ConfigParser:
    """Return the contents of all cfg files.

    Raises:
        TargetError: one can't be read.
    """
    return cfg.find_project(Path.cwd() if use_closest else Path("/")).cfg


def get_sources(use_closest: bool = True) -> list[str]:
    """Return the paths at which Scrapy looks for cfg files."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path("~/.config").expanduser())
    paths = [
        "/etc/scrapy.cfg",
        r"c:\scrapy\scrapy.cfg",
        f"{home}/scrapy.cfg",
        str(Path("~/.scrapy.cfg").expanduser()),
    ]
    return [*paths, closest_scrapy_cfg()] if use_closest else paths


def feed_complete_default_values_from_settings(
    feed: dict[str, Any], settings: Any, uri: str | None = None
) -> dict[str, Any]:
    """Return the options of a feed, with those that are missing from the settings; the format of a URI."""
    options = dict(feed)
    if uri is not None:
        options.setdefault("format", Path(uri).suffix.removeprefix("."))
    options.setdefault("batch_item_count", settings.getint("FEED_EXPORT_BATCH_ITEM_COUNT"))
    options.setdefault("encoding", settings["FEED_EXPORT_ENCODING"])
    options.setdefault("fields", settings.getdictorlist("FEED_EXPORT_FIELDS") or None)
    options.setdefault("store_empty", settings.getbool("FEED_STORE_EMPTY"))
    options.setdefault("uri_params", settings["FEED_URI_PARAMS"])
    options.setdefault("item_export_kwargs", {})
    indent = settings["FEED_EXPORT_INDENT"]
    options.setdefault("indent", None if indent is None else int(indent))
    return options


def feed_process_params_from_cli(
    settings: Any, output: list[str], *, overwrite_output: list[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Return the FEEDS of -o and -O; `-` is standard output.

    Raises:
        UsageError: the extension is not a format, or there are -o and -O.
    """
    if output and overwrite_output:
        raise UsageError("Please use only one of -o/--output and -O/--overwrite-output")
    exporters = settings.getwithbase("FEED_EXPORTERS")
    feeds: dict[str, dict[str, Any]] = {}
    for element in overwrite_output or output:
        uri, colon, kind = element.rpartition(":")
        if not colon or kind not in exporters:
            uri, kind = element, Path(element).suffix.removeprefix(".")
        if kind not in exporters:
            known = ", ".join(exporters)
            raise UsageError(
                f"Unrecognized output format '{kind}'. Set a supported one ({known}) after a colon at the "
                "end of the output URI (i.e. -o/-O <URI>:<FORMAT>) or as a file extension."
            )
        uri = "stdout:" if uri == "-" else uri
        feeds[uri] = {"format": kind, **({"overwrite": True} if overwrite_output else {})}
    return feeds
