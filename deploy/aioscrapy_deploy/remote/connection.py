"""The connection to one Scrapyd over HTTP: address, login, time-outs, proxy, and repetitions."""

import json
import os
import re
import time
from copy import copy
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from aioscrapy_deploy.errors import NoAnswerError, RefusedError, TargetError
from aioscrapy_deploy.terminal.text import redacted

# seconds: to connect, and to send each block of an egg
CONNECT_S = 10
# to answer if Scrapyd may have to list the spiders first, in a process of its own
LISTING_S = 300
# to answer anything else
ANSWER_S = 30
# before the second and the third try of a GET that failed
PAUSES_S = (0.2, 0.6)
# the answers of a proxy while the Scrapyd behind it is started again
_TOO_BUSY = {502, 503, 504}
_TOKEN_IS_WRONG = "The server does not accept the token: it may be mistyped, expired or removed"  # noqa: S105 a text
_LOGIN_IS_MISSING = (
    "The server requires a username and a password, or a token of a node: in [deploy:NAME] of the cfg or "
    "~/.netrc, or, for a server that -t names by its URL, in the variable SCRAPYD_TOKEN"
)
# statuses for which a node gives its reason, as a line of text or in JSON
_WITH_REASON = {400, 403, 404, 409, 413, 421, 429, 503}
_TOKEN = re.compile(r"[\x21-\x7e]+")
_HINTS = {
    401: (
        "The server requires another username and password: see [deploy:NAME] in the cfg, ~/.netrc, or the "
        "variable SCRAPYD_PASSWORD"
    ),
    403: "The server, or a proxy before it, forbids this request",
    404: "There is no Scrapyd at this url: a path before the page's name belongs in the target's url",
    407: "The proxy requires a username and a password",
    413: "The egg is larger than the server, or a proxy before it, takes",
    500: "The server has failed: its log has the reason",
    **dict.fromkeys(_TOO_BUSY, "A proxy answers, but the Scrapyd behind it does not: is it running?"),
}


class Connection:
    """One Scrapyd's address, with or without the last slash, with or without a path before the pages.

    A username in the address is taken out of it; without one, and without a token, netrc is used. Proxies and
    certificates are those of the environment, as requests reads them; an error names the proxy that it came
    through.

    A GET is repeated (see PAUSES_S) if the connection failed or a proxy was too busy, never after a
    time-out. A POST is not: it may have arrived. An upload would run twice, a job start twice, and the
    second cancel of a job is the signal that ends it by force.

    Raises:
        TargetError: the url is not one of http or https; a token beside a username; not a token.
    """

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str = "",
        timeout_s: float | tuple[float, float] | None = None,
        *,
        token: str = "",
    ) -> None:
        parts = _split(url)
        self.url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        if not username and parts.username:
            username, password = unquote(parts.username), unquote(parts.password or "")
        self.username = username or None
        self.has_password = bool(username and password)
        self._has_token = bool(token)
        self._auth: Any = (username.encode(), password.encode()) if username else None
        if token:
            if username:
                raise TargetError(f"{self.url}: a token and a username are two logins; keep one of them")
            self._auth = _bearer(token, self.url)
        self._timeout_s = timeout_s

    @property
    def exposes_password(self) -> bool:
        """Whether a password or a token would go over the net as plain text: by http, to another machine."""
        parts = urlsplit(self.url)
        if parts.scheme != "http" or _is_loopback(parts.hostname or ""):
            return False
        from requests.utils import get_netrc_auth

        has_secret = self.has_password or self._has_token
        return has_secret or (self._auth is None and get_netrc_auth(self.url) is not None)

    @property
    def proxy(self) -> str:
        """The proxy that the environment names for this address, and where; "" without a proxy."""
        from requests.utils import get_environ_proxies, select_proxy

        address = select_proxy(self.url, get_environ_proxies(self.url))
        if not address:
            return ""
        scheme = urlsplit(self.url).scheme
        names = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
        variable = next((name for name in names if os.environ.get(name)), "the system's settings")
        return (
            f"the proxy {redacted(address)} of {variable} (no_proxy={urlsplit(self.url).hostname} avoids it)"
        )

    def with_timeout(self, timeout_s: float) -> "Connection":
        """Return the same connection with another time-out, in seconds."""
        other = copy(self)
        other._timeout_s = timeout_s
        return other

    def ask(
        self,
        method: str,
        page: str,
        *,
        expected: tuple[int, ...] = (),
        answer_s: float | None = None,
        pauses_s: tuple[float, ...] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return requests' response with a status of 200 to 299, or an `expected` one.

        `page` is what follows the url, quoted, without a first slash; `kwargs` are those of requests.
        `answer_s` are the seconds within which it must answer if the constructor got none, `pauses_s` those
        before each repetition (default: PAUSES_S).

        Raises:
            RefusedError: another status.
            NoAnswerError: no answer.
        """
        timeout = self._timeout_s or (CONNECT_S, answer_s or ANSWER_S)
        for pause_s in (PAUSES_S if pauses_s is None else pauses_s) if method in {"GET", "HEAD"} else ():
            try:
                return self._ask_once(method, page, expected, timeout, kwargs)
            except NoAnswerError as exc:
                if exc.timed_out:
                    raise
            except RefusedError as exc:
                if exc.status not in _TOO_BUSY:
                    raise
            time.sleep(pause_s)
        return self._ask_once(method, page, expected, timeout, kwargs)

    def _ask_once(
        self, method: str, page: str, expected: tuple[int, ...], timeout: Any, kwargs: dict[str, Any]
    ) -> Any:
        import requests

        endpoint = f"{self.url}/{page}"
        try:
            # no redirects: a POST would arrive as a GET, and the egg at a server that nobody named
            response = requests.request(
                method, endpoint, auth=self._auth, timeout=timeout, allow_redirects=False, **kwargs
            )
        except (requests.RequestException, UnicodeError) as exc:
            raise no_answer(endpoint, exc, timeout, self.proxy) from exc
        if response.status_code in expected or 200 <= response.status_code < 300:
            return response
        hint = self._hint(response)
        if location := response.headers.get("Location"):
            hint = f"The server redirects to {redacted(location)}: name that address if it is right"
        if self.proxy:
            hint = "; ".join(filter(None, (hint, f"the answer came through {self.proxy}")))
        with response:
            raise RefusedError(endpoint, response.status_code, response.text, hint)

    def _hint(self, response: Any) -> str:
        """Return what to do about a refusal: in the server's words if it is a node, else in ours."""
        status = response.status_code
        if status == 401 and self._has_token:
            return _TOKEN_IS_WRONG
        if status == 401 and "Authorization" not in response.request.headers:
            return _LOGIN_IS_MISSING
        return (status in _WITH_REASON and _reason_in(response)) or _HINTS.get(status, "")


def _reason_in(response: Any) -> str:
    """Return the reason that a node gives for a status; "" in an answer of another server."""
    if response.headers.get("Content-Type", "").startswith("text/plain"):
        text = response.text.strip()
        return text if len(text) < 300 and "\n" not in text else ""
    return node_message(response.text) or ""


def node_message(body: str) -> str | None:
    """Return the message of an error of /api/v1; None if a body is something else."""
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return None


def _bearer(token: str, url: str) -> Any:
    """Return what adds a token to a request of requests, which then leaves netrc alone."""
    if not _TOKEN.fullmatch(token):  # the error of requests would repeat it
        raise TargetError(f"{url}: the token has blanks or characters that no token has")

    def add(request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return add


def no_answer(endpoint: str, exc: BaseException, timeout: Any, proxy: str = "") -> NoAnswerError:
    """Return an error for what requests raised: one line with the system's own message, and the proxy."""
    import requests

    connect_s, answer_s = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    timed_out = isinstance(exc, requests.Timeout)
    if isinstance(exc, requests.ConnectTimeout):
        reason = f"no connection within {connect_s} seconds"
    elif timed_out:
        hint = "; does it speak https at all?" if endpoint.startswith("https") else ""
        reason = f"no answer within {answer_s} seconds{hint}"
    else:
        reason = _reason(exc)
    through = f", through {proxy}" if proxy else ""
    if not proxy and _was_refused(exc):
        through = ": is a Scrapyd running there?"
    return NoAnswerError(f"{endpoint}: {reason}{through}", timed_out=timed_out)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        raise TargetError(f"not a url: {redacted(url)}") from None
    if "@" in parts.path + parts.query + parts.fragment:
        raise TargetError(f"write @ / ? and # in a password as %40 %2F %3F and %23: {redacted(url)}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TargetError(f"the url must begin with http:// or https:// and a host: {redacted(url)}")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _was_refused(exc: BaseException | None) -> bool:
    """Return True if nobody listens at the port."""
    while exc is not None and not isinstance(exc, ConnectionRefusedError):
        exc = exc.__cause__ or exc.__context__
    return exc is not None


def _reason(exc: BaseException) -> str:
    from http.client import BadStatusLine

    inner: BaseException | None = exc
    while inner is not None:
        if isinstance(inner, OSError) and "WRONG_VERSION_NUMBER" in str(inner.strerror):
            return "the server does not speak https: does the url begin with http://?"
        if isinstance(inner, ConnectionResetError | BrokenPipeError):  # also http.client's RemoteDisconnected
            return "the server has closed the connection without an answer"
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        if isinstance(inner, BadStatusLine):
            return "what answers there does not speak http: is it the port of a Scrapyd?"
        inner = inner.__cause__ or inner.__context__
    return str(exc)
