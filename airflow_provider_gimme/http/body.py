"""Read and decompress the body of an answer, bounded while it comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_gimme.http.content_type import content_type_of
from airflow_provider_gimme.http.decoding import BrokenBodyError, Decoder, UnreadableBodyError, decoder_of
from airflow_provider_gimme.http.events import EVENTS, ends_events
from airflow_provider_gimme.http.units import show_size

if TYPE_CHECKING:
    from aiohttp import ClientResponse, StreamReader

    from airflow_provider_gimme.http.sink import Sink

__all__ = ["Body", "BodyTooLargeError", "SilentBodyError"]

_SUSPICIOUS_BYTES = 1024**3
_SUSPICIOUS_RATIO = 250
_TAIL_BYTES = 64


class BodyTooLargeError(UnreadableBodyError):
    """Tell the reader of a body that it goes beyond its limit; the text says what it announced, if it did."""


class SilentBodyError(UnreadableBodyError):
    """Tell the reader of a body that nothing more came of it for too long; ``limit`` is how long it waited."""

    def __init__(self, limit: timedelta) -> None:
        super().__init__("silent")
        self.limit = limit


def _check_coding(named: str) -> None:
    """Refuse a body that comes in a coding which nobody undoes (RFC 9112, 6.1): what is read would not be the body."""
    if named.strip().lower() not in {"", "chunked", "identity"}:
        raise BrokenBodyError(f"it is transferred as '{named[:30]}', which was not asked for (chunked is)")


def _decoder(answer: ClientResponse) -> Decoder | None:
    """Return what decompresses the body of an answer, None where it is not compressed, or there is none."""
    if answer.method == "HEAD":
        return None
    _check_coding(answer.headers.get("Transfer-Encoding", ""))
    return decoder_of(answer.headers.get("Content-Encoding", ""))


class Body:
    """What has been read so far of one body, decompressed; ``size`` is how much.

    ``limit`` is the most bytes it may have, packed or not, None for any number. ``silence`` is how long it may be
    silent between two pieces, None for as long as it likes.
    """

    def __init__(self, limit: int | None, silence: timedelta | None = None) -> None:
        self.limit = limit
        self.silence = silence
        self.size = 0
        self._received = 0
        self._parts: list[bytes] = []

    @property
    def read(self) -> bytes:
        """All that was read, up to the limit."""
        return b"".join(self._parts)[: self.limit]

    def expect(self, answer: ClientResponse) -> None:
        """Look at what an answer announces, before any of it is read.

        :raises BodyTooLargeError: where it is more than the limit.
        """
        announced = answer.content_length or 0
        if self.limit is not None and announced > self.limit and answer.method != "HEAD":
            raise BodyTooLargeError(f"{announced:,} bytes are announced, none was read")

    async def fill(self, answer: ClientResponse) -> bytes:
        """Read an answer to its end; a stream of events also ends with the event ``[DONE]``.

        :raises BodyTooLargeError: as soon as there is more than the limit, compressed or not.
        :raises BrokenBodyError: where it cannot be decompressed.
        :raises TruncatedBodyError: where the compressed data ends too early.
        :raises SilentBodyError: where nothing more came for too long.
        """
        decoder = _decoder(answer)
        events = content_type_of(answer.headers.get("Content-Type", "")).media_type == EVENTS
        tail = b""
        content = answer.content
        while chunk := await (content.readany() if self.silence is None else self._next(content)):
            for part in self._unpacked(chunk, decoder) if decoder is not None else self._plain(chunk):
                self._parts.append(part)
                if events and ends_events(tail := (tail + part)[-_TAIL_BYTES:]):
                    return b"".join(self._parts)
            self._check()
        if decoder is not None:
            decoder.finish()
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    async def pour(self, answer: ClientResponse, sink: Sink) -> None:
        """Read an answer to its end, into a sink, in constant memory.

        :raises BrokenBodyError: where it cannot be decompressed, or is a bomb.
        :raises TruncatedBodyError: where the compressed data ends too early.
        :raises SilentBodyError: where nothing more came for too long.
        :raises SinkError: where it cannot be saved.
        """
        try:
            decoder = _decoder(answer)
            while chunk := await self._next(answer.content):
                for part in self._unpacked(chunk, decoder):
                    self._suspect()
                    await sink.write(part)
            if decoder is not None:
                decoder.finish()
            await sink.commit()
        except BaseException:
            await sink.abort()
            raise

    def _unpacked(self, chunk: bytes, decoder: Decoder | None) -> Iterator[bytes]:
        """Yield a chunk of the body, decompressed: in parts of at most 64 kB where it is compressed."""
        self._received += len(chunk)
        for part in (chunk,) if decoder is None else decoder.feed(chunk):
            self.size += len(part)
            yield part
            self._check()
        self._check()

    def _plain(self, chunk: bytes) -> tuple[bytes]:
        """Return a chunk of a body that is not compressed."""
        self._received += len(chunk)
        self.size += len(chunk)
        return (chunk,)

    def _suspect(self) -> None:
        if self.size > _SUSPICIOUS_BYTES and self.size > self._received * _SUSPICIOUS_RATIO:
            raise BrokenBodyError(
                f"{show_size(self._received)} of it unpack to more than {_SUSPICIOUS_RATIO} times as much; "
                "ask the API for it without compression (header 'Accept-Encoding: identity')"
            )

    def _check(self) -> None:
        if self.limit is not None and (self.size > self.limit or self._received > self.limit):
            raise BodyTooLargeError

    async def _next(self, content: StreamReader) -> bytes:
        """Return the next chunk of the body, an empty one at its end."""
        if content.at_eof():
            return b""
        if self.silence is None:
            return await content.readany()
        clock = asyncio.timeout(self.silence.total_seconds())
        try:
            async with clock:
                return await content.readany()
        except TimeoutError:
            if clock.expired():
                raise SilentBodyError(self.silence) from None
            raise
