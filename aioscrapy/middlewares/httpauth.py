"""The documented path of HttpAuthMiddleware, which is in one file with the other default headers."""

from aioscrapy.middlewares.defaultheaders import HttpAuthMiddleware

__all__ = ["HttpAuthMiddleware"]
