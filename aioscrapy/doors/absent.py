"""Public names of Scrapy that do not exist here, and what to use instead; a path covers what is below it."""

_TLS = "use DOWNLOADER_CLIENT_TLS_METHOD, DOWNLOADER_CLIENT_TLS_CIPHERS and DOWNLOAD_VERIFY_SSL"
_MAIL = "no mail is sent; connect to the signal spider_closed and send one with smtplib"
_REMOTE = "use aioscrapy crawls and aioscrapy jobs to look into a crawl and to end it"
_HANDLER = "choose the HTTP client by DOWNLOAD_HANDLERS_TYPE (docs/handlers.md)"

ABSENT: dict[str, str] = {
    "core.downloader.contextfactory": _TLS,
    "core.downloader.tls": _TLS,
    "core.downloader.handlers.ftp": "ftp:// is not supported; download such files in a pipeline",
    "core.downloader.handlers.http": _HANDLER,
    "core.downloader.handlers.http11": _HANDLER,
    "core.downloader.handlers.http2": 'HTTP/2 is there with DOWNLOAD_HANDLERS_TYPE = "wreq"',
    "core.downloader.handlers.s3": "s3:// is not supported; download such files in a pipeline",
    "core.downloader.webclient": _HANDLER,
    "extensions.remote_control": _REMOTE,
    "extensions.telnet": _REMOTE,
    "extensions.statsmailer": _MAIL,
    "mail": _MAIL,
    "resolver": "the HTTP client resolves names",
}
