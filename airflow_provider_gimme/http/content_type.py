"""What the header ``Content-Type`` says of a body, read once for all answers that say the same."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from airflow_provider_gimme.http.charsets import is_charset

__all__ = ["ContentType", "content_type_of"]


class ContentType(NamedTuple):
    """What one header says."""

    media_type: str
    """Lower-case, without parameters; empty where there is none."""
    charsets: tuple[str, ...]
    """In which the body is looked at, the likeliest first: the one it names, UTF-8, and Latin-1 for a ``text`` type."""
    names_charset: bool
    """Whether it names a charset, known or not."""

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        return self.media_type.endswith(("/json", "+json"))


@lru_cache(maxsize=256)
def content_type_of(header: str) -> ContentType:
    """Return what the value of a ``Content-Type`` says; an empty one says nothing."""
    media_type = header.partition(";")[0].strip().lower()
    _, mark, rest = header.lower().partition("charset=")
    named = rest.partition(";")[0].strip(" \"'")
    likeliest = "utf-8" if named in {"", "utf-8", "utf8"} or not is_charset(named) else named
    others = ("utf-8", "latin-1") if media_type.startswith("text/") else ("utf-8",)
    return ContentType(media_type, (likeliest, *others), bool(mark))
