"""Bodies of requests as aiohttp sends them: files in pieces, read in a thread."""

from __future__ import annotations

import asyncio
import io
from typing import BinaryIO

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from airflow_provider_gimme.http.multipart import Content, FileBody, Multipart, Part

__all__ = ["payload_of"]

_BLOCK_BYTES = 1024 * 1024
_LARGE_BYTES = 512 * 1024
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class _FilePayload(aiohttp.Payload):
    """A file of known length. It is open only while it is sent, and may be sent again."""

    _value: FileBody
    _autoclose = True

    def __init__(self, file: FileBody) -> None:
        super().__init__(file, content_type=file.media_type)
        self._size = file.size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        with self._value.open() as opened:
            return opened.read().decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the file; a length that is not the announced one breaks the exchange off."""
        left = self._value.size if content_length is None else min(content_length, self._value.size)
        opened = await asyncio.to_thread(self._value.open)
        try:
            while left and (block := await asyncio.to_thread(_read, opened, min(left, _BLOCK_BYTES))):
                left -= len(block)
                await writer.write(block)
        finally:
            await asyncio.to_thread(opened.close)
        if left:
            raise OSError(f"the file {self._value.name} is shorter than it was")


def _read(opened: BinaryIO, size: int) -> bytes:
    return opened.read(size)


def payload_of(content: Content | None) -> tuple[object, dict[str, str]]:
    """Return a body as aiohttp wants it, and the headers that only its writer knows.

    Large bytes are sent in pieces, so that other calls go on meanwhile.
    """
    if isinstance(content, Multipart):
        writer = _multipart(content)
        return writer, {"Content-Type": writer.content_type}
    if isinstance(content, FileBody):
        return _FilePayload(content), {}
    return content if content is None or len(content) <= _LARGE_BYTES else io.BytesIO(content), {}


def _multipart(content: Multipart) -> aiohttp.MultipartWriter:
    writer = aiohttp.MultipartWriter("form-data")
    for part in content.parts:
        payload = _payload(part)
        payload.headers["Content-Disposition"] = _disposition(part)
        writer.append_payload(payload)
    return writer


def _payload(part: Part) -> aiohttp.Payload:
    if isinstance(part.content, FileBody):
        return _FilePayload(part.content)
    data = part.content
    payload = aiohttp.BytesPayload(data) if len(data) <= _LARGE_BYTES else aiohttp.BytesIOPayload(io.BytesIO(data))
    if part.media_type is None:
        del payload.headers["Content-Type"]
    else:
        payload.headers["Content-Type"] = part.media_type
    return payload


def _disposition(part: Part) -> str:
    """Name a part as browsers do (WHATWG HTML, multipart form data): UTF-8, with quotes and line breaks escaped."""
    text = f'form-data; name="{part.name.translate(_ESCAPES)}"'
    if isinstance(part.content, FileBody):
        text += f'; filename="{part.content.name.translate(_ESCAPES)}"'
    return text
