"""Read the links of a page."""

from aioscrapy.linkextractors.lxmlhtml import LxmlLinkExtractor
from aioscrapy.linkextractors.url_filters import IGNORED_EXTENSIONS

LinkExtractor = LxmlLinkExtractor

__all__ = ["IGNORED_EXTENSIONS", "LinkExtractor", "LxmlLinkExtractor"]
