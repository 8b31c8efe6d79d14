"""The plugins of feeds, at the path that Scrapy has for them."""

from aioscrapy.feeds.postprocessing import Bz2Plugin, GzipPlugin, LZMAPlugin, PostProcessingManager

__all__ = ["Bz2Plugin", "GzipPlugin", "LZMAPlugin", "PostProcessingManager"]
