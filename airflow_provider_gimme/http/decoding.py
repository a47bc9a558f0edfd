"""Decompress bodies piece by piece, so that a bomb is seen before it is unpacked."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable
from typing import Protocol

__all__ = [
    "ACCEPT_ENCODING",
    "PART_BYTES",
    "BrokenBodyError",
    "Decoder",
    "TruncatedBodyError",
    "UnreadableBodyError",
    "decoder_of",
]

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
"""What is asked for, and can be read."""

PART_BYTES = 64 * 1024
"""The most that is unpacked at once."""

_BROTLI_BYTES = 16 * 1024
"""Brotli looks at its limit between blocks, of which the first has 32 kB and the next ones are larger."""
_MAX_MEMBERS = 1000
"""More streams in one body than anybody sends; each costs time, however small it is."""
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_WINDOW_LOG = 23
"""8 MB: the largest window that a server may ask a client for (RFC 9659)."""


class UnreadableBodyError(Exception):
    """Be the root of what a reader of bodies tells its caller, who knows the call."""


class BrokenBodyError(UnreadableBodyError):
    """Tell the reader of a body that it is not compressed as it says."""


class TruncatedBodyError(UnreadableBodyError):
    """Tell the reader of a body that it ended too early."""


class Decoder(Protocol):
    """Decompress one body."""

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        """Yield what a chunk holds, in parts of at most 64 kB.

        :raises BrokenBodyError: where it is not compressed as it says.
        """
        ...

    def finish(self) -> None:
        """Check that the compressed data has come to its end; an empty body has.

        :raises TruncatedBodyError: where it has not.
        """
        ...


class _Stream(Protocol):
    """One compressed stream."""

    @property
    def eof(self) -> bool:
        """Whether it has come to its end."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was given beyond its end."""
        ...

    def unpack(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """Return a part, the data that is still to be given, and whether the stream waits for more data."""
        ...


class _Zlib:
    def __init__(self, window: int) -> None:
        self._stream = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def unpack(self, data: bytes) -> tuple[bytes, bytes, bool]:
        part = self._stream.decompress(data, PART_BYTES)
        tail = self._stream.unconsumed_tail
        return part, tail, not tail and len(part) < PART_BYTES


class _Brotli:
    unused_data: bytes = b""

    def __init__(self) -> None:
        import brotli  # type: ignore[import-untyped]  # it brings no types

        self._stream = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._stream.is_finished())

    def unpack(self, data: bytes) -> tuple[bytes, bytes, bool]:
        part: bytes = self._stream.process(data, output_buffer_limit=_BROTLI_BYTES)
        # All data may be taken and much still to come of it: only a part of nothing says that it waits.
        return part, b"", not part and bool(self._stream.can_accept_more_data())


class _Zstd:
    def __init__(self) -> None:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd

        limits: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        self._stream = zstd.ZstdDecompressor(options=limits)

    @property
    def eof(self) -> bool:
        return bool(self._stream.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._stream.unused_data)

    def unpack(self, data: bytes) -> tuple[bytes, bytes, bool]:
        part: bytes = self._stream.decompress(data, PART_BYTES)
        return part, b"", bool(self._stream.needs_input)


class _Decoder:
    """Decompress a body: one stream, or any number of them where ``magic`` tells how the next one begins."""

    def __init__(self, encoding: str, begin: Callable[[bytes], _Stream], magic: bytes = b"") -> None:
        self._encoding = encoding
        self._open = begin
        self._magic = magic
        self._stream: _Stream | None = None
        self._members = 0
        self._waiting = b""

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        data, self._waiting = self._waiting + chunk, b""
        while data or self._stream is not None:
            if self._stream is None:
                self._begin(data)
            if self._stream is None:
                return
            part, data, hungry = self._unpack(self._stream, data)
            if part:
                yield part
            if self._stream.eof:
                data, self._stream = self._stream.unused_data, None
            elif hungry:
                return

    def _unpack(self, stream: _Stream, data: bytes) -> tuple[bytes, bytes, bool]:
        try:
            return stream.unpack(data)
        except _errors(self._encoding):
            raise BrokenBodyError(f"it says that it is compressed by {self._encoding}, and is not") from None

    def _begin(self, data: bytes) -> None:
        """Begin a stream, if this is the beginning of one; what follows the last one is padding, and ignored."""
        if not self._members or (self._magic and data.startswith(self._magic)):
            self._stream = self._open(data)
            self._members += 1
        elif self._magic.startswith(data):
            self._waiting = data
        if self._members > _MAX_MEMBERS:
            raise BrokenBodyError(f"it is made of more than {_MAX_MEMBERS} {self._encoding} streams")

    def finish(self) -> None:
        if self._stream is not None:
            raise TruncatedBodyError(f"its {self._encoding} data ends too early")


def _errors(encoding: str) -> type[Exception] | tuple[type[Exception], ...]:
    """Return what a library raises of broken data; only the one that is in use is loaded."""
    if encoding == "br":
        import brotli

        return (brotli.error,)
    if encoding == "zstd":
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd

        return (zstd.ZstdError,)
    return zlib.error


def _inflate(data: bytes) -> _Stream:
    """Begin deflate: RFC 1950, or RFC 1951 as some servers send it."""
    return _Zlib(zlib.MAX_WBITS if data[0] & 0xF == 8 else -zlib.MAX_WBITS)


def decoder_of(encoding: str) -> Decoder | None:
    """Return what decompresses a ``Content-Encoding`` (RFC 9110, 8.4), None where nothing is to be done.

    :raises BrokenBodyError: where it was not asked for, several layers for one.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return None
    if name in {"gzip", "x-gzip"}:
        return _Decoder("gzip", lambda _: _Zlib(zlib.MAX_WBITS | 16), _GZIP_MAGIC)
    if name == "deflate":
        return _Decoder(name, _inflate)
    if name == "br":
        return _Decoder(name, lambda _: _Brotli())
    if name == "zstd":
        return _Decoder(name, lambda _: _Zstd(), _ZSTD_MAGIC)
    layers = "in several layers, " if "," in name else ""
    raise BrokenBodyError(f"it is compressed by '{name[:30]}', {layers}which was not asked for ({ACCEPT_ENCODING} are)")
