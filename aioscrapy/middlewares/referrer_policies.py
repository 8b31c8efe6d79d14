"""The referrer policies of the W3C, as classes: which Referer a request has. https://www.w3.org/TR/referrer-policy/."""

import re
from abc import ABC, abstractmethod
from typing import ClassVar
from urllib.parse import urlsplit

LOCAL_SCHEMES = ("about", "blob", "data", "filesystem")

POLICY_NO_REFERRER = "no-referrer"
POLICY_NO_REFERRER_WHEN_DOWNGRADE = "no-referrer-when-downgrade"
POLICY_SAME_ORIGIN = "same-origin"
POLICY_ORIGIN = "origin"
POLICY_STRICT_ORIGIN = "strict-origin"
POLICY_ORIGIN_WHEN_CROSS_ORIGIN = "origin-when-cross-origin"
POLICY_STRICT_ORIGIN_WHEN_CROSS_ORIGIN = "strict-origin-when-cross-origin"
POLICY_UNSAFE_URL = "unsafe-url"
POLICY_SCRAPY_DEFAULT = "scrapy-default"

# What a Referer has of the URL of the page.
_NOTHING, _ORIGIN, _FULL = range(3)
_DEFAULT_PORTS = frozenset({("http", 80), ("https", 443), ("ftp", 21)})
_may_have_default_port = re.compile(
    r"(?:http://[^/?]*:0*80|https://[^/?]*:0*443|ftp://[^/?]*:0*21)(?!\d)"
).match


class ReferrerPolicy(ABC):
    """Derive a policy of your own from it, and name the class in REFERRER_POLICY or REFERRER_POLICIES.

    Attributes:
        name: the name in a Referrer-Policy header.
        NOREFERRER_SCHEMES: pages with these schemes are never sent.
    """

    NOREFERRER_SCHEMES: tuple[str, ...] = LOCAL_SCHEMES
    name: str

    @abstractmethod
    def referrer(self, response_url: str, request_url: str) -> str | None:
        """Return the Referer of a request for `request_url` on the page `response_url`, or None."""

    def stripped_referrer(self, url: str) -> str | None:
        """Return the URL of a page as a Referer; None for a scheme that is not sent."""
        scheme = url.partition(":")[0].lower()  # as urlsplit, but faster
        return None if scheme in self.NOREFERRER_SCHEMES else self.strip_url(url)

    def origin_referrer(self, url: str) -> str | None:
        """Return the origin of a page as a Referer; None for a scheme that is not sent."""
        return None if urlsplit(url).scheme in self.NOREFERRER_SCHEMES else self.origin(url)

    def strip_url(self, url: str, origin_only: bool = False) -> str | None:
        """Return a URL without login, fragment and default port; None for "".

        With `origin_only` the path is "/", and there is no query.
        """
        if not url:
            return None
        if not (origin_only or "@" in url or "#" in url or _may_have_default_port(url)):
            return url
        parts = urlsplit(url)
        netloc = parts.netloc.rpartition("@")[2]
        try:
            port = parts.port
        except ValueError:
            port = None
        if port is not None and (parts.scheme, port) in _DEFAULT_PORTS:
            netloc = netloc.removesuffix(f":{port}")
        if origin_only:
            return f"{parts.scheme}://{netloc}/"
        return parts._replace(netloc=netloc, fragment="").geturl()

    def origin(self, url: str) -> str | None:
        """Return scheme, host and port of a URL, without a default port and with the path "/"."""
        return self.strip_url(url, origin_only=True)

    def potentially_trustworthy(self, url: str) -> bool:
        """Return True if the connection to this URL is encrypted."""
        return self.tls_protected(url)

    def tls_protected(self, url: str) -> bool:
        """Return True if the scheme of a URL is one over TLS."""
        return url.partition(":")[0].lower() in {"https", "ftps"}


class StandardPolicy(ReferrerPolicy):
    """A policy of the standard.

    Attributes:
        parts: what is sent of the page: to the same origin, to another one, from TLS to a target without it.
    """

    parts: ClassVar[tuple[int, int, int]]

    def referrer(self, response_url: str, request_url: str) -> str | None:
        """Return the Referer."""
        to_same, to_other, on_downgrade = self.parts
        if self.tls_protected(response_url) and not self.tls_protected(request_url):
            part = on_downgrade
        elif to_same == to_other or self.origin(response_url) == self.origin(request_url):
            part = to_same
        else:
            part = to_other
        if part == _NOTHING:
            return None
        return self.stripped_referrer(response_url) if part == _FULL else self.origin_referrer(response_url)


class NoReferrerPolicy(StandardPolicy):
    """Send nothing."""

    name = POLICY_NO_REFERRER
    parts = (_NOTHING, _NOTHING, _NOTHING)


class NoReferrerWhenDowngradePolicy(StandardPolicy):
    """Send the URL, except from TLS to a target without it."""

    name = POLICY_NO_REFERRER_WHEN_DOWNGRADE
    parts = (_FULL, _FULL, _NOTHING)


class SameOriginPolicy(StandardPolicy):
    """Send the URL to the same origin, to others nothing."""

    name = POLICY_SAME_ORIGIN
    parts = (_FULL, _NOTHING, _NOTHING)


class OriginPolicy(StandardPolicy):
    """Send the origin."""

    name = POLICY_ORIGIN
    parts = (_ORIGIN, _ORIGIN, _ORIGIN)


class StrictOriginPolicy(StandardPolicy):
    """Send the origin, except from TLS to a target without it."""

    name = POLICY_STRICT_ORIGIN
    parts = (_ORIGIN, _ORIGIN, _NOTHING)


class OriginWhenCrossOriginPolicy(StandardPolicy):
    """Send the URL to the same origin, to others the origin."""

    name = POLICY_ORIGIN_WHEN_CROSS_ORIGIN
    parts = (_FULL, _ORIGIN, _ORIGIN)


class StrictOriginWhenCrossOriginPolicy(StandardPolicy):
    """Send the URL to the same origin, to others the origin, except from TLS to a target without it."""

    name = POLICY_STRICT_ORIGIN_WHEN_CROSS_ORIGIN
    parts = (_FULL, _ORIGIN, _NOTHING)


class UnsafeUrlPolicy(StandardPolicy):
    """Send the URL to everybody."""

    name = POLICY_UNSAFE_URL
    parts = (_FULL, _FULL, _FULL)


class DefaultReferrerPolicy(NoReferrerWhenDowngradePolicy):
    """As `no-referrer-when-downgrade`, and never the URL of a local file or of S3."""

    NOREFERRER_SCHEMES = (*LOCAL_SCHEMES, "file", "s3")
    name = POLICY_SCRAPY_DEFAULT


STANDARD_POLICIES: dict[str, type[ReferrerPolicy]] = {
    "": NoReferrerWhenDowngradePolicy,
    **{
        policy.name: policy
        for policy in (
            NoReferrerPolicy,
            NoReferrerWhenDowngradePolicy,
            SameOriginPolicy,
            OriginPolicy,
            StrictOriginPolicy,
            OriginWhenCrossOriginPolicy,
            StrictOriginWhenCrossOriginPolicy,
            UnsafeUrlPolicy,
            DefaultReferrerPolicy,
        )
    },
}
