"""Who may use a node: users with a role, their passwords as scrypt hashes."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from aioscrapy.exceptions import AioscrapyError

# N, r, p of scrypt: 32 MiB and some 0.1 s for one check (RFC 7914, section 2).
_COST = (2**15, 8, 1)
_MEMORY = 64 * 1024 * 1024


class UserError(AioscrapyError):
    """A user of the configuration can't be used."""


class Role(IntEnum):
    """What a user may do; each role may do what those below it may."""

    VIEWER = 1  # read everything
    OPERATOR = 2  # start and stop jobs: an argument or a setting of a job is code in effect
    DEPLOYER = 3  # upload and delete versions
    ADMIN = 4  # delete projects


@dataclass(frozen=True)
class User:
    """One user of a node.

    Attributes:
        name: without a colon (RFC 7617, section 2).
        role: what the user may do.
        secret: a hash as `hash_password` writes it, or a plain password (Scrapyd's `password`).
        projects: the projects of the user; empty for all.
    """

    name: str
    role: Role
    secret: str
    projects: frozenset[str] = frozenset()

    def may_use(self, project: str) -> bool:
        """Return True if the project is one of the user's."""
        return not self.projects or project in self.projects


def hash_password(password: str) -> str:
    """Return `scrypt$N$r$p$salt$hash`, salt and hash in base64."""
    salt = secrets.token_bytes(16)
    n, r, p = _COST
    return f"scrypt${n}${r}${p}${_encoded(salt)}${_encoded(_scrypt(password, salt, n, r, p))}"


def password_matches(password: str, secret: str) -> bool:
    """Compare in constant time; takes about 0.1 s where `secret` is a hash."""
    if not secret.startswith("scrypt$"):
        return hmac.compare_digest(password.encode(), secret.encode())
    _, n, r, p, salt, digest = secret.split("$")
    computed = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(computed, base64.b64decode(digest))


def users_of(name: str, password: str, section: Iterable[tuple[str, str]]) -> dict[str, User]:
    """Return name -> user.

    Args:
        name: Scrapyd's `username`; an admin, where `password` is set too.
        password: Scrapyd's `password`.
        section: the lines of [users]: name, "ROLE scrypt$…" or "ROLE:PROJECT,PROJECT scrypt$…".

    Raises:
        UserError: a line can't be used; the text names it.
    """
    users = {}
    if name and password:
        users[name] = User(_checked_name(name), Role.ADMIN, password)
    for user, line in section:
        where, _, secret = line.partition(" ")
        name_of_role, _, projects = where.partition(":")
        try:
            role = role_of(name_of_role)
        except UserError as exc:
            raise UserError(f"[users] {user}: {exc}") from None
        if not _is_hash(secret.strip()):
            raise UserError(
                f"[users] {user}: write ROLE scrypt$… as `aioscrapy node user add {user}` prints it"
            )
        users[user] = User(_checked_name(user), role, secret.strip(), projects_of(projects))
    return users


def role_of(name: str) -> Role:
    """Return the role of this name.

    Raises:
        UserError: there is no such role.
    """
    if name.upper() not in Role.__members__:
        raise UserError(
            f"{name!r} is not a role; the roles are {', '.join(role.name.lower() for role in Role)}"
        )
    return Role[name.upper()]


def projects_of(text: str) -> frozenset[str]:
    """Return the projects in a list with commas; empty for all."""
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def scrapyd_login(username: str, password: str) -> tuple[str, str]:
    """Return Scrapyd's user name and password; the environment comes before the file, as in Scrapyd."""
    return os.getenv("SCRAPYD_USERNAME") or username, os.getenv("SCRAPYD_PASSWORD") or password


def _checked_name(name: str) -> str:
    if ":" in name:
        raise UserError(f"user name {name!r}: a colon can't be part of it (RFC 7617)")
    return name


def _is_hash(secret: str) -> bool:
    parts = secret.split("$")
    if len(parts) != 6 or parts[0] != "scrypt" or not all(part.isdigit() for part in parts[1:4]):
        return False
    try:
        return all(base64.b64decode(part, validate=True) for part in parts[4:])
    except binascii.Error:
        return False


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=_MEMORY)
