"""The host of a URL and the slot of a request: the keys of politeness."""

import re

from aioscrapy.http.request import Request

_netloc = re.compile(r"[^/?#]*").match
_unsafe = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def host_of(url: str) -> str:
    """Return the host of an absolute URL in lower case, without user, port and brackets."""
    netloc: str = _netloc(url, url.find("://") + 3)[0]  # type: ignore[index]  # it matches "", too
    if "@" in netloc:
        netloc = netloc.rpartition("@")[2]
    if netloc.startswith("["):
        return netloc.partition("]")[0][1:].lower()
    return netloc.partition(":")[0].lower()


class HostSlot(str):
    """The host of a request that was sent, as meta["download_slot"] has it; not a choice of the project.

    A callback that copies `response.meta` into a request to another host does not choose its slot by that.
    """

    __slots__ = ()


def slot_of(request: Request) -> str:
    """Return the name that selects the limits of a request: meta["download_slot"], or the host.

    A slot of another type becomes text; characters that a store does not allow in a key are percent-encoded.
    """
    slot = request.meta.get("download_slot")
    if not slot or type(slot) is HostSlot:
        return host_of(request.url)
    return _unsafe.sub(_percent, slot if isinstance(slot, str) else str(slot))


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))
