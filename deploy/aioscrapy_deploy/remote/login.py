"""Create the clients of a target's Scrapyds: find passwords and tokens, and warn about plain text."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from getpass import getpass

from aioscrapy_deploy.errors import TargetError
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.targets import TOKEN_VARIABLE, Target

PASSWORD_VARIABLE = "SCRAPYD_PASSWORD"  # noqa: S105 the name of a variable
_UNSET_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))$")


def open_clients(target: Target, warn: Callable[[str], None]) -> list[ScrapydClient]:
    """Return a client for each Scrapyd of a target, in its order; nothing is sent yet.

    A username without a password gets that of netrc, else of SCRAPYD_PASSWORD, else the one that a person
    types at the terminal (once for all Scrapyds of the target), else "". A target with a token needs none of
    them. `warn` gets a line for each Scrapyd that would get a password or a token as plain text over the net.

    Raises:
        TargetError: no url, or not one of http or https; the password or token is a variable that is not set,
            or the person ended the question for it; there are a token and a username.
    """
    if not target.urls:
        raise TargetError(f"target {target.name} has no url")
    clients = _with_token(target) if target.token else _with_passwords(target)
    for client in clients:
        if client.exposes_password:
            secret = "token" if target.token else "password"
            warn(
                f"Warning: the {secret} for {client.url} goes over the net as plain text: "
                "use https, or a tunnel to a port of this machine"
            )
    return clients


def _with_token(target: Target) -> list[ScrapydClient]:
    if unset := _UNSET_VARIABLE.match(target.token):
        name = unset[1] or unset[2]
        raise TargetError(f"the token of target {target.name} is in {name}, which is not set")
    return [ScrapydClient(url, target.username, token=target.token) for url in target.urls]


def _with_passwords(target: Target) -> list[ScrapydClient]:
    unset = _UNSET_VARIABLE.match(target.password)
    in_cfg = "" if unset else target.password
    typed: dict[str, str] = {}
    clients = []
    for url in target.urls:
        client = ScrapydClient(url, target.username, in_cfg)
        if client.username and not client.has_password:
            password = _stored(client) or typed.get(client.username) or _typed(client, typed)
            if unset and not password:
                name = unset[1] or unset[2]
                raise TargetError(f"the password of target {target.name} is in {name}, which is not set")
            client = ScrapydClient(client.url, client.username, password)
        clients.append(client)
    return clients


@contextmanager
def without_passwords_in_environment(variables: Iterable[str]) -> Iterator[None]:
    """Remove variables with passwords and tokens for child processes: setup.py and pip run foreign code."""
    names = {PASSWORD_VARIABLE, TOKEN_VARIABLE, *variables} & os.environ.keys()
    values = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(values)


def _stored(client: ScrapydClient) -> str:
    from requests.utils import get_netrc_auth

    login, password = get_netrc_auth(client.url) or ("", "")
    return password if login == client.username else os.environ.get(PASSWORD_VARIABLE, "")


def _typed(client: ScrapydClient, typed: dict[str, str]) -> str:
    if not (sys.stdin and sys.stdin.isatty()):
        return ""
    name = str(client.username)
    try:
        typed[name] = getpass(f"Password of {name} at {client.url}: ")
    except EOFError:  # Ctrl-D
        raise TargetError(f"no password was typed for {name} at {client.url}") from None
    return typed[name]
