"""CsvPipeline under its path of aio-scrapy."""

from aioscrapy.pipelines.csv import CsvPipeline

__all__ = ["CsvPipeline"]
