"""Set the Referer header to the page that had the link, as far as the referrer policy allows it."""

import logging
import re
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.middlewares.base import SpiderStream
from aioscrapy.settings import Settings

logger = logging.getLogger(__name__)

_NOTHING, _ORIGIN, _FULL = range(3)

Policy = tuple[int, int, int]  # what is sent: to the same origin, to another one, from https to http

# Source: https://www.w3.org/TR/referrer-policy/
POLICIES: dict[str, Policy] = {
    "no-referrer": (_NOTHING, _NOTHING, _NOTHING),
    "no-referrer-when-downgrade": (_FULL, _FULL, _NOTHING),
    "same-origin": (_FULL, _NOTHING, _NOTHING),
    "origin": (_ORIGIN, _ORIGIN, _ORIGIN),
    "strict-origin": (_ORIGIN, _ORIGIN, _NOTHING),
    "origin-when-cross-origin": (_FULL, _ORIGIN, _ORIGIN),
    "strict-origin-when-cross-origin": (_FULL, _ORIGIN, _NOTHING),
    "unsafe-url": (_FULL, _FULL, _FULL),
    "scrapy-default": (_FULL, _FULL, _NOTHING),
    "": (_FULL, _FULL, _NOTHING),
}


def find_policy(names: str) -> Policy | None:
    """Return the policy of this name, in a list with commas of the last known name; None if there is none."""
    for name in reversed(names.lower().split(",")):
        if (policy := POLICIES.get(name.strip())) is not None:
            return policy
    return None


def setting_policy(name: Any) -> Policy:
    """Return the policy of the setting REFERRER_POLICY: a name, or Scrapy's class of that name.

    Raises:
        SettingError: there is no such policy.
    """
    policy = find_policy(_name_of(name))
    if policy is None:
        raise SettingError("REFERRER_POLICY", f"{name!r} is not one of {', '.join(filter(None, POLICIES))}")
    return policy


def _name_of(value: Any) -> str:
    """Return the W3C's name for a class of Scrapy or its dotted path; another text itself."""
    text = value if isinstance(value, str) else getattr(value, "__name__", repr(value))
    last = text.rpartition(".")[2]
    if not last.endswith("Policy"):
        return text
    words = re.findall("[A-Z][a-z]*", last.removesuffix("Policy"))
    name = "-".join(words).lower()
    return "scrapy-default" if name == "default-referrer" else name


class ReferrerPolicy:
    """A policy as Scrapy names it, for REFERRER_POLICY."""


class NoReferrerPolicy(ReferrerPolicy):
    """Scrapy's name of `no-referrer`."""


class NoReferrerWhenDowngradePolicy(ReferrerPolicy):
    """Scrapy's name of `no-referrer-when-downgrade`."""


class SameOriginPolicy(ReferrerPolicy):
    """Scrapy's name of `same-origin`."""


class OriginPolicy(ReferrerPolicy):
    """Scrapy's name of `origin`."""


class StrictOriginPolicy(ReferrerPolicy):
    """Scrapy's name of `strict-origin`."""


class OriginWhenCrossOriginPolicy(ReferrerPolicy):
    """Scrapy's name of `origin-when-cross-origin`."""


class StrictOriginWhenCrossOriginPolicy(ReferrerPolicy):
    """Scrapy's name of `strict-origin-when-cross-origin`."""


class UnsafeUrlPolicy(ReferrerPolicy):
    """Scrapy's name of `unsafe-url`."""


class DefaultReferrerPolicy(NoReferrerWhenDowngradePolicy):
    """Scrapy's name of `scrapy-default`."""


def referrer(policy: Policy, page: str, target: str) -> str | None:
    """Return the Referer of a request for the URL `target` on the page `page`; None for no header."""
    full = _without_secrets(page)
    if full is None:
        return None
    to_same, to_other, on_downgrade = policy
    if page.startswith("https:") and not target.startswith("https:"):
        part = on_downgrade
    elif to_same == to_other or origin(page) == origin(target):
        part = to_same
    else:
        part = to_other
    if part == _FULL:
        return full
    return f"{origin(page)}/" if part == _ORIGIN else None


def origin(url: str) -> str:
    """Return scheme, host and port of a URL, without a default port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    try:
        port = parts.port
    except ValueError:
        port = None
    if port is None or (parts.scheme, port) in {("http", 80), ("https", 443)}:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


def _without_secrets(url: str) -> str | None:
    """Return a URL without user name, password and fragment; None if it is not http or https."""
    if not url.startswith(("http://", "https://")):
        return None
    if "@" not in url and "#" not in url:
        return url
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()


class RefererMiddleware(SpiderStream):
    """Sets the Referer of the links of a page.

    The first of these policies that is set applies: the request's meta["referrer_policy"], the page's header
    Referrer-Policy, the setting REFERRER_POLICY.
    """

    changes_requests: ClassVar[bool] = False

    def __init__(self, settings: Settings | None = None) -> None:
        name = settings["REFERRER_POLICY"] if settings is not None else ""
        self._policy = policy = setting_policy(name)
        self._page: Response | None = None  # the page of the last link: its policy is read once
        self._page_policy = policy
        self._plain: str | None = None  # the Referer of its links that do not lead from https to http
        self._is_plain = False
        self._prefix = ""
        self._unknown: set[str] = set()

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if REFERER_ENABLED is false."""
        if not crawler.settings.getbool("REFERER_ENABLED"):
            raise NotConfigured
        return cls(crawler.settings)

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Set the Referer of a link, if it has none."""
        if response is None:
            return request
        if response is not self._page:
            self._set_page(response)
        name = request.meta.get("referrer_policy")
        if name is None and self._is_plain and request.url.startswith(self._prefix):
            value = self._plain
        else:
            policy = self._page_policy if name is None else self._policy_of(name)
            value = referrer(policy, response.url, request.url)
        if value is not None:
            request.headers.setdefault("Referer", value)
        return request

    def _set_page(self, page: Response) -> None:
        self._page = page
        header = page.headers.get("Referrer-Policy")
        self._page_policy = policy = self._policy_of(header.decode("latin-1")) if header else self._policy
        self._prefix = "https:" if page.url.startswith("https:") else ""
        self._is_plain = policy[0] == policy[1]
        self._plain = referrer(policy, page.url, page.url)

    def _policy_of(self, name: str) -> Policy:
        """Return the policy of this name; without one log a warning and return the setting's."""
        policy = find_policy(name)
        if policy is not None:
            return policy
        if name not in self._unknown:
            self._unknown.add(name)
            logger.warning("Unknown referrer policy %r: REFERRER_POLICY is used", name)
        return self._policy
