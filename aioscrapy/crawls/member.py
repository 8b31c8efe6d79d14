"""How a waiting request is written in Redis; member.lua is the same codec for the scripts."""

import re
from typing import NamedTuple, Self

_MEMBER = re.compile(rb"([^\n]*)\n([0-9a-f]{14})(.*)", re.DOTALL).fullmatch


class Member(NamedTuple):
    """A member of `ready` or `delayed`: host, newline, 14 hex digits of the sort key, payload."""

    host: bytes
    key: int  # the smallest leaves first; below 2**53
    payload: bytes  # the serialised request

    def pack(self) -> bytes:
        """Return the bytes of the member."""
        return b"%b\n%014x%b" % self

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the bytes of a member.

        Raises:
            ValueError: they are not a member.
        """
        match = _MEMBER(data)
        if match is None:
            raise ValueError(f"not a waiting request: {data[:80]!r}")
        return cls(match[1], int(match[2], 16), match[3])
