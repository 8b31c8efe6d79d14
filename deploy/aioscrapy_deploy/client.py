"""The only file that talks to a Scrapyd: its JSON API over HTTP."""

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from aioscrapy_deploy.errors import RefusedError, ServerError, TargetError

TIMEOUT_S = (
    10,
    300,
)  # to connect (and to send each block of the egg), to answer: Scrapyd lists the spiders first
_HINTS = {
    401: "The server wants another username and password: see [deploy:NAME] in the cfg, or ~/.netrc",
    403: "The server, or a proxy before it, forbids this to you",
    404: "There is no Scrapyd at this url: a path before the page's name belongs into the target's url",
    413: "The egg is larger than the server, or a proxy before it, takes",
}


@dataclass(frozen=True)
class Answer:
    """What a server said with a status of 200 to 299."""

    status: int
    text: str

    @property
    def data(self) -> dict[str, Any] | None:
        """The JSON object in it; None where it isn't one."""
        try:
            data = json.loads(self.text)
        except ValueError:
            return None
        return data if isinstance(data, dict) else None

    @property
    def failure(self) -> str | None:
        """Why this is not the answer of a Scrapyd that did what was asked; None where it is."""
        data = self.data
        if data is None:
            return f"the answer is not that of a Scrapyd: {_last_line(self.text) or '(empty)'}"
        if data.get("status") == "ok":
            return None
        return _last_line(str(data.get("message", ""))) or "the server says no more than an error"


class ScrapydClient:
    """One Scrapyd, by its address: with or without the last slash, with or without a path before the pages.

    A username in the address is taken out of it; without any, requests looks into netrc. Proxies and
    certificates are those of the environment, as requests reads them.

    Raises:
        TargetError: the url is not one of http or https.
    """

    def __init__(self, url: str, username: str | None = None, password: str = "") -> None:
        parts = _split(url)
        self.url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        if not username and parts.username:
            username, password = unquote(parts.username), unquote(parts.password or "")
        self._auth: Any = (username.encode(), password.encode()) if username else None

    def endpoint(self, action: str) -> str:
        """Return the address of one page of the API, fit to be shown: without a password."""
        return f"{self.url}/{action}"

    def addversion(self, project: str, version: str, egg: bytes) -> Answer:
        """Upload an egg; one round trip.

        Raises:
            RefusedError: an HTTP status of 300 or more.
            ServerError: no answer.
        """
        from urllib3 import encode_multipart_formdata

        fields: dict[str, Any] = {
            "project": project,
            "version": version,
            "egg": ("project.egg", egg, "application/octet-stream"),
        }
        body, content_type = encode_multipart_formdata(fields)
        # a file is sent in blocks, each with the time-out; bytes would all have to be through within it
        return self._ask(
            "POST", "addversion.json", data=BytesIO(body), headers={"Content-Type": content_type}
        )

    def listprojects(self) -> list[str]:
        """Return the names of the projects that have an egg; one round trip.

        Raises:
            RefusedError: an HTTP status of 300 or more.
            ServerError: no answer, or not one with projects.
        """
        answer = self._ask("GET", "listprojects.json")
        if answer.failure:
            raise ServerError(f"{self.endpoint('listprojects.json')}: {answer.failure}")
        return [str(name) for name in (answer.data or {}).get("projects", [])]

    def _ask(self, method: str, action: str, **kwargs: Any) -> Answer:
        import requests

        try:
            # no redirects: a POST would arrive as a GET, and the egg at a server that nobody named
            response = requests.request(
                method,
                self.endpoint(action),
                auth=self._auth,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                **kwargs,
            )
        except (requests.RequestException, UnicodeError) as exc:
            raise ServerError(f"{self.endpoint(action)}: {_reason(exc)}") from exc
        if response.ok and response.status_code < 300:
            return Answer(response.status_code, response.text)
        hint = _HINTS.get(response.status_code, "")
        if location := response.headers.get("Location"):
            hint = f"The server sends us on to {shown(location)}: deploy there if that is right"
        raise RefusedError(response.status_code, response.text, hint)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        raise TargetError(f"Error: not a url: {shown(url)}") from None
    if "@" in parts.path + parts.query + parts.fragment:
        raise TargetError(f"Error: write @ / ? and # in a password as %40 %2F %3F and %23: {shown(url)}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TargetError(f"Error: the url must begin with http:// or https:// and a host: {shown(url)}")
    return parts


def shown(url: str) -> str:
    """Return a url, right or wrong, without what stands before its last @."""
    scheme, found, _ = url.partition("://")
    return f"{scheme}://{url.rpartition('@')[2]}" if found and "@" in url else url.rpartition("@")[2]


def _reason(exc: BaseException) -> str:
    """Dig out of requests' and urllib3's wrappings what the system said."""
    import requests

    if isinstance(exc, requests.ConnectTimeout):
        return f"no connection within {TIMEOUT_S[0]} seconds"
    if isinstance(exc, requests.ReadTimeout):
        return f"no answer within {TIMEOUT_S[1]} seconds"
    inner: BaseException | None = exc
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return str(exc)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
