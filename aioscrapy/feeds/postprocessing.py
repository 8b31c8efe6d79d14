"""Plugins that change the bytes of a feed on their way to its file: gzip, bz2, xz, and plugins of a project.

A compressed file is a row of members, and readers take them for one document. So a file can be cut behind
a member, and another member can follow: a feed goes on after a kill as one that is not compressed.
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, ClassVar, Protocol, cast

# Bytes of items in one member. The store keeps the items of a member until it is written.
MEMBER_BYTES = 1 << 20


class BinaryTarget(Protocol):
    """What a plugin writes to: the file, or the next plugin."""

    def write(self, data: bytes, /) -> Any:
        """Write all bytes."""


class Plugin(Protocol):
    """What a plugin of a project has to have; created with the target and the options of the feed."""

    def write(self, data: bytes) -> Any:
        """Write these bytes in another form."""

    def close(self) -> None:
        """Write the rest."""


class Decompressor(Protocol):
    """One member, read as far as it goes."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, /) -> bytes:
        """Return the plain bytes."""


class GzipPlugin:
    """Compresses with gzip; the options gzip_compresslevel, _mtime, _filename are those of gzip.GzipFile.

    Attributes:
        appendable: two outputs, one behind the other, are one document.
    """

    appendable = True
    decompressor: ClassVar[Callable[[], Any]] = staticmethod(lambda: zlib.decompressobj(wbits=31))

    def __init__(self, file: BinaryTarget, feed_options: Mapping[str, Any]) -> None:
        level = feed_options.get("gzip_compresslevel", 9)
        name, time = feed_options.get("gzip_filename"), feed_options.get("gzip_mtime")
        self.gzipfile = gzip.GzipFile(
            filename=name or "", fileobj=Stream(file), mode="wb", compresslevel=level, mtime=time
        )
        self.write, self.close = self.gzipfile.write, self.gzipfile.close


class Bz2Plugin:
    """Compresses with bz2; option bz2_compresslevel, as bz2.BZ2File has it."""

    appendable = True
    decompressor = bz2.BZ2Decompressor

    def __init__(self, file: BinaryTarget, feed_options: Mapping[str, Any]) -> None:
        level = feed_options.get("bz2_compresslevel", 9)
        self.bz2file = bz2.BZ2File(Stream(file), mode="wb", compresslevel=level)
        self.write, self.close = self.bz2file.write, self.bz2file.close


class LZMAPlugin:
    """Compresses with xz; the options lzma_format, _check, _preset, _filters are those of lzma.LZMAFile."""

    decompressor = lzma.LZMADecompressor

    def __init__(self, file: BinaryTarget, feed_options: Mapping[str, Any]) -> None:
        form = feed_options.get("lzma_format")
        self.appendable = form in {None, lzma.FORMAT_XZ}
        self.lzmafile = lzma.LZMAFile(  # noqa: SIM115 closed by `close`
            cast("IO[bytes]", Stream(file)),
            mode="wb",
            format=form,
            check=feed_options.get("lzma_check", -1),
            preset=feed_options.get("lzma_preset"),
            filters=feed_options.get("lzma_filters"),
        )
        self.write, self.close = self.lzmafile.write, self.lzmafile.close


class PostProcessingManager(io.IOBase):
    """A file whose bytes pass all plugins, in their order.

    Args:
        plugins: classes, or objects that are called with the target and the options.
        file: gets the bytes of the last plugin; it stays open.
        feed_options: of the feed.

    Attributes:
        appendable: another output can follow in the same file.
    """

    def __init__(
        self,
        plugins: Sequence[Callable[[Any, Mapping[str, Any]], Any]],
        file: BinaryTarget,
        feed_options: Mapping[str, Any],
    ) -> None:
        self.file = file
        self.plugins: list[Any] = []
        self._stream = Stream(file)  # a plugin of a project may close it
        head: Any = self._stream
        for plugin in reversed(plugins):
            head = plugin(head, feed_options)
            self.plugins.insert(0, head)
        self.head_plugin = head
        self.appendable = all(getattr(plugin, "appendable", False) for plugin in self.plugins)

    def write(self, data: bytes) -> int:
        """Pass the bytes to the first plugin."""
        self.head_plugin.write(data)
        return len(data)

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        """Return the number of bytes that the file has got."""
        return self._stream.tell()

    def close(self) -> None:
        """Close all plugins, the first one first: each writes its rest to the next one."""
        if not self.closed:
            for plugin in self.plugins:
                plugin.close()
            super().close()


class MemberWriter:
    """Gathers bytes, and writes them to the file as one member.

    Args:
        plugins: of the feed.
        file: gets whole members.
        feed_options: of the feed.

    Attributes:
        waiting: bytes are gathered that the file does not have.
    """

    def __init__(self, plugins: Sequence[Any], file: BinaryTarget, feed_options: Mapping[str, Any]) -> None:
        self._plugins = plugins
        self._file = file
        self._options = feed_options
        self._plain = bytearray()

    @property
    def waiting(self) -> bool:
        return bool(self._plain)

    def write(self, data: bytes) -> None:
        """Gather bytes; write a member if it is long enough.

        Raises:
            OSError: the file can't be written; these bytes are not gathered.
        """
        self._plain += data
        if len(self._plain) >= MEMBER_BYTES:
            try:
                self.flush()
            except OSError:
                del self._plain[-len(data) :]
                raise

    def flush(self) -> None:
        """Write what is gathered."""
        if self._plain:
            member = io.BytesIO()
            chain = PostProcessingManager(self._plugins, member, self._options)
            chain.write(bytes(self._plain))
            chain.close()
            self._file.write(member.getvalue())
            self._plain.clear()

    end = flush


class StreamWriter:
    """Passes bytes through plugins whose output can't be cut: the file is complete only at its end."""

    def __init__(self, plugins: Sequence[Any], file: BinaryTarget, feed_options: Mapping[str, Any]) -> None:
        self._chain = PostProcessingManager(plugins, file, feed_options)
        self.waiting = False
        self.write = self._write

    def _write(self, data: bytes) -> None:
        self.waiting = True
        self._chain.write(data)

    def flush(self) -> None:
        """Do nothing: only `end` completes the file."""

    def end(self) -> None:
        """Write the rest of the plugins."""
        self._chain.close()
        self.waiting = False


def are_appendable(plugins: Sequence[Any], feed_options: Mapping[str, Any]) -> bool:
    """Return True if the output of these plugins can follow another one in the same file."""
    return PostProcessingManager(plugins, io.BytesIO(), feed_options).appendable


def plain_text(data: bytes, plugins: Sequence[Any]) -> bytes | None:
    """Return what the plugins got for these bytes, as far as they go; None if that can't be read."""
    for plugin in reversed(plugins):
        new = getattr(plugin, "decompressor", None)
        plain = _decompressed(data, new) if new is not None else None
        if plain is None:
            return None
        data = plain
    return data


def _decompressed(data: bytes, new: Callable[[], Decompressor]) -> bytes | None:
    plain = b""
    try:
        while data:
            reader = new()
            plain += reader.decompress(data)
            data = reader.unused_data if reader.eof else b""
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return None
    return plain


class Stream(io.RawIOBase):
    """A target as libraries and exporters want a file; its `close` leaves the target open."""

    def __init__(self, target: BinaryTarget, name: str = "") -> None:
        self._target = target
        self._written = 0
        self.name = name  # an exporter may open the file itself

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        """Write all bytes, and return their number."""
        whole = bytes(data)
        self._target.write(whole)
        self._written += len(whole)
        return len(whole)

    def tell(self) -> int:
        """Return the number of bytes that were written here."""
        return self._written
