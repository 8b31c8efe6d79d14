"""The path of aio-scrapy for `aioscrapy.pipelines.excel`."""

from aioscrapy.pipelines.excel import ExcelPipeline

__all__ = ["ExcelPipeline"]
