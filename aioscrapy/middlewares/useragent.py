"""The documented path of UserAgentMiddleware, which is in one file with the other default headers."""

from aioscrapy.middlewares.defaultheaders import UserAgentMiddleware

__all__ = ["UserAgentMiddleware"]
