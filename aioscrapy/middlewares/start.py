"""Mark the start requests, for a project that asks for it in SPIDER_MIDDLEWARES."""

from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.middlewares.base import BaseSpiderMiddleware


class StartSpiderMiddleware(BaseSpiderMiddleware):
    """Sets meta["is_start_request"] of the start requests."""

    changes_requests = False

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Set the key, unless the request has it."""
        if response is None:
            request.meta.setdefault("is_start_request", True)
        return request
