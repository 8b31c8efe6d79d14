"""Scrapyd's pages, with the addresses of logs and items quoted."""

from typing import Any
from urllib.parse import quote

import scrapyd.website
from typing_extensions import override


class Root(scrapyd.website.Root):
    """The web root of a node: `webroot` of scrapyd.conf.

    Scrapyd puts these addresses into `href` as they are, so that a job id may hold a script.
    """

    @override
    def get_log_url(self, job: Any) -> str | None:
        return _quoted(super().get_log_url(job))

    @override
    def get_item_url(self, job: Any) -> str | None:
        return _quoted(super().get_item_url(job))


def _quoted(url: str | None) -> str | None:
    return quote(url, safe="/") if url is not None else None
