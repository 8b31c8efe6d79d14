"""Settings in layers: defaults, command, project, spider, command line; the higher layer wins."""

from collections.abc import Iterator, Mapping
from typing import Any

from aioscrapy import default_output_settings, default_settings
from aioscrapy.base_settings import (
    MIDDLEWARES,
    PRIORITIES,
    BaseSettings,
    SettingsAttribute,
    builtin_of,
    component_path,
    priority_number,
)
from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.setting_types import SettingType, readable

__all__ = [
    "MIDDLEWARES",
    "PRIORITIES",
    "SETTINGS_PRIORITIES",
    "BaseSettings",
    "Settings",
    "SettingsAttribute",
    "builtin_of",
    "check_attributes",
    "component_path",
    "get_settings_priority",
    "iter_default_settings",
    "overridden_settings",
    "priority_number",
    "set_attributes",
    "setting_type",
]

SETTINGS_PRIORITIES = PRIORITIES
get_settings_priority = priority_number

# Settings that must not be more than another one.
_LIMITS = (("SCHEDULER_HEARTBEAT", "SCHEDULER_LEASE"), ("PROXY_MIN_COUNT", "PROXY_MAX_COUNT"))
# Settings of Scrapy that None switches off, as there: it is false, 0 or an empty list.
_OFF_BY_NONE = frozenset(
    (
        *("COOKIES_ENABLED", "DOWNLOADER_STATS", "DOWNLOAD_MAXSIZE", "DOWNLOAD_WARNSIZE", "FEED_STORE_EMPTY"),
        *("HTTPPROXY_ENABLED", "LOGSTATS_INTERVAL", "LOG_ENABLED"),
        *("METAREFRESH_ENABLED", "METAREFRESH_MAXDELAY", "RANDOMIZE_DOWNLOAD_DELAY", "REDIRECT_ENABLED"),
        *("REDIRECT_MAX_TIMES", "REDIRECT_PRIORITY_ADJUST", "REFERER_ENABLED", "RETRY_ENABLED"),
        *("RETRY_EXCEPTIONS", "RETRY_HTTP_CODES", "RETRY_PRIORITY_ADJUST", "RETRY_TIMES", "STATS_DUMP"),
        *("HTTPCACHE_IGNORE_SCHEMES", "METAREFRESH_IGNORE_TAGS", "URLLENGTH_LIMIT"),
    )
)
# Attributes of a spider that override a setting, and have its type.
_SPIDER_ATTRIBUTES = {
    "download_delay": "DOWNLOAD_DELAY",
    "download_timeout": "DOWNLOAD_TIMEOUT",
    "max_concurrent_requests": "CONCURRENT_REQUESTS_PER_DOMAIN",
    "user_agent": "USER_AGENT",
}


def setting_type(name: str) -> SettingType | None:
    """Return what `default_settings.py` declares for a setting; None for a name that it does not have."""
    for module in (default_settings, default_output_settings):
        if (declared := module.__annotations__.get(name)) is not None:
            kind: SettingType = declared.__metadata__[0]
            return kind
    return None


def check_attributes(spider: Any) -> None:
    """Check the attributes of a spider that override a setting.

    Raises:
        ConfigError: one is not of the setting's type or out of its range.
    """
    for attribute, name in _SPIDER_ATTRIBUTES.items():
        value, declared = getattr(spider, attribute, None), setting_type(name)
        if value is not None and declared is not None:
            try:
                declared.check(value)
            except ValueError as exc:
                raise ConfigError(f"spider {spider.name}: {attribute}: {exc}") from None


def set_attributes(settings: BaseSettings, spider: Any) -> None:
    """Set what the attributes of a spider override, where nothing of its layer or a higher one is set."""
    for attribute, name in _SPIDER_ATTRIBUTES.items():
        value = getattr(spider, attribute, None)
        if value is not None and (settings.getpriority(name) or 0) < priority_number("spider"):
            settings.set(name, value, "spider")


class Settings(BaseSettings):
    """All settings of one crawl: the defaults, and what other layers set."""

    def __init__(self, values: Any = None, priority: int | str = "project") -> None:
        super().__init__()
        layer, attributes = priority_number("default"), self.attributes
        for name in dir(default_settings):
            if name.isupper():
                attributes[name] = SettingsAttribute(_default(name, layer), layer)
        self.update(values or {}, priority)

    def setdict(self, values: Any, priority: int | str = "project") -> None:
        if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
            raise ConfigError(f"settings are a dict of NAME -> value, not {readable(values)}")
        super().setdict(values, priority)

    def check(self) -> None:
        """Check the values that some layer has set against the types in `default_settings.py`.

        None for a text or a number that can't be None is its default: projects write `os.environ.get(...)`.
        For a switch, a limit or a list of Scrapy it is false, 0 or empty. "", which a command line can write,
        is None where that is a value.

        Raises:
            SettingError: one is not of its type, out of its range, or more than its limit.
        """
        for name, setting in self.attributes.items():
            declared = setting_type(name) if setting.priority else None
            if setting.value is None and declared is not None and declared.unset_by_none:
                self.attributes[name] = _of_none(name, setting.priority)
            elif declared is not None:
                try:
                    declared.check(setting.value)
                except ValueError as exc:
                    if setting.value != "" or not _accepts_none(declared):
                        raise SettingError(name, exc) from None
                    self.attributes[name] = SettingsAttribute(None, setting.priority)
        for name, limit in _LIMITS:
            if self.getfloat(name) > self.getfloat(limit):
                raise SettingError(
                    name, f"{readable(self[name])} is more than {limit}, {readable(self[limit])}"
                )

    def overridden(self) -> list[str]:
        """Return the names of the settings whose value is not the default, sorted."""
        defaults = vars(default_settings)
        return sorted(
            name
            for name, setting in self.attributes.items()
            if setting.priority and name in defaults and setting.value != defaults[name]
        )

    def freeze(self) -> None:
        """Check the values, and refuse later changes, because the crawl starts.

        Raises:
            SettingError: a value can't be used.
        """
        self.check()
        super().freeze()


def _accepts_none(declared: SettingType) -> bool:
    try:
        declared.check(None)
    except ValueError:
        return False
    return True


def _of_none(name: str, priority: int) -> SettingsAttribute:
    """Return what None means for a setting that can't be None."""
    layer = priority_number("default")
    default = _default(name, layer)
    if name in _OFF_BY_NONE:
        return SettingsAttribute(type(default)(), priority)
    return SettingsAttribute(default, layer)


def _default(name: str, layer: int) -> Any:
    """Return the value in `default_settings.py`; a dict as settings of its own."""
    value = getattr(default_settings, name)
    return BaseSettings(value, layer) if type(value) is dict else value


def iter_default_settings() -> Iterator[tuple[str, Any]]:
    """Yield (name, default) of every setting."""
    for name in dir(default_settings):
        if name.isupper():
            yield name, getattr(default_settings, name)


def overridden_settings(settings: BaseSettings) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of every setting whose value is not its default."""
    for name, default in iter_default_settings():
        value = settings[name]
        if not isinstance(default, dict) and value != default:
            yield name, value
