"""The host of a URL and the slot of a request: the keys of politeness."""

import re

from aioscrapy.http.request import Request

_netloc = re.compile(r"[^/?#]*").match


def host_of(url: str) -> str:
    """Return the host of an absolute URL in lower case, without user, port and brackets."""
    netloc: str = _netloc(url, url.find("://") + 3)[0]  # type: ignore[index]  # it matches "", too
    if "@" in netloc:
        netloc = netloc.rpartition("@")[2]
    if netloc.startswith("["):
        return netloc.partition("]")[0][1:].lower()
    return netloc.partition(":")[0].lower()


def slot_of(request: Request) -> str:
    """Return the name under which a request's host has its limits: meta["download_slot"], or the host."""
    slot = request._meta.get("download_slot") if request._meta else None
    return slot or host_of(request.url)
