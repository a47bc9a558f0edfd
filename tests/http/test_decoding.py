"""Bodies that are packed: unpacked in small parts, and told apart where they are broken, cut or bombs."""

from __future__ import annotations

import gzip
import random
import sys
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]  # it brings no types
import pytest

from airflow_provider_gimme.http.decoding import (
    ACCEPT_ENCODING,
    PART_BYTES,
    BrokenBodyError,
    TruncatedBodyError,
    decoder_of,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
NOISE = random.Random(1).randbytes(200_000)  # noqa: S311 - what cannot be packed
encodings = pytest.mark.parametrize("encoding", PACKERS)


def unpack(encoding: str, data: bytes, step: int = 777) -> bytes:
    decoder = decoder_of(encoding)
    assert decoder is not None
    parts = [part for at in range(0, len(data), step) for part in decoder.feed(data[at : at + step])]
    decoder.finish()
    assert all(0 < len(part) <= PART_BYTES for part in parts)
    return b"".join(parts)


def test_what_is_asked_for_can_be_read() -> None:
    """The list in `Accept-Encoding` is the list of what is unpacked here."""
    assert [name.strip() for name in ACCEPT_ENCODING.split(",")] == list(PACKERS)


@encodings
@pytest.mark.parametrize("body", [b"", b"hi", NOISE, bytes(1_000_000)])
def test_what_was_packed_is_unpacked(encoding: str, body: bytes) -> None:
    """Whatever it is, in pieces of any size, each part of at most 64 kB."""
    packed = PACKERS[encoding](body)
    assert unpack(encoding, packed) == unpack(encoding.upper(), packed, 100_000) == body


@encodings
def test_a_body_that_ends_too_early_is_cut(encoding: str) -> None:
    """That is another thing than a broken one: another attempt can help."""
    packed = PACKERS[encoding](NOISE[:5000])
    with pytest.raises(TruncatedBodyError, match=f"its {encoding} data ends too early"):
        unpack(encoding, packed[:-3])


@encodings
def test_a_body_that_is_not_packed_so_is_broken(encoding: str) -> None:
    """Text under the name of a compression is told as what it is."""
    with pytest.raises(BrokenBodyError, match=f"says that it is compressed by {encoding}, and is not"):
        unpack(encoding, b"hello, this is text, \x07 and more of it" * 9)


@encodings
def test_a_body_of_nothing_is_nothing(encoding: str) -> None:
    """As servers send it that pack what they do not have."""
    assert unpack(encoding, b"") == b""


@encodings
def test_a_bomb_is_unpacked_part_by_part(encoding: str) -> None:
    """Who stops after the first part has had no more than 64 kB of 10 MB."""
    bomb = PACKERS[encoding](bytes(10_000_000))
    decoder = decoder_of(encoding)
    assert decoder is not None
    assert len(next(iter(decoder.feed(bomb)))) <= PART_BYTES


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_streams_behind_one_another_are_one_body(encoding: str) -> None:
    """Gzip and zstd allow it; what follows the last one is padding."""
    pack = PACKERS[encoding]
    assert unpack(encoding, pack(b"a" * 500) + pack(b"") + pack(b"b") + bytes(5)) == b"a" * 500 + b"b"
    with pytest.raises(BrokenBodyError, match=f"more than 1000 {encoding} streams"):
        unpack(encoding, pack(b"") * 1001)


def test_a_window_that_no_client_has_to_hold_is_refused() -> None:
    """A frame of zstd may ask for more memory than 8 MB; RFC 9659 lets a client refuse it."""
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 25, zstd.CompressionParameter.content_size_flag: 0}
    packer = zstd.ZstdCompressor(options=options)
    with pytest.raises(BrokenBodyError):
        unpack("zstd", packer.compress(bytes(40_000_000)) + packer.flush())


@pytest.mark.parametrize("encoding", ["gzip, br", "gzip,gzip", "compress", "x" * 99])
def test_what_was_not_asked_for_is_refused(encoding: str) -> None:
    """Several layers too; the message names what is asked for."""
    with pytest.raises(BrokenBodyError, match=r"which was not asked for \(gzip, deflate, br, zstd are\)") as caught:
        decoder_of(encoding)
    assert ("in several layers" in str(caught.value)) is ("," in encoding)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_what_is_not_packed_is_not_unpacked(encoding: str) -> None:
    """There is nothing to be done for it."""
    assert decoder_of(encoding) is None
