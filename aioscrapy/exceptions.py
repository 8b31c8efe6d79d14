"""Every error and control exception of the crawler, as one tree.

AioscrapyError                 what a person may see as one line
├── ConfigError                a setting, a project or a command line that can't be used
│   ├── SettingError           the value of one setting; names it
│   ├── FrozenSettingsError    a setting was changed after the crawl began
│   ├── ProjectError           no project here, or its settings module can't be imported
│   └── SpiderNotFoundError    no spider of that name
├── DownloadError              one request got no response (retried, then failed)
│   ├── CannotResolveHostError, DownloadCancelledError, DownloadConnectionRefusedError,
│   │   DownloadFailedError, ResponseDataLossError, UnsupportedURLSchemeError   Scrapy's names of some reasons
│   ├── TunnelError            the proxy makes no connection to the site
│   ├── DownloadTimeoutError   no answer within DOWNLOAD_TIMEOUT
│   └── ResponseTooLargeError  more than DOWNLOAD_MAXSIZE bytes; a DownloadCancelledError
├── QueueError                 the shared frontier can't be reached or refused us
│   └── StoreError             the file of JOBDIR can't be written: the crawl ends
├── SerializeError             a request that can't travel; names the part
├── CrawlError                 an unexpected exception ended the crawl
└── ItemLostError              a pipeline returned None in the place of an item

Control flow, raised by users and middlewares, never counted as failures:
NotConfigured, IgnoreRequest, DropItem, CloseSpider, DontCloseSpider, StopDownload, NotSupported
Of the commands: UsageError, ContractFail
"""

from typing import Any, ClassVar


class AioscrapyError(Exception):
    """Base of all errors of this package; its text is one line for a person."""


class ConfigError(AioscrapyError):
    """The crawl can't start as it was configured."""


class SettingError(ConfigError, ValueError):
    """One setting has a value that can't be used. A ValueError too, as Scrapy's settings raise."""

    def __init__(self, name: str, problem: object) -> None:
        super().__init__(f"setting {name}: {problem}")
        self.name = name


class FrozenSettingsError(ConfigError, TypeError):
    """A setting was changed after the crawl began. A TypeError too, as Scrapy's settings raise."""


class ProjectError(ConfigError):
    """This folder is not in a project, or the settings of the project can't be imported."""


class SpiderNotFoundError(ConfigError, KeyError):
    """No spider has this name. A KeyError too, as Scrapy's spider loader raises."""

    def __str__(self) -> str:
        return str(self.args[0])


class DownloadError(AioscrapyError):
    """A request got no response: connection, name, protocol."""


class CannotResolveHostError(DownloadError):
    """The name of the host has no address."""


class DownloadConnectionRefusedError(DownloadError):
    """The host refused the connection."""


class DownloadFailedError(DownloadError):
    """The connection broke."""


class TunnelError(DownloadFailedError):
    """The proxy refused to connect to the site of an https URL."""


class DownloadCancelledError(DownloadError):
    """Something of ours ended the download."""


class ResponseDataLossError(DownloadError):
    """The body ended before its declared end."""


class UnsupportedURLSchemeError(DownloadError):
    """No download handler is there for the scheme of the URL."""


class DownloadTimeoutError(DownloadError):
    """No complete response within DOWNLOAD_TIMEOUT seconds."""


class ResponseTooLargeError(DownloadCancelledError):
    """The body is larger than DOWNLOAD_MAXSIZE bytes."""


class QueueError(AioscrapyError):
    """The frontier's store did not answer, or answered with an error."""


class StoreError(QueueError):
    """The frontier's store can't be written, and waiting does not help: a full disk, a broken file."""


class SerializeError(AioscrapyError, ValueError):
    """A request or an item can't be written to the store; the text names the part."""


class CrawlError(AioscrapyError):
    """An unexpected exception ended a crawl, or kept it from beginning; the log has its traceback."""


class ItemLostError(AioscrapyError):
    """A pipeline returned None in the place of an item."""


class NotConfigured(Exception):  # noqa: N818 Scrapy's name
    """Raise in `from_crawler` to leave this component out."""


class IgnoreRequest(Exception):  # noqa: N818 Scrapy's name
    """Raise in a downloader middleware to drop this request.

    Attributes:
        quiet: no log line; the middleware has written one.
        fruitless: the drop was not wanted: a crawl in which all requests end so has failed.
    """

    quiet: ClassVar[bool] = False
    fruitless: ClassVar[bool] = False


class DropItem(Exception):  # noqa: N818 Scrapy's name
    """Raise in a pipeline to drop this item.

    Attributes:
        log_level: of the line about it; None: WARNING.
    """

    def __init__(self, message: str = "", log_level: str | int | None = None) -> None:
        super().__init__(message)
        self.log_level = log_level


class CloseSpider(Exception):  # noqa: N818 Scrapy's name
    """Raise in a callback to end the crawl with a reason."""

    def __init__(self, reason: str = "cancelled") -> None:
        super().__init__(reason)
        self.reason = reason


class DontCloseSpider(Exception):  # noqa: N818 Scrapy's name
    """Raise in a `spider_idle` handler to keep the crawl open."""


class StopDownload(Exception):  # noqa: N818 Scrapy's name
    """Raise in a handler of `headers_received` or `bytes_received` to end the download there.

    Attributes:
        fail: True: the request fails, its errback gets it. False: the callback gets what has come so far.
    """

    def __init__(self, *, fail: bool = True) -> None:
        super().__init__()
        self.fail = fail
        self.response: Any = None


class NotSupported(Exception):  # noqa: N818 Scrapy's name
    """This kind of response or URL has no such feature."""


class UsageError(Exception):
    """The command line of a project's own command is wrong; its text is for a person.

    Attributes:
        print_help: show the help of the command too.
    """

    def __init__(self, *args: Any, print_help: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.print_help = print_help


class ContractFail(AssertionError):  # noqa: N818 Scrapy's name
    """A callback does not keep its contract."""


class ScrapyDeprecationWarning(Warning):
    """Something of Scrapy's interface has a newer form."""
