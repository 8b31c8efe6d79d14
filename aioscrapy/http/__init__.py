"""Requests and responses."""

from aioscrapy.http.form import FormRequest
from aioscrapy.http.headers import Headers
from aioscrapy.http.json_request import JsonRequest
from aioscrapy.http.request import Request, request_from_dict
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.http.text import HtmlResponse, JsonResponse, TextResponse, XmlResponse

__all__ = [
    "FormRequest",
    "Headers",
    "HtmlResponse",
    "JsonRequest",
    "JsonResponse",
    "Request",
    "Response",
    "TextResponse",
    "XmlResponse",
    "request_from_dict",
    "response_class",
]
