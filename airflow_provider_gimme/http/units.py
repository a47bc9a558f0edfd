"""How durations and sizes are written in messages."""

from __future__ import annotations

from datetime import timedelta

__all__ = ["show_duration", "show_size"]


def show_duration(duration: timedelta) -> str:
    """Write a duration as people do: ``850 ms``, ``5 s``, ``7.25 s``, ``2 min 5 s``, ``1 h``, ``2 d 3 h``."""
    seconds = duration.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds else "0 s"
    if seconds < 60:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    parts: list[str] = []
    rest = round(seconds)
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def show_size(count_bytes: int) -> str:
    """Write a size: ``512 bytes``, ``5 MB`` (of 1,048,576 bytes each), else with its exact number of bytes."""
    megabytes, rest = divmod(count_bytes, 1024 * 1024)
    return f"{count_bytes:,} bytes" if rest or not megabytes else f"{megabytes} MB"
