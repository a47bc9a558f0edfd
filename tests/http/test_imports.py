"""What importing the engine costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_gimme.http as engine

PURE = ["request", "auth", "retry", "redaction", "record", "targets", "headers", "units", "asked", "disguises"]

PURE += ["decoding", "events", "multipart", "sink"]
PURE += ["lifetime", "oauth2", "patterns", "session", "signing", "sigv4"]
PURE += ["addresses", "charsets", "json_text"]


def _run(program: str) -> str:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.mark.parametrize("name", PURE)
def test_the_pure_modules_load_nothing_heavy(name: str) -> None:
    """They are imported by those that only read a file."""
    heavy = {"aiohttp", "asyncio", "ssl", "socket", "email"}
    program = f"import sys, airflow_provider_gimme.http.{name}\nprint({heavy} & set(sys.modules))"
    assert _run(program) == "set()"


def test_the_pure_modules_load_fast() -> None:
    """Retry, redaction and request together take a sixth of the time that aiohttp, which they do without, takes.

    Half of it is allowed, of the processor's time, with all that both need beside loaded before.
    """
    program = (
        "from time import process_time as now\n"
        "import dataclasses, typing, datetime\n"
        "start = now()\n"
        "import airflow_provider_gimme.http.retry, airflow_provider_gimme.http.redaction\n"
        "import airflow_provider_gimme.http.request\n"
        "middle = now()\n"
        "import aiohttp\n"
        "print(middle - start, now() - middle)"
    )
    times = [[float(seconds) for seconds in _run(program).split()] for _ in range(5)]
    pure, aiohttp = (min(column) for column in zip(*times, strict=True))
    assert pure < aiohttp / 2, f"{pure:.3f} s against {aiohttp:.3f} s"


def test_the_names_of_the_package_are_loaded_where_they_are_used() -> None:
    """All that are listed are there; another one is an error; aiohttp comes with the client alone."""
    assert sorted(engine.__all__) == dir(engine)
    stub = Path(engine.__file__ or "").with_suffix(".pyi").read_text(encoding="utf-8")
    assert sorted(re.findall(r" as (\w+)$", stub, re.MULTILINE)) == sorted(engine.__all__)
    assert all(hasattr(engine, name) for name in engine.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        getattr(engine, "Nothing")  # noqa: B009
    program = (
        "import sys, airflow_provider_gimme.http as http\n"
        "http.Redactor, http.Request, http.decide, http.BasicAuth, http.format_call\n"
        "before = 'aiohttp' in sys.modules\n"
        "http.Client\n"
        "print(before, 'aiohttp' in sys.modules)"
    )
    assert _run(program) == "False True"
