"""The name of scrapy-redis's duplicate filter."""

from aioscrapy.dupefilters.redis import RFPDupeFilter

__all__ = ["RFPDupeFilter"]
