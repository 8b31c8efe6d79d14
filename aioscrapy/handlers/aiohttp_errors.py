"""Which error of ours an error of aiohttp is."""

import socket

import aiohttp

from aioscrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    TunnelError,
    UnsupportedURLSchemeError,
)

# The first that fits counts; DownloadFailedError if none does.
_KINDS: tuple[tuple[type[BaseException], type[DownloadError]], ...] = (
    (aiohttp.ClientHttpProxyError, TunnelError),
    (aiohttp.NonHttpUrlClientError, UnsupportedURLSchemeError),
    (aiohttp.ClientPayloadError, ResponseDataLossError),
    (socket.gaierror, CannotResolveHostError),
    (UnicodeError, CannotResolveHostError),  # a label that is empty or too long
    (ConnectionRefusedError, DownloadConnectionRefusedError),
    (TimeoutError, DownloadTimeoutError),
)


def class_of(exc: BaseException) -> type[DownloadError]:
    """Return the class of ours for an error of aiohttp or of the operating system."""
    cause = getattr(exc, "os_error", exc)
    return next((ours for kind, ours in _KINDS if isinstance(cause, kind)), DownloadFailedError)


def text_of(exc: BaseException) -> str:
    """Return the text of an error, without the objects of aiohttp that it has for a failed connection."""
    if isinstance(exc, aiohttp.ClientConnectorError) and not isinstance(
        exc, aiohttp.ClientConnectorCertificateError
    ):
        cause = exc.os_error
        return f"Cannot connect to host {exc.host}:{exc.port} [{cause.strerror or cause}]"
    if isinstance(exc, aiohttp.ServerDisconnectedError) and not isinstance(exc.message, str):
        return "the connection was closed before the end of the answer's head"
    return str(exc)
