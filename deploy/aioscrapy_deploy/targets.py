"""Where to deploy and what: the cfg files of a project, and the targets in them."""

import os
import re
from collections.abc import Iterator
from configparser import (
    BasicInterpolation,
    ConfigParser,
    DuplicateOptionError,
    DuplicateSectionError,
    Error,
    InterpolationError,
    MissingSectionHeaderError,
    ParsingError,
)
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aioscrapy_deploy.errors import TargetError, UnknownTargetError
from aioscrapy_deploy.terminal.text import redacted

CFG_NAMES = ("scrapy.cfg", "aioscrapy.cfg")  # in one folder the later wins
NO_PROJECT = "no Scrapy project found in this location (no aioscrapy.cfg or scrapy.cfg here or above)"


@dataclass(frozen=True)
class Project:
    """A folder with a cfg file (None outside of any) and all that the cfg files say together."""

    folder: Path | None
    cfg_names: tuple[str, ...]
    cfg: ConfigParser

    @property
    def differences(self) -> list[str]:
        """Names `[section] option` of what the cfg files in its folder say differently; never the values."""
        if self.folder is None or len(self.cfg_names) < 2:
            return []
        first, second = (_read([self.folder / name]) for name in self.cfg_names)
        return [
            f"[{section}] {option}"
            for section in first.sections()
            for option in first[section]
            if second.has_option(section, option)
            and first.get(section, option, raw=True) != second.get(section, option, raw=True)
        ]

    @property
    def password_variables(self) -> set[str]:
        """Names of the variables of the environment that passwords of its targets are in."""
        written = " ".join(
            self.cfg.get(section, "password", raw=True, fallback="")
            for section in self.cfg.sections()
            if section == "deploy" or section.startswith("deploy:")
        )
        return {either or other for either, other in re.findall(r"\$(?:\{(\w+)\}|(\w+))", written)}

    @property
    def settings_module(self) -> str | None:
        """The dotted path of `[settings] default`; None where no cfg has it."""
        if not self.cfg.has_option("settings", "default"):
            return None
        return _items(self.cfg, "settings")["default"] or None


@dataclass(frozen=True)
class Target:
    """One `[deploy:NAME]` section over `[deploy]`; `url` may be several, spaces or commas between.

    `platform` and `python_version` are the server's, for the dependencies in an egg.
    """

    name: str
    url: str | None = None
    project: str | None = None
    username: str | None = None
    password: str = ""
    version: str | None = None
    platform: str | None = None
    python_version: str | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of its Scrapyds, each once; () where it has none."""
        words = re.split(r"\s*,\s*(?=https?://)|\s+", (self.url or "").strip())
        return tuple(dict.fromkeys(word for word in words if word))

    def each(self) -> "list[Target]":
        """Return one target for each of its Scrapyds: itself where it has one or none."""
        if len(self.urls) < 2:
            return [self]
        return [replace(self, name=f"{self.name} ({redacted(url)})", url=url) for url in self.urls]


class EnvInterpolation(BasicInterpolation):
    """`%(name)s` as ConfigParser has it, then `$NAME` and `${NAME}`; an unknown variable stays as it is."""

    def before_get(self, parser: Any, section: str, option: str, value: str, defaults: Any) -> str:
        return os.path.expandvars(super().before_get(parser, section, option, value, defaults))


def find_project(start: Path) -> Project:
    """Read the cfg files of the closest folder upwards that has one, over those of home and system.

    A `scrapy.cfg` of home or system counts where the project has a `scrapy.cfg`, an `aioscrapy.cfg`
    where it has that; outside of a project both count.

    Raises:
        TargetError: a file can't be read.
    """
    for folder in (start, *start.parents):
        names = tuple(name for name in CFG_NAMES if (folder / name).is_file())
        if names:
            return Project(
                folder, names, _read([*_shared_sources(names), *(folder / name for name in names)])
            )
    return Project(None, (), _read([*_shared_sources(CFG_NAMES)]))


def read_targets(cfg: ConfigParser) -> dict[str, Target]:
    """Return name -> target, in the order of the files.

    `[deploy]` is the base of all, and target `default` itself where it has a url.

    Raises:
        TargetError: a value can't be interpolated.
    """
    base = _items(cfg, "deploy") if cfg.has_section("deploy") else {}
    found = {"default": base} if "url" in base else {}
    for section in cfg.sections():
        if section.startswith("deploy:"):
            found[section.removeprefix("deploy:")] = {**base, **_items(cfg, section)}
    return {name: _target(name, values) for name, values in found.items()}


def choose_target(targets: dict[str, Target], name: str) -> Target:
    """Return the target of this name.

    Raises:
        UnknownTargetError: there is none; the second line names those that are there.
    """
    if name in targets:
        return targets[name]
    known = f"Known targets: {', '.join(targets)}" if targets else "No [deploy:NAME] section has been found"
    raise UnknownTargetError(f"Unknown target: {name}\n{known}")


def pick_target(targets: dict[str, Target], name: str | None) -> Target:
    """Return the target of this name or with this url; with none `default`, or the only one there is.

    Raises:
        TargetError: there is none, or nobody can say which.
    """
    if name and "://" in name:
        return Target(redacted(name), url=name)
    if name or "default" in targets:
        return choose_target(targets, name or "default")
    if len(targets) == 1:
        return next(iter(targets.values()))
    if targets:
        raise TargetError(f"which target? Say -t, and one of {', '.join(targets)}")
    raise TargetError("no target is known here: the cfg needs a [deploy:NAME] with a url, or say -t URL")


def _shared_sources(names: tuple[str, ...]) -> Iterator[Path]:
    config_home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 Path.home() raises where there is none
    for pattern in ("/etc/{}", "c:\\{stem}\\{}", f"{config_home}/{{}}", os.path.expanduser("~/.{}")):  # noqa: PTH111
        for name in names:
            yield Path(pattern.format(name, stem=name.removesuffix(".cfg")))


def _read(sources: list[Path]) -> ConfigParser:
    cfg = ConfigParser(interpolation=EnvInterpolation())
    for source in sources:
        try:
            cfg.read(source, encoding="utf-8-sig")
        except (Error, UnicodeDecodeError) as exc:
            raise TargetError(f"{source}{_problem(exc)}") from exc
    return cfg


def _problem(exc: Exception) -> str:
    """Say what is wrong with a file and where, without the line itself: it may hold a password."""
    if isinstance(exc, MissingSectionHeaderError):
        return f", line {exc.lineno}: there must be a [section] before this"
    if isinstance(exc, ParsingError):
        return f", line {exc.errors[0][0]}: neither a [section] nor a 'name = value'"
    if isinstance(exc, DuplicateSectionError):
        return f", line {exc.lineno}: [{exc.section}] is there twice"
    if isinstance(exc, DuplicateOptionError):
        return f", line {exc.lineno}: {exc.option!r} is twice in [{exc.section}]"
    return ": not UTF-8 text" if isinstance(exc, UnicodeDecodeError) else f": {type(exc).__name__}"


def _items(cfg: ConfigParser, section: str) -> dict[str, str]:
    try:
        return dict(cfg.items(section))
    except InterpolationError as exc:
        # the error's own text repeats a part of the value, which may be a password
        raise TargetError(
            f"[{exc.section}] {exc.option} can't be read: a literal % is written %%, "
            "and %(name)s needs an option of that name"
        ) from None


def _target(name: str, values: dict[str, str]) -> Target:
    return Target(
        name=name,
        url=values.get("url") or None,
        project=values.get("project") or None,
        username=values.get("username") or None,
        password=values.get("password", ""),
        version=values.get("version") or None,
        platform=values.get("platform") or None,
        python_version=values.get("python_version") or None,
    )
