"""The duplicate filter of a crawl that can be resumed: its marks are stored with the requests, in JOBDIR."""

from aioscrapy.dupefilters import memory


class RFPDupeFilter(memory.RFPDupeFilter):
    """The exact filter; with JOBDIR its marks are in the crawl's file, else in memory."""


DiskRFPDupeFilter = RFPDupeFilter
