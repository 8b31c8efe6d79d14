"""Items as bytes: JSON lines, a JSON array, CSV, XML, values of Python; one write to the file for each item.

An item is packed first, then written. A packed item does not depend on its position in the file, so
another process can write it, in another order.
"""

from aioscrapy.exporters.base import BaseItemExporter, Fields, ItemExporter
from aioscrapy.exporters.csv_items import CsvItemExporter
from aioscrapy.exporters.json_items import JsonItemExporter, JsonLinesItemExporter
from aioscrapy.exporters.python_items import (
    MarshalItemExporter,
    PickleItemExporter,
    PprintItemExporter,
    PythonItemExporter,
)
from aioscrapy.exporters.xml_items import XmlItemExporter

__all__ = [
    "BaseItemExporter",
    "CsvItemExporter",
    "Fields",
    "ItemExporter",
    "JsonItemExporter",
    "JsonLinesItemExporter",
    "MarshalItemExporter",
    "PickleItemExporter",
    "PprintItemExporter",
    "PythonItemExporter",
    "XmlItemExporter",
]
