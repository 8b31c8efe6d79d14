"""Follow redirects: by status 301, 302, 303, 307 and 308, and by meta refresh."""

import logging
import re
from typing import Any, Self
from urllib.parse import urldefrag, urljoin, urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.hooks import UNREAD
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.text import HEAD, HtmlResponse
from aioscrapy.middlewares.referer import Policy, find_policy, origin, referrer, setting_policy
from aioscrapy.settings import Settings

logger = logging.getLogger(__name__)

_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_CONTENT_HEADERS = ("Type", "Length", "Encoding", "Language", "Location")  # after "Content-"
_STRIPPED = bytes(range(33))  # control characters and the space
_authority = re.compile(rb"(?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2,}[^/\\?#]*").match
_refresh = re.compile(rb"([0-9]*\.?[0-9]*)\s*[;,]\s*(?:url\s*=\s*)?(\S.*)", re.IGNORECASE).fullmatch
_special = re.compile(r"(https?):", re.IGNORECASE).match
_SCHEMES = frozenset({"http", "https"})


class _Redirecting:
    """Builds the request that follows a redirect.

    Meta keys: redirect_times, redirect_ttl (redirects left), redirect_urls, redirect_reasons; dont_redirect.
    """

    # the setting that leaves the middleware out
    enabled_setting = "REDIRECT_ENABLED"

    def __init__(self, settings: Settings) -> None:
        if not settings.getbool(self.enabled_setting):
            raise NotConfigured
        self._max_times, self._priority_adjust, self._policy = _limits(settings)
        self.max_redirect_times, self.priority_adjust = self._max_times, self._priority_adjust
        self.crawler: Any = None

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if its setting is false."""
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        return middleware

    def _redirect(self, request: Request, url: str, reason: int | str) -> Request | None:
        """Return the request for `url` that replaces `request`; None if `url` can't be crawled.

        Raises:
            IgnoreRequest: the request was redirected REDIRECT_MAX_TIMES times.
        """
        redirected = _moved(request, url)
        if redirected is None:
            return None
        old = request.meta
        times, ttl = old.get("redirect_times", 0) + 1, old.get("redirect_ttl", self._max_times)
        if ttl <= 0 or times > self._max_times:
            raise IgnoreRequest(f"Discarding {request}: max redirections reached")
        visited = [*old.get("redirect_urls", ()), request.url]
        redirected.meta.update(
            redirect_times=times,
            redirect_ttl=ttl - 1,
            redirect_urls=visited,
            redirect_reasons=[*old.get("redirect_reasons", ()), reason],
        )
        redirected.priority = request.priority + self._priority_adjust
        if urldefrag(redirected.url).url in {urldefrag(url).url for url in visited}:
            # a page that sets a cookie and redirects back is not a duplicate; redirect_times ends a loop
            redirected.dont_filter = True
        self._remove_secrets(request, redirected)
        logger.debug("Redirecting (%s) to %s from %s", reason, redirected, request)
        return redirected

    def _remove_secrets(self, request: Request, redirected: Request) -> None:
        """Remove the headers that the new host must not get.

        Source: https://fetch.spec.whatwg.org/#http-redirect-fetch and RFC 6265, section 5.4.
        """
        headers = redirected.headers
        old, new = urlsplit(request.url), urlsplit(redirected.url)
        if origin(request.url) != origin(redirected.url):
            headers.pop("Authorization", None)
        if old.hostname != new.hostname or new.scheme not in {old.scheme, "https"}:
            headers.pop("Cookie", None)
        referer = headers.get("Referer")
        if referer is None:
            return
        policy = find_policy(str(request.meta.get("referrer_policy", "none")))
        value = referrer(policy or self._policy, referer.decode("latin-1"), redirected.url)
        headers.pop("Referer", None)
        if value is not None:
            headers["Referer"] = value


class RedirectMiddleware(_Redirecting):
    """Follows the Location header of a response.

    It does not if meta["dont_redirect"] is set, or if `handle_httpstatus_list` of meta or spider has the
    status.
    """

    def process_response(
        self, request: Request, response: Response, spider: Any = None
    ) -> Request | Response:
        """Return the request for the target of a redirect; any other response unchanged."""
        if response.status not in _REDIRECTING or _is_handled(request, response.status, spider):
            return response
        location = _location(response)
        if location is None:
            return response
        url = _target(request.url, location)
        if url is None:
            return response
        source = _as_get(request) if _becomes_get(response.status, request.method) else request
        return self._redirect(source, url, response.status) or response


class MetaRefreshMiddleware(_Redirecting):
    """Follows <meta http-equiv="refresh"> and the Refresh header, up to METAREFRESH_MAXDELAY seconds.

    A page that only reloads itself is not a redirect.
    """

    enabled_setting = "METAREFRESH_ENABLED"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._max_delay_s = settings.getfloat("METAREFRESH_MAXDELAY")

    def process_response(
        self, request: Request, response: Response, spider: Any = UNREAD
    ) -> Request | Response:
        """Return the request for the target of a meta refresh; any other response unchanged."""
        by_header = "Refresh" in response.headers
        if not by_header and not (isinstance(response, HtmlResponse) and "refresh" in response.lower_head()):
            return response
        if request.method == "HEAD" or request.meta.get("dont_redirect"):
            return response
        wait_s, url = _refresh_header(response) if by_header else _meta_refresh(response)
        if url is None or wait_s >= self._max_delay_s or urldefrag(url).url == urldefrag(request.url).url:
            return response
        return self._redirect(_as_get(request), url, "meta refresh") or response


def _limits(settings: Settings) -> tuple[int, int, Policy]:
    """Return the arguments that both middlewares have."""
    policy = setting_policy(settings["REFERRER_POLICY"])
    return settings.getint("REDIRECT_MAX_TIMES"), settings.getint("REDIRECT_PRIORITY_ADJUST"), policy


def _is_handled(request: Request, status: int, spider: Any) -> bool:
    """Return True if the callback handles the redirecting response itself."""
    meta = request.meta
    return bool(
        meta.get("dont_redirect")
        or meta.get("handle_httpstatus_all")
        or status in (meta.get("handle_httpstatus_list") or ())
        or status in (getattr(spider, "handle_httpstatus_list", None) or ())
    )


def _becomes_get(status: int, method: str) -> bool:
    """Return True if the redirected request is a GET without a body. Source: RFC 9110, section 15.4."""
    if status == 303:
        return method not in {"GET", "HEAD"}
    return status in {301, 302} and method == "POST"


def _location(response: Response) -> bytes | None:
    """Return the first Location that is not empty, as browsers do."""
    if "Location" not in response.headers:
        return None
    values = (value.strip(_STRIPPED) for value in response.headers.getlist("Location"))
    return next((value for value in values if value), None)


def _target(base: str, location: bytes) -> str | None:
    """Return the absolute URL of a Location header; None if it is not a URL."""
    try:
        url = urljoin(base, _as_browsers_read(base, _percent_encoded(location)))
        fragment = urlsplit(base).fragment
        return url if not fragment or urlsplit(url).fragment else f"{urldefrag(url).url}#{fragment}"
    except ValueError:
        return None


def _percent_encoded(location: bytes) -> str:
    """Return a Location as text whose path and query bring the same bytes back to the server."""
    host = _authority(location)
    end = host.end() if host else 0
    try:
        start = location[:end].decode()
    except UnicodeDecodeError:
        start = location[:end].decode("latin-1")
    return start + "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in location[end:])


def _as_browsers_read(base: str, text: str) -> str:
    """Return a URL with the slashes that browsers read into it.

    Source: https://url.spec.whatwg.org/#url-parsing, for schemes that are special.
    """
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    text = path.replace("\\", "/") + text[len(path) :]
    match = _special(text)
    if match is None:
        return f"//{text.lstrip('/')}" if text.startswith("//") else text
    scheme, rest = match[1].lower(), text[match.end() :]
    if not rest.startswith("//") and scheme == urlsplit(base).scheme:
        return rest
    return f"{scheme}://{rest.lstrip('/')}"


def _moved(request: Request, url: str) -> Request | None:
    """Return a copy of a request for another URL, without its cookies; None if the URL can't be crawled."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            return None
        moved: Request = request.replace(url=url, cookies=None)
    except ValueError:
        return None
    return moved


def _as_get(request: Request) -> Request:
    """Return a copy of a request as a GET, without its body and the headers of the body."""
    copy: Request = request.replace(method="GET", body=b"")
    for name in _CONTENT_HEADERS:
        copy.headers.pop(f"Content-{name}", None)
    return copy


def _refresh_header(response: Response) -> tuple[float, str | None]:
    """Return the delay in seconds and the absolute URL of a Refresh header; None without a URL."""
    match = _refresh((response.headers.get("Refresh") or b"").strip())
    if match is None:
        return 0.0, None
    return float(match[1] or 0), _target(response.url, match[2].strip(b"\"'"))


def _meta_refresh(response: Any) -> tuple[float, str | None]:
    """Return the delay in seconds and the absolute URL of a page's meta refresh; None without one."""
    from w3lib.html import get_meta_refresh

    # URLs in a page are in its encoding, unless that is UTF-16: https://url.spec.whatwg.org/#get-an-output-encoding
    encoding = "utf-8" if response.encoding.lower().startswith("utf") else response.encoding
    head = response.text[:HEAD]
    try:
        wait_s, url = get_meta_refresh(head, response.url, encoding, ignore_tags=("noscript",))
    except ValueError:
        return 0.0, None
    return wait_s or 0.0, url
