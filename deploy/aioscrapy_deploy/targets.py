"""Where to deploy: the targets in the cfg files of a project."""

import os
import re
from configparser import ConfigParser
from dataclasses import dataclass, field, fields, replace

from aioscrapy_deploy.cfg import read_option
from aioscrapy_deploy.errors import TargetError, UnknownTargetError
from aioscrapy_deploy.terminal.text import redacted

# the token for a server that is named by its URL
TOKEN_VARIABLE = "SCRAPYD_TOKEN"  # noqa: S105 the name of a variable
NO_PROJECT = "no Scrapy project found in this location (no aioscrapy.cfg or scrapy.cfg here or above)"


@dataclass(frozen=True)
class Target:
    """One `[deploy:NAME]` section over `[deploy]`; `url` may have several, separated by spaces or commas.

    A `token` of a node is in the place of `username` and `password`.
    `platform` and `python_version` are the server's, for the dependencies in an egg.
    """

    name: str
    url: str | None = None
    project: str | None = None
    username: str | None = None
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    version: str | None = None
    platform: str | None = None
    python_version: str | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of its Scrapyds, without repetitions; () without a url."""
        words = re.split(r"\s*,\s*(?=https?://)|\s+", (self.url or "").strip())
        return tuple(dict.fromkeys(word for word in words if word))

    def by_server(self) -> "list[Target]":
        """Return one target for every Scrapyd of this target; itself if it has one url or none."""
        if len(self.urls) < 2:
            return [self]
        return [replace(self, name=f"{self.name} ({redacted(url)})", url=url) for url in self.urls]


def read_targets(cfg: ConfigParser) -> dict[str, Target]:
    """Return name -> target, in the order of the files.

    `[deploy]` is the base of all, and the target `default` itself if it has a url.

    Raises:
        TargetError: a value can't be interpolated.
    """
    base = _values(cfg, "deploy")
    sections = {"default": base} if "url" in base else {}
    for section in cfg.sections():
        if section.startswith("deploy:"):
            own = _values(cfg, section)
            sections[section.removeprefix("deploy:")] = {**_without_other_login(base, own), **own}
    return {
        name: Target(name, **{option: value for option, value in values.items() if value})
        for name, values in sections.items()
    }


def password_variables(cfg: ConfigParser) -> set[str]:
    """Return the names of the environment variables that hold passwords and tokens of targets."""
    passwords = " ".join(
        cfg.get(section, option, raw=True, fallback="")
        for section in cfg.sections()
        if section == "deploy" or section.startswith("deploy:")
        for option in ("password", "token")
    )
    return {braced or plain for braced, plain in re.findall(r"\$(?:\{(\w+)\}|(\w+))", passwords)}


def choose_target(targets: dict[str, Target], name: str) -> Target:
    """Return the target of this name.

    Raises:
        UnknownTargetError: there is none; the second line names the known ones.
    """
    if name in targets:
        return targets[name]
    known = f"Known targets: {', '.join(targets)}" if targets else "No [deploy:NAME] section has been found"
    raise UnknownTargetError(f"Unknown target: {name}\n{known}")


def pick_target(targets: dict[str, Target], name: str | None) -> Target:
    """Return the target of this name or with this url; without a name `default`, or the only one.

    A url without a login in it gets the token of SCRAPYD_TOKEN.

    Raises:
        TargetError: no target matches, or several do.
    """
    if name and "://" in name:
        token = "" if "@" in name else os.environ.get(TOKEN_VARIABLE, "")
        return Target(redacted(name), url=name, token=token)
    if name or "default" in targets:
        return choose_target(targets, name or "default")
    if len(targets) == 1:
        return next(iter(targets.values()))
    if targets:
        raise TargetError(f"which target? Use -t with one of {', '.join(targets)}")
    raise TargetError("no target: the cfg file needs a [deploy:NAME] with a url, or use -t URL")


def _without_other_login(base: dict[str, str], own: dict[str, str]) -> dict[str, str]:
    """Return the values of [deploy] without its login if a target has one of the other kind."""
    unused = {"username", "password"} if own.get("token") else {"token"} if own.get("username") else set()
    return {name: value for name, value in base.items() if name not in unused}


def _values(cfg: ConfigParser, section: str) -> dict[str, str]:
    names = [field.name for field in fields(Target) if field.name != "name"]
    values = {name: read_option(cfg, section, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}
