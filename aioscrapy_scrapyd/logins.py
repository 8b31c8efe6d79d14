"""Checks the passwords of a node's users, and slows down who guesses."""

import hashlib
import hmac
import secrets
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections import deque
from collections.abc import Callable

from aioscrapy_scrapyd.tokens import Tokens
from aioscrapy_scrapyd.users import User, hash_password, password_matches

# Failed logins of one address in WINDOW_S seconds after which it gets 429.
FAILURES = 10
WINDOW_S = 60.0
# Addresses that are remembered at most; a guesser with more of them only costs itself.
ADDRESSES = 10_000


class Logins:
    """Checks user names and passwords; an address that guesses has to wait.

    A password that matched is remembered as a keyed hash, so that only the first request pays for scrypt.
    """

    def __init__(
        self,
        users: dict[str, User],
        tokens: Tokens | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.users = users
        self._tokens = tokens
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._nobody = hash_password(secrets.token_hex()) if users else ""
        self._passed: dict[str, bytes] = {}
        self._failures: dict[str, deque[float]] = {}

    def by_token(self, header: str) -> User | None:
        """Return whom a bearer token stands for; None if it is not valid. Reads a file: for a thread."""
        return self._tokens.user(header) if self._tokens is not None else None

    def must_wait(self, address: str) -> bool:
        """Return True if the address failed too often within the last minute."""
        failures = self._failures.get(address)
        if not failures:
            return False
        while failures and failures[0] < self._clock() - WINDOW_S:
            failures.popleft()
        if not failures:
            del self._failures[address]
        return len(failures) >= FAILURES

    def passed_before(self, name: str, password: str) -> User | None:
        """Return the user if this very login matched before; costs no scrypt."""
        known = self._passed.get(name)
        if known is not None and hmac.compare_digest(known, self._digest(password)):
            return self.users.get(name)
        return None

    def matches(self, name: str, password: str) -> bool:
        """Compare the password; slow, for a thread. A name that does not exist takes as long."""
        user = self.users.get(name)
        return password_matches(password, user.secret if user else self._nobody) and user is not None

    def passed(self, name: str, password: str) -> User:
        """Remember a login that matched."""
        self._passed[name] = self._digest(password)
        return self.users[name]

    def forget_failures(self, address: str) -> None:
        """Forget the failures of an address that has logged in."""
        self._failures.pop(address, None)

    def failed(self, address: str) -> None:
        """Count a failure of the address."""
        if len(self._failures) >= ADDRESSES:
            self._failures.clear()
        self._failures.setdefault(address, deque(maxlen=FAILURES)).append(self._clock())

    def _digest(self, password: str) -> bytes:
        return hmac.digest(self._key, password.encode(), hashlib.sha256)


def basic_login(header: str) -> tuple[str, str] | None:
    """Return name and password of an Authorization header; None if it is not "Basic" or is damaged."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (Base64Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None
