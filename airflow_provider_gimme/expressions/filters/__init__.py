"""The filters of the language: Jinja's that are safe and repeatable, bounded, and our own.

Left out of Jinja's: ``random`` (a retry must send what the first attempt sent), ``pprint``, ``urlize``, ``xmlattr``
and ``forceescape`` (HTML pages). ``escape`` yields plain text; ``safe`` changes nothing, as nothing is escaped behind
one's back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_gimme.expressions.filters import data, dates, lists, texts

__all__ = ["FILTERS"]

FILTERS: dict[str, Callable[..., Any]] = {**texts.FILTERS, **lists.FILTERS, **data.FILTERS, **dates.FILTERS}
"""Every filter by name."""
