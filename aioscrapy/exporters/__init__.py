"""Items as bytes: JSON lines, a JSON array, CSV, XML, values of Python; one write to the file for each item.

An item is packed first, then written. A packed item does not depend on its position in the file, so
another process can write it, in another order. A class loads on first use.
"""

from typing import TYPE_CHECKING

from aioscrapy.exporters.base import BaseItemExporter, Fields, ItemExporter
from aioscrapy.lazy_names import load_on_first_use

if TYPE_CHECKING:
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

__getattr__ = load_on_first_use(
    __name__,
    {
        "CsvItemExporter": "csv_items",
        "JsonItemExporter": "json_items",
        "JsonLinesItemExporter": "json_items",
        "MarshalItemExporter": "python_items",
        "PickleItemExporter": "python_items",
        "PprintItemExporter": "python_items",
        "PythonItemExporter": "python_items",
        "XmlItemExporter": "xml_items",
    },
)
