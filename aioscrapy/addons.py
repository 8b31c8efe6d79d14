"""Add-ons: classes that set settings and components of others, by the setting ADDONS."""

from collections.abc import Container, Sequence
from typing import Any

from aioscrapy.components import build_from_crawler, load_object
from aioscrapy.exceptions import AioscrapyError, NotConfigured, SettingError
from aioscrapy.log import logger
from aioscrapy.settings import Settings


class AddonManager:
    """`crawler.addons`: the add-ons of a crawl, under Scrapy's name.

    Attributes:
        addons: the add-ons in their order.
    """

    def __init__(self, crawler: Any, addons: Sequence[Any] = ()) -> None:
        self.crawler = crawler
        self.addons = list(addons)

    def load_settings(self, settings: Settings) -> None:
        """Create the add-ons of these settings; each may change them."""
        self.addons = load_addons(settings, self.crawler)


def update_pre_crawler(settings: Settings) -> None:
    """Let the add-ons change what is read before there is a crawler, such as SPIDER_MODULES.

    Raises:
        SettingError: an add-on can't be loaded, or it fails.
    """
    for path, order in settings.getdict("ADDONS").items():
        update = getattr(load_object(path, "ADDONS"), "update_pre_crawler_settings", None)
        if order is None or update is None:
            continue
        try:
            update(settings)
        except AioscrapyError:
            raise
        except (Exception, SystemExit) as exc:
            raise SettingError("ADDONS", f"{path}: {type(exc).__name__}: {exc}") from exc


def load_addons(settings: Settings, crawler: Any, known: Container[Any] = ()) -> list[Any]:
    """Create the add-ons in their order, and let each change the settings; return them.

    Args:
        settings: has ADDONS.
        crawler: of the add-ons.
        known: keys of ADDONS that are left out.

    Raises:
        SettingError: one can't be loaded or created, or it fails.
    """
    orders = {
        path: order
        for path, order in settings.getdict("ADDONS").items()
        if order is not None and path not in known
    }
    addons = []
    for path in sorted(orders, key=lambda path: float(orders[path])):
        addon_class = load_object(path, "ADDONS")
        try:
            if hasattr(addon_class, "update_pre_crawler_settings"):
                addon_class.update_pre_crawler_settings(settings)
            addon = build_from_crawler(addon_class, crawler)
            if hasattr(addon, "update_settings"):
                addon.update_settings(settings)
        except NotConfigured as exc:
            if exc.args:
                names = {"clspath": path, "eargs": exc.args[0]}
                logger.warning("Disabled %(clspath)s: %(eargs)s", names, extra={"crawler": crawler})
        except AioscrapyError:
            raise
        except (Exception, SystemExit) as exc:
            raise SettingError("ADDONS", f"{path}: {type(exc).__name__}: {exc}") from exc
        else:
            addons.append(addon)
    if addons:
        logger.info("Enabled addons:\n%(addons)s", {"addons": addons}, extra={"crawler": crawler})
    return addons
