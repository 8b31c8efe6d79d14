"""Hosts whose TLS certificate does not verify: refused, or taken with a warning and without passwords."""

import re
import ssl
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import DownloadFailedError, SettingError
from aioscrapy.http.headers import Headers, basic_login
from aioscrapy.http.hosts import host_of
from aioscrapy.http.request import Request
from aioscrapy.log import logger
from aioscrapy.settings import Settings

# names of headers that carry a password, a key or a login
_secret = re.compile(
    rb"auth|cookie|token|secret|passw|session|(?:^|-)key(?:$|-)|apikey", re.IGNORECASE
).search

_VERSIONS = {
    "TLSv1.0": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
# Servers without RFC 5746, as browsers take them; Python 3.12 has a name for it.
_OP_LEGACY_SERVER_CONNECT = 0x4


class Certificates:
    """Remembers the hosts whose certificate does not verify.

    Every host is first asked with verification. DOWNLOAD_VERIFY_SSL then says whether it is asked without.

    Stats:
        tls/unverified_hosts    hosts that were asked without verification
    """

    def __init__(self, crawler: CrawlContext) -> None:
        settings, spider = crawler.settings, crawler.spider
        names = ("DOWNLOAD_VERIFY_SSL", "DOWNLOAD_VERIFY_CERTIFICATES")
        self._required = any(settings.getbool(name) for name in names)
        self._stats = crawler.stats
        self.unverified: set[tuple[str, str | None]] = set()  # host and port, proxy
        self._warned: set[str] = set()
        self._secrets = _secrets_of(settings, spider)

    def verifies(self, request: Request, proxy: str | None = None) -> bool:
        """Return False for a host whose certificate is known not to verify."""
        return not self.unverified or (_authority(request.url), proxy) not in self.unverified

    def accept(self, request: Request, proxy: str | None, problem: object) -> None:
        """Let a host have requests although its certificate does not verify; warns once for each host.

        Raises:
            DownloadFailedError: DOWNLOAD_VERIFY_SSL is true.
        """
        if self._required:
            raise DownloadFailedError(f"{request.url}: {problem} (DOWNLOAD_VERIFY_SSL)") from None
        host = host_of(request.url)
        self.unverified.add((_authority(request.url), proxy))
        if host in self._warned:
            return
        self._warned.add(host)
        self._stats.inc_value("tls/unverified_hosts")
        logger.warning(
            "The certificate of %s does not verify: %s. Its pages may come from someone else; passwords of "
            "the settings and the spider are not sent there. DOWNLOAD_VERIFY_SSL = True refuses such hosts",
            host,
            problem,
        )

    def without_secrets(self, headers: Headers) -> Headers:
        """Return the headers for a host without a verified certificate: none with a password of ours."""
        lines = [line for line in headers.raw() if line not in self._secrets]
        return Headers.from_raw(lines)


def _authority(url: str) -> str:
    """Return host and port: another port of a host may have another certificate."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def without_secret_names(headers: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the headers whose names do not say that they carry a password."""
    return {
        name: value for name, value in dict(headers).items() if not _secret(Headers({name: ""}).raw()[0][0])
    }


def _secrets_of(settings: Settings, spider: Any) -> set[tuple[bytes, bytes]]:
    """Return the header lines that carry a login of the settings or the spider."""
    defaults = Headers(settings.getdict("DEFAULT_REQUEST_HEADERS"))
    secrets = {line for line in defaults.raw() if _secret(line[0])}
    for user, password in (
        (getattr(spider, "http_user", ""), getattr(spider, "http_pass", "")),
        (settings.get("HTTPAUTH_USER", ""), settings.get("HTTPAUTH_PASS", "")),
    ):
        if user or password:
            secrets.add((b"Authorization", basic_login(user, password)))
    return secrets


def is_default_tls(settings: Settings) -> bool:
    """Return True if the settings leave ciphers and version to the TLS library."""
    ciphers = settings["DOWNLOADER_CLIENT_TLS_CIPHERS"] or "DEFAULT"
    bounds = settings["DOWNLOAD_TLS_MIN_VERSION"] or settings["DOWNLOAD_TLS_MAX_VERSION"]
    return ciphers == "DEFAULT" and settings["DOWNLOADER_CLIENT_TLS_METHOD"] not in _VERSIONS and not bounds


def boringssl_ciphers(settings: Settings) -> str:
    """Return DOWNLOADER_CLIENT_TLS_CIPHERS without @SECLEVEL, an OpenSSL word; "" for the default."""
    words = (settings["DOWNLOADER_CLIENT_TLS_CIPHERS"] or "DEFAULT").split(":")
    ciphers = ":".join(word for word in words if not word.startswith("@SECLEVEL"))
    return "" if ciphers == "DEFAULT" else ciphers


def tls_context(settings: Settings, verify: bool) -> ssl.SSLContext:
    """Return OpenSSL's side of the settings of TLS.

    Raises:
        SettingError: OpenSSL does not know the ciphers, or a version is unknown.
    """
    context = ssl.create_default_context()
    context.options |= _OP_LEGACY_SERVER_CONNECT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        context.set_ciphers(settings["DOWNLOADER_CLIENT_TLS_CIPHERS"] or "DEFAULT")
    except ssl.SSLError as exc:
        raise SettingError("DOWNLOADER_CLIENT_TLS_CIPHERS", exc) from None
    method = settings["DOWNLOADER_CLIENT_TLS_METHOD"]
    least, most = (
        _version(settings, name) or _VERSIONS.get(method)
        for name in ("DOWNLOAD_TLS_MIN_VERSION", "DOWNLOAD_TLS_MAX_VERSION")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the user knows that it is old
        if least is not None:
            context.minimum_version = least
        if most is not None:
            context.maximum_version = most
    return context


def _version(settings: Settings, name: str) -> ssl.TLSVersion | None:
    word = settings[name]
    if word and word not in _VERSIONS:
        raise SettingError(name, f"{word!r} is not one of {', '.join(_VERSIONS)}")
    return _VERSIONS[word] if word else None
