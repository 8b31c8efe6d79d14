"""How a store writes a request and reads it again; the door through which every request passes."""

from typing import Any

from aioscrapy.exceptions import SerializeError
from aioscrapy.http.request import Request, request_from_dict
from aioscrapy.http.stored_request import stored_form
from aioscrapy.queue.base import Entry
from aioscrapy.serializer import Serializer, reader_of

FINGERPRINT_BYTES = 16


class RequestCodec:
    """Requests of one spider as the bytes of one serializer."""

    def __init__(self, serializer: Serializer, spider: Any) -> None:
        self._dumps = serializer.dumps
        self._read = reader_of(serializer)
        self._spider = spider

    def pack(self, entry: Entry) -> None:
        """Fill the entry's payload.

        Raises:
            SerializeError: a part of the entry can't be stored; the text names it.
        """
        request, fingerprint = entry.request, entry.fingerprint
        if not isinstance(request.priority, int):
            raise SerializeError(f"priority {request.priority!r} is not a whole number ({request})")
        if fingerprint is not None and len(fingerprint) != FINGERPRINT_BYTES:
            raise SerializeError(f"the fingerprint {fingerprint!r} has not 16 bytes ({request})")
        entry.payload = self._dumps(stored_form(request, self._spider))

    def loads(self, payload: bytes) -> Request:
        """Return the request in the bytes.

        Raises:
            SerializeError: they are not a request of this spider.
        """
        try:
            request = request_from_dict(self._read(payload), self._spider)
        except SerializeError:
            raise
        except Exception as exc:  # any error here is one bad entry, which must not end the workers
            raise SerializeError(f"no request can be made of {payload[:200]!r}: {exc!r}") from exc
        request.meta.setdefault("depth", 0)  # a request that a program pushed is a start request
        return request
