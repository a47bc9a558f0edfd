"""From the bytes of a file to its text."""

from __future__ import annotations

import re

from airflow_provider_gimme.loading.report import Report

__all__ = ["MAX_FILE_BYTES", "read_source"]

MAX_FILE_BYTES = 5_000_000
"""The largest workflow file."""

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_BOMS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"), (b"\x00\x00\xfe\xff", "UTF-32"))


def read_source(text: str | bytes, report: Report) -> str | None:
    """Return the text of a file, or None and a problem where it has none that can be read."""
    if len(text) > MAX_FILE_BYTES:
        report.add_at(1, 1, f"the file has {len(text):,} bytes; the limit is {MAX_FILE_BYTES:,}. Split the workflow.")
        return None
    decoded = _decode(text, report) if isinstance(text, bytes) else text
    if decoded is None:
        return None
    decoded = decoded.removeprefix("\ufeff")
    found = _FORBIDDEN.search(decoded)
    if found:
        line, column = _position(decoded, found.start())
        what = f"a character that YAML does not allow (U+{ord(found[0]):04X})"
        report.add_at(line, column, f"the file has {what}. Is it a text file? Remove it, or write it as an escape.")
        return None
    return _join_surrogates(decoded)


def _decode(raw: bytes, report: Report) -> str | None:
    encoding = next((name for mark, name in _BOMS if raw.startswith(mark)), None)
    if encoding is None and raw[:64].count(0) * 3 > len(raw[:64]):
        encoding = "UTF-16 or binary"
    if encoding is not None:
        report.add_at(1, 1, f"the file is {encoding}, not UTF-8. Save it as UTF-8.")
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line, column = _position(raw[: error.start].decode(), error.start)
        byte = f"0x{raw[error.start]:02X}"
        report.add_at(line, column, f"the file is not UTF-8 text (byte {byte}). Save it as UTF-8.")
        return None


def _position(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _join_surrogates(text: str) -> str:
    r"""Write the pairs of JSON (``\ud83d\ude00``) as YAML escapes, which know no pairs."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    return _SURROGATES.sub(_as_escape, text)


def _as_escape(pair: re.Match[str]) -> str:
    number = 0x10000 + ((int(pair[2], 16) - 0xD800) << 10) + (int(pair[3], 16) - 0xDC00)
    return f"{pair[1]}\\U{number:08X}"
