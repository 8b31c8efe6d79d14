"""Duplicate filters of a crawl that goes on after a stop: their marks lie with the requests, in JOBDIR."""

from aioscrapy.dupefilters import memory


class RFPDupeFilter(memory.RFPDupeFilter):
    """The exact filter; where JOBDIR is set its marks are kept in the crawl's file, else in memory."""


DiskRFPDupeFilter = RFPDupeFilter
