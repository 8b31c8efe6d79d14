"""The only place where a dotted path becomes a class or an object."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.log import logger
from aioscrapy.setting_types import Component
from aioscrapy.settings import setting_type


def load_object(path: Any, setting: str) -> Any:
    """Return what a dotted path names; anything that is not a string is returned as it is.

    Raises:
        SettingError: it can't be imported, or lacks what the setting needs; the text names setting and path.
    """
    loaded = _import(path, setting) if isinstance(path, str) else path
    declared = setting_type(setting)
    if isinstance(declared, Component) and (missing := declared.missing(loaded)):
        raise SettingError(setting, f"{path!r} can't be used here: it has no {missing!r}")
    return loaded


def _import(path: str, setting: str) -> Any:
    module_name, _, name = path.rpartition(".")
    if not module_name:
        raise SettingError(setting, f"{path!r} is not a dotted path")
    try:
        return getattr(importlib.import_module(module_name), name)
    except AttributeError:
        raise SettingError(setting, f"{module_name!r} has no {name!r}") from None
    except Exception as exc:
        raise SettingError(setting, f"can't load {path!r}: {type(exc).__name__}: {exc}") from exc


async def build(cls: Any, context: CrawlContext) -> Any:
    """Make a component: by its `from_crawler`, else its `from_settings`, else without arguments."""
    if hasattr(cls, "from_crawler"):
        made = cls.from_crawler(context)
    elif hasattr(cls, "from_settings"):
        made = cls.from_settings(context.settings)
    else:
        made = cls()
    return await made if inspect.isawaitable(made) else made


async def build_all(setting: str, orders: Mapping[Any, Any], context: CrawlContext) -> list[Any]:
    """Make the components of one setting, in their order; those that raise NotConfigured are left out.

    Raises:
        SettingError: one can't be loaded or made, or an order is not a number.
    """
    try:
        ordered = sorted(orders.items(), key=lambda pair: float(pair[1]))
    except (TypeError, ValueError):
        raise SettingError(setting, "an order is not a number") from None
    made: list[Any] = []
    for path, _ in ordered:
        cls = load_object(path, setting)
        try:
            made.append(await build(cls, context))
        except NotConfigured as exc:
            if exc.args:
                logger.warning("Disabled %s: %s", path, exc)
        except SettingError:
            raise
        except Exception as exc:
            raise SettingError(setting, f"{path} can't be built: {type(exc).__name__}: {exc}") from exc
    return made
