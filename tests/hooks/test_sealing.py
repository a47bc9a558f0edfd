"""Sensitive outputs: closed with Airflow's key, opened by the steps of one run."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.hooks.sealing import Seal, hide_leaves, is_sealed, secret_texts
from airflow_provider_gimme.plan.saved import make_saved

KEY = Fernet.generate_key().decode()
OUTPUT = {"token": "s3cr3t-token", "ttl": 3600, "scopes": ["read:all", "x"], "user": None, "ok": True}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", KEY)


def test_what_was_closed_is_opened() -> None:
    """With all of its types; the envelope is plain data and holds nothing of it."""
    envelope = Seal.of("orders", "run").close("login", OUTPUT)
    assert is_sealed(json.loads(json.dumps(envelope)))
    assert set(envelope) == {"type", "sealed"}
    assert "s3cr3t" not in str(envelope)
    assert Seal.of("orders", "run").open("login", envelope) == OUTPUT
    assert Seal.of("orders", "run").open("login", Seal.of("orders", "run").close("login", None)) is None


def test_a_key_can_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the old one closed is opened as long as both are set."""
    envelope = Seal.of("orders", "run").close("login", OUTPUT)
    other = Fernet.generate_key().decode()
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", f"{other}, {KEY}")
    assert Seal.of("orders", "run").open("login", envelope) == OUTPUT
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", other)
    with pytest.raises(StepError, match=r"'login' cannot be opened: .* another key\. Set the same \[core\] fernet_key"):
        Seal.of("orders", "run").open("login", envelope)


@pytest.mark.parametrize(
    "dag_id,run_id,task_id", [("x", "run", "login"), ("orders", "x", "login"), ("orders", "run", "x")]
)
def test_an_envelope_is_of_one_task_of_one_run(dag_id: str, run_id: str, task_id: str) -> None:
    """Put in another place, it does not open."""
    envelope = Seal.of("orders", "run").close("login", OUTPUT)
    with pytest.raises(StepError, match="cannot be opened"):
        Seal.of(dag_id, run_id).open(task_id, envelope)


@pytest.mark.parametrize(
    "value", [None, "x", {"type": "sensitive"}, {"type": "sensitive", "sealed": "gAAAAA"}, {"sealed": "x"}]
)
def test_what_is_no_envelope_does_not_open(value: object) -> None:
    """Nothing is taken for an output that was not closed here."""
    with pytest.raises(StepError, match="cannot be opened"):
        Seal.of("orders", "run").open("login", value)


@pytest.mark.parametrize(
    "written,state", [("", "is not set"), (" , ", "is not set"), ("{FERNET_KEY}", "is not set"), ("k3y", "is not one")]
)
def test_without_a_key_nothing_is_closed(monkeypatch: pytest.MonkeyPatch, written: str, state: str) -> None:
    """The error says how to set one, and does not show what is set."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", written)
    with pytest.raises(StepError, match=rf"which {state} on this worker\. Set AIRFLOW__CORE__FERNET_KEY") as caught:
        Seal.of("orders", "run")
    assert "k3y" not in str(caught.value)


def test_texts_of_some_length_are_secrets() -> None:
    """Wherever they stand; what is short could be a part of anything."""
    assert sorted(secret_texts(OUTPUT)) == ["read:all", "s3cr3t-token"]
    assert list(secret_texts("s3cr3t")) == ["s3cr3t"]
    assert list(secret_texts(make_saved("flow/key.pem", 9, "0" * 64, "text/plain"))) == ["flow/key.pem", "0" * 64]
    assert list(secret_texts("short")) == list(secret_texts(7_000_000)) == []


def test_nothing_that_stands_in_it_is_shown() -> None:
    """Numbers and short texts neither; the structure stays."""
    assert hide_leaves(OUTPUT) == {"token": "***", "ttl": "***", "scopes": ["***", "***"], "user": None, "ok": "***"}


def test_a_seal_does_not_show_its_key() -> None:
    """Neither printed nor in a traceback."""
    assert repr(Seal.of("orders", "run")) == "<Seal of orders, run>"
