"""A request whose body is JSON."""

import json
import warnings
from typing import Any, Self, overload

from aioscrapy.http.request import R, Request

_ACCEPT = "application/json, text/javascript, */*; q=0.01"


class JsonRequest(Request):
    """A request that sends `data` as JSON; the default method is POST.

    With a `body`, `data` is ignored, with a warning. `dumps_kwargs` are arguments of `json.dumps`; sort_keys
    is on by default.
    """

    attributes = (*Request.attributes, "dumps_kwargs")
    __slots__ = ("dumps_kwargs",)

    def __init__(
        self, *args: Any, data: Any = None, dumps_kwargs: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        self.dumps_kwargs = {"sort_keys": True, **(dumps_kwargs or {})}
        if data is not None and (kwargs.get("body") is not None or (len(args) > 4 and args[4] is not None)):
            warnings.warn("Both body and data passed. data will be ignored", stacklevel=2)
        elif data is not None and len(args) <= 4:
            kwargs["body"] = json.dumps(data, **self.dumps_kwargs)
            if len(args) <= 2:
                kwargs.setdefault("method", "POST")
        super().__init__(*args, **kwargs)
        self.headers.setdefault("Content-Type", "application/json")
        self.headers.setdefault("Accept", _ACCEPT)

    @overload
    def replace(self, *args: Any, cls: None = None, **kwargs: Any) -> Self: ...

    @overload
    def replace(self, *args: Any, cls: type[R], **kwargs: Any) -> R: ...

    def replace(self, *args: Any, cls: type[Request] | None = None, **kwargs: Any) -> Request:
        data = kwargs.pop("data", None)
        if data is not None and kwargs.get("body") is not None:
            warnings.warn("Both body and data passed. data will be ignored", stacklevel=2)
        elif data is not None:
            kwargs["body"] = json.dumps(data, **kwargs.get("dumps_kwargs", self.dumps_kwargs))
        return super().replace(*args, cls=cls or type(self), **kwargs)
