"""The built-in components of the default settings can all be loaded and made."""

import pytest

from aioscrapy.components import build_all
from support.context import context


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (
            "DOWNLOADER_MIDDLEWARES",
            [
                "OffsiteMiddleware",
                "RobotsTxtMiddleware",
                "DownloadTimeoutMiddleware",
                "DefaultHeadersMiddleware",
                "HttpAuthMiddleware",
                "UserAgentMiddleware",
                "RetryMiddleware",
                "MetaRefreshMiddleware",
                "RedirectMiddleware",
                "CookiesMiddleware",
                "HttpProxyMiddleware",
                "DownloaderStats",
            ],
        ),
        (
            "SPIDER_MIDDLEWARES",
            [
                "HttpErrorMiddleware",
                "RefererMiddleware",
                "UrlLengthMiddleware",
                "DepthMiddleware",
                "OffsiteMiddleware",
            ],
        ),
        (
            "EXTENSIONS",
            ["CoreStats", "LogCount", "CloseSpider", "LogStats", "SpiderState", "AutoThrottle"],
        ),
    ],
)
async def test_all_switched_on_are_made_in_order(setting: str, expected: list[str], tmp_path: object) -> None:
    settings = {
        "ROBOTSTXT_OBEY": True,
        "CLOSESPIDER_TIMEOUT": 1,
        "JOBDIR": str(tmp_path),
        "AUTOTHROTTLE_ENABLED": True,
    }
    crawler = context(
        settings, allowed_domains=["a.test"], http_user="u", http_auth_domain="a.test", download_timeout=9
    )
    made = await build_all(setting, crawler.settings.getwithbase(setting), crawler)
    assert [type(component).__name__ for component in made] == expected


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        (
            "aioscrapy.middlewares.retry.Retry",
            [
                "EXTENSIONS: None for aioscrapy.middlewares.retry.Retry has no effect: "
                "there is no such component"
            ],
        ),
        ("scrapy.extensions.telnet.TelnetConsole", []),  # what we lack is off, as the project wants it
    ],
)
async def test_none_for_a_component_that_does_not_exist_is_named(
    path: str, messages: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    crawler = context({"EXTENSIONS": {path: None, "shop.extensions.Gone": None}})
    await build_all("EXTENSIONS", crawler.settings.getwithbase("EXTENSIONS"), crawler)
    assert caplog.messages == messages


async def test_none_for_scrapys_name_of_a_built_in_component_is_no_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    crawler = context({"EXTENSIONS": {"scrapy.extensions.corestats.CoreStats": None}})
    extensions = await build_all("EXTENSIONS", crawler.settings.getwithbase("EXTENSIONS"), crawler)
    assert "CoreStats" not in {type(extension).__name__ for extension in extensions}
    assert caplog.messages == []
