"""What protects the forms of the pages, and carries a message over the redirect behind them."""

import base64
import hashlib
import hmac
import json
import secrets
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

from aioscrapy_scrapyd.web.screen import Done

# Name of the cookie that holds the message of the last change.
MESSAGE_COOKIE = "aioscrapy_message"
_SIZE = 32


class Forms:
    """Tokens of forms and signed messages; the key lives as long as the daemon."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def token(self, user: str) -> str:
        """Return what the forms of this user carry; masked, so that it differs each time it is compressed."""
        mask = secrets.token_bytes(_SIZE)
        return (mask + _xor(mask, self._digest(f"form {user}".encode()))).hex()

    def matches(self, token: str, user: str) -> bool:
        """Return True if the token is one of this user."""
        try:
            data = bytes.fromhex(token)
        except ValueError:
            return False
        digest = _xor(data[:_SIZE], data[_SIZE:])
        return hmac.compare_digest(digest, self._digest(f"form {user}".encode()))

    def message(self, done: Done) -> str:
        """Return the message of a change as the value of a cookie."""
        body = json.dumps([done.message, {k: _short(v) for k, v in done.values.items()}, done.bad]).encode()
        return base64.urlsafe_b64encode(self._digest(body) + body).decode()

    def read_message(self, cookie: str) -> tuple[str, Mapping[str, Any], bool] | None:
        """Return text, values and badness of a message that this daemon wrote; None for anything else."""
        try:
            data = base64.urlsafe_b64decode(cookie)
        except (Base64Error, ValueError):
            return None
        body = data[_SIZE:]
        if not hmac.compare_digest(data[:_SIZE], self._digest(body)):
            return None
        text, values, bad = json.loads(body)
        return text, values, bad

    def _digest(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, hashlib.sha256)


def _short(value: str | int) -> str | int:
    return value[:500] if isinstance(value, str) else value


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=False))
