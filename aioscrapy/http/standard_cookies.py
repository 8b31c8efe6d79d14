"""Our cookies as those of `http.cookiejar`, which programs for Scrapy read."""

from collections.abc import Iterable
from http import cookiejar
from typing import Any


def standard_jar(cookies: Iterable[Any]) -> cookiejar.CookieJar:
    """Return a new jar with these cookies; a domain for subdomains too begins with a dot."""
    jar = cookiejar.CookieJar()
    for cookie in cookies:
        jar.set_cookie(_standard(cookie))
    return jar


def _standard(cookie: Any) -> cookiejar.Cookie:
    return cookiejar.Cookie(
        version=0,
        name=cookie.name,
        value=cookie.value.encode("latin-1").decode("utf-8", "replace"),
        port=None,
        port_specified=False,
        domain=cookie.domain if cookie.host_only else f".{cookie.domain}",
        domain_specified=not cookie.host_only,
        domain_initial_dot=not cookie.host_only,
        path=cookie.path,
        path_specified=True,
        secure=cookie.secure,
        expires=None if cookie.expires is None else int(cookie.expires),
        discard=cookie.expires is None,
        comment=None,
        comment_url=None,
        rest={},
    )
