"""A request that calls a method of an XML-RPC server."""

import xmlrpc.client
from typing import Any

from aioscrapy.http.request import Request


class XmlRpcRequest(Request):
    """Posts `xmlrpc.client.dumps(params, methodname, …)`; the other arguments are those of Request.

    Args:
        params: the arguments of the method, a tuple.
        methodname: the method.
        methodresponse: write a response instead of a call.
        allow_none: write None, an extension of XML-RPC.
        encoding: of the body.
    """

    def __init__(self, *args: Any, encoding: str | None = None, **kwargs: Any) -> None:
        if "body" not in kwargs and "params" in kwargs:
            names = ("params", "methodname", "methodresponse", "allow_none")
            kwargs["body"] = xmlrpc.client.dumps(
                encoding=encoding, **{name: kwargs.pop(name) for name in names if name in kwargs}
            )
        kwargs.setdefault("method", "POST")
        kwargs.setdefault("dont_filter", True)
        if encoding is not None:
            kwargs["encoding"] = encoding
        super().__init__(*args, **kwargs)
        self.headers.setdefault("Content-Type", "text/xml")
