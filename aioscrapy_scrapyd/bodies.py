"""The body of a request: how large it may be, and the fields of a form in it. No I/O."""

from email import message_from_bytes
from email.message import Message
from email.utils import collapse_rfc2231_value

from twisted.web.http import parse_qs

Fields = dict[bytes, list[bytes]]

# Bytes of a body that is not an egg: all arguments of a job (1 MB), each byte written as %41, and some more.
PLAIN_LIMIT = 4_000_000
# Fields of one form; a job has arguments, not data.
FIELDS_LIMIT = 10_000
# Bytes from which on a form is parsed in a thread: 30 MB kept all other requests waiting for 20 s.
LARGE = 50_000


class FormError(ValueError):
    """The body is not a form; the text says why, in one line."""


def kind_of(content_type: str) -> str:
    """Return the type in a Content-Type header without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def body_limit(method: str, content_type: str, egg_limit: int) -> int:
    """Return how many bytes a body may have: an egg comes by PUT or as a part of a form."""
    may_be_egg = method == "PUT" or kind_of(content_type) == "multipart/form-data"
    return egg_limit if may_be_egg else min(egg_limit, PLAIN_LIMIT)


def form_of(body: bytes, content_type: str) -> Fields:
    """Return the fields of a form, name -> values; {} for a body that is not a form.

    Raises:
        FormError: it says that it is one, and it can't be read.
    """
    kind = kind_of(content_type)
    if kind == "application/x-www-form-urlencoded":
        if body.count(b"&") + body.count(b";") >= FIELDS_LIMIT:
            raise FormError(f"the form has more than {FIELDS_LIMIT} fields")
        return dict(parse_qs(body, 1))
    return _parts(body, content_type) if kind == "multipart/form-data" else {}


def _parts(body: bytes, content_type: str) -> Fields:
    head = f"MIME-Version: 1.0\r\nContent-Type: {content_type}\r\n\r\n".encode("latin-1")
    boundary = message_from_bytes(head).get_boundary()
    if not boundary:
        raise FormError("multipart/form-data without a boundary")
    if body.count(b"--" + boundary.encode("utf-8", "surrogateescape")) > FIELDS_LIMIT:
        raise FormError(f"the form has more than {FIELDS_LIMIT} fields")
    message = message_from_bytes(head + body)
    if not message.is_multipart():
        raise FormError("multipart/form-data without a part")
    fields: Fields = {}
    for part in message.get_payload():
        if not isinstance(part, Message):
            continue
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if name and isinstance(value, bytes):
            text = collapse_rfc2231_value(name)
            fields.setdefault(text.encode("utf-8", "surrogateescape"), []).append(value)
    return fields
