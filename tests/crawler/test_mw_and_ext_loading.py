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
