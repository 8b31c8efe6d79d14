"""Functions that programs of Scrapy and aio-scrapy import from `scrapy.utils`; no file of ours uses them."""
