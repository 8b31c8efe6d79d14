"""Set the Referer header to the page that had the link, as far as the referrer policy allows it."""

import re
import warnings
from typing import Any, ClassVar, Self

from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured, ScrapyDeprecationWarning, SettingError
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.middlewares.base import SpiderStream
from aioscrapy.middlewares.referrer_policies import (
    LOCAL_SCHEMES,
    POLICY_NO_REFERRER,
    POLICY_NO_REFERRER_WHEN_DOWNGRADE,
    POLICY_ORIGIN,
    POLICY_ORIGIN_WHEN_CROSS_ORIGIN,
    POLICY_SAME_ORIGIN,
    POLICY_SCRAPY_DEFAULT,
    POLICY_STRICT_ORIGIN,
    POLICY_STRICT_ORIGIN_WHEN_CROSS_ORIGIN,
    POLICY_UNSAFE_URL,
    STANDARD_POLICIES,
    DefaultReferrerPolicy,
    NoReferrerPolicy,
    NoReferrerWhenDowngradePolicy,
    OriginPolicy,
    OriginWhenCrossOriginPolicy,
    ReferrerPolicy,
    SameOriginPolicy,
    StandardPolicy,
    StrictOriginPolicy,
    StrictOriginWhenCrossOriginPolicy,
    UnsafeUrlPolicy,
)
from aioscrapy.settings import Settings

__all__ = [
    "LOCAL_SCHEMES",
    "POLICY_NO_REFERRER",
    "POLICY_NO_REFERRER_WHEN_DOWNGRADE",
    "POLICY_ORIGIN",
    "POLICY_ORIGIN_WHEN_CROSS_ORIGIN",
    "POLICY_SAME_ORIGIN",
    "POLICY_SCRAPY_DEFAULT",
    "POLICY_STRICT_ORIGIN",
    "POLICY_STRICT_ORIGIN_WHEN_CROSS_ORIGIN",
    "POLICY_UNSAFE_URL",
    "DefaultReferrerPolicy",
    "NoReferrerPolicy",
    "NoReferrerWhenDowngradePolicy",
    "OriginPolicy",
    "OriginWhenCrossOriginPolicy",
    "RefererMiddleware",
    "ReferrerPolicy",
    "SameOriginPolicy",
    "StrictOriginPolicy",
    "StrictOriginWhenCrossOriginPolicy",
    "UnsafeUrlPolicy",
]

# A dotted path of a class, such as "shop.policies.OwnPolicy".
_is_path = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+").fullmatch
# The loaded and the unknown policies that requests and pages have named.
_REMEMBERED_NAMES = 1000


class RefererMiddleware(SpiderStream):
    """Sets the Referer of the links of a page.

    The first of these policies that is set applies: the request's meta["referrer_policy"], the page's header
    Referrer-Policy, the setting REFERRER_POLICY. A policy is a name, or the path of a class; a header may
    only have a name, and the last known name of a list applies.

    Attributes:
        default_policy: the class of the setting.
        policies: name -> class.
    """

    changes_requests: ClassVar[bool] = False

    def __init__(self, settings: Settings | None = None) -> None:
        self.default_policy: type[ReferrerPolicy] = DefaultReferrerPolicy
        self.policies: dict[str, type[ReferrerPolicy]] = dict(STANDARD_POLICIES)
        self._is_own = type(self).policy is not RefererMiddleware.policy
        self._known: dict[tuple[str, bool], type[ReferrerPolicy] | None] = {}
        self._page: Response | None = None  # the page of the last link: its policy is read once
        self._page_policy: ReferrerPolicy = self.default_policy()
        self._plain: str | None = None  # the Referer of its links that do not lead from TLS to none
        self._is_plain = False
        self._prefix = ""
        if settings is None:
            text = "Instantiating RefererMiddleware without a 'settings' argument is deprecated."
            warnings.warn(text, ScrapyDeprecationWarning, stacklevel=2)
            return
        for name, policy in settings.getdict("REFERRER_POLICIES").items():
            if policy is None:
                self.policies.pop(name, None)
            else:
                self.policies[name] = load_object(policy, "REFERRER_POLICIES")
        self.default_policy = self._of_setting(settings["REFERRER_POLICY"])

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
        if self._is_own:
            value = self.policy(response, request).referrer(response.url, request.url)
        else:
            if response is not self._page:
                self._set_page(response)
            name = request.meta.get("referrer_policy")
            if name is None and self._is_plain and request.url.startswith(self._prefix):
                value = self._plain
            else:
                policy = self._page_policy if name is None else self._of_name(name, trusted=True)
                value = policy.referrer(response.url, request.url)
        if value is not None:
            request.headers.setdefault("Referer", value)
        return request

    def policy(
        self, response: Response | str | None = None, request: Request | None = None, **old: Any
    ) -> ReferrerPolicy:
        """Return the policy for a request on a page; a subclass may override it."""
        if "resp_or_url" in old:
            if response is not None:
                raise TypeError("Cannot pass both 'response' and 'resp_or_url'")
            response = old["resp_or_url"]
            text = "Passing 'resp_or_url' is deprecated, use 'response' instead."
            warnings.warn(text, ScrapyDeprecationWarning, stacklevel=2)
        for name, argument in (("response", response), ("request", request)):
            if argument is None:
                raise TypeError(f"Missing required argument: {name!r}")
        if isinstance(response, str):
            text = "Passing a response URL to RefererMiddleware.policy() instead of a Response is deprecated."
            warnings.warn(text, ScrapyDeprecationWarning, stacklevel=2)
        policy = request.meta.get("referrer_policy") if request is not None else None
        if policy is not None:
            return self._of_name(policy, trusted=True)
        return self._of_page(response) if isinstance(response, Response) else self.default_policy()

    def _set_page(self, page: Response) -> None:
        self._page = page
        self._page_policy = policy = self._of_page(page)
        self._prefix = "https:" if page.url.startswith("https:") else ""
        self._is_plain = isinstance(policy, StandardPolicy) and policy.parts[0] == policy.parts[1]
        self._is_plain = self._is_plain and page.url.startswith("http")
        if self._is_plain:
            self._plain = policy.referrer(page.url, page.url)

    def _of_page(self, page: Response) -> ReferrerPolicy:
        header = page.headers.get("Referrer-Policy")
        if header is None:
            return self.default_policy()
        return self._of_name(header.decode("latin-1"), trusted=False)

    def _of_name(self, name: Any, *, trusted: bool) -> ReferrerPolicy:
        """Return the policy of this name; without one warn and return the setting's.

        A name that is not trusted may not be a path: it comes from the site.
        """
        if not isinstance(name, str):
            policy: type[ReferrerPolicy] = name if isinstance(name, type) else self.default_policy
            return policy()
        if (name, trusted) not in self._known:
            if len(self._known) >= _REMEMBERED_NAMES:
                self._known.clear()
            self._known[name, trusted] = self._find(name, trusted=trusted)
        cls = self._known[name, trusted]
        if cls is None:
            self._warn_of(name, trusted=trusted)
        return (cls or self.default_policy)()

    def _of_setting(self, policy: Any) -> type[ReferrerPolicy]:
        """Return the class of REFERRER_POLICY.

        Raises:
            SettingError: there is no such policy.
        """
        if isinstance(policy, type):
            return policy
        cls = self._find(policy, trusted=True)
        if cls is None:
            names = ", ".join(filter(None, self.policies))
            raise SettingError(
                "REFERRER_POLICY", f"{policy!r} is not one of {names}, nor the path of a class"
            )
        return cls

    def _find(self, name: str, *, trusted: bool) -> type[ReferrerPolicy] | None:
        if trusted and _is_path(name):
            try:
                loaded: type[ReferrerPolicy] = load_object(name, "REFERRER_POLICY")
            except SettingError:
                return None
            return loaded
        parts = [part.strip() for part in name.lower().split(",")]
        return next((self.policies[part] for part in reversed(parts) if part in self.policies), None)

    def _warn_of(self, name: str, *, trusted: bool) -> None:
        text = f"Could not load referrer policy {name!r}"
        if not trusted and _is_path(name):
            text += " (import paths from the response Referrer-Policy header are not allowed)"
        warnings.warn(f"{text}: REFERRER_POLICY is used", RuntimeWarning, stacklevel=2)
