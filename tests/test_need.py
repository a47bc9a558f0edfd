"""What a test needs is there, or it is named."""

from __future__ import annotations

import pytest

from tests.conftest import Need


def test_what_is_there_is_no_reason_to_skip(need: Need) -> None:
    """A test that has what it needs runs."""
    need("a server", True)


def test_what_is_missing_is_named(need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads in the summary which server to install."""
    monkeypatch.delenv("GIMME_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="PostgreSQL is missing"):
        need("PostgreSQL", None)


def test_a_machine_that_must_have_everything_fails(need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``GIMME_CI`` nothing is skipped in silence."""
    monkeypatch.setenv("GIMME_CI", "1")
    with pytest.raises(pytest.fail.Exception, match="PostgreSQL is missing"):
        need("PostgreSQL", None)
