"""Secrets come from the environment, then from Airflow, and are hidden from the moment they are read."""

from __future__ import annotations

import pytest

from airflow_provider_gimme.errors import SecretError
from airflow_provider_gimme.hooks.secrets import Secrets
from airflow_provider_gimme.hooks.secrets_allow import read_allowed
from airflow_provider_gimme.http.redaction import Redactor


class Vault:
    """Airflow's Variables, with what was asked of them and what was masked."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.asked: list[str] = []
        self.masked: list[str] = []

    def variable(self, name: str) -> str | None:
        self.asked.append(name)
        return self.values.get(name)


def make(vault: Vault, environ: dict[str, str], *allowed: str) -> Secrets:
    return Secrets(Redactor(), allowed or ("*",), environ, vault.variable, vault.masked.append)


def test_the_environment_comes_first() -> None:
    """What stands in the environment is not asked of Airflow."""
    vault = Vault(KEY="of airflow")
    assert make(vault, {"KEY": "of the environment"})("KEY") == "of the environment"
    assert vault.asked == []


def test_airflow_is_asked_for_the_rest_once() -> None:
    """A Variable is read when first needed, and kept."""
    vault = Vault(KEY="of airflow")
    secrets = make(vault, {})
    assert [secrets("KEY"), secrets("KEY")] == ["of airflow", "of airflow"]
    assert vault.asked == ["KEY"]


def test_what_is_given_is_hidden() -> None:
    """A value that was given is hidden in our own texts and in Airflow's logs."""
    vault = Vault(KEY="s3cr3t-value")
    secrets = make(vault, {})
    secrets("KEY")
    assert secrets.redactor.redact("the s3cr3t-value") == "the ***"
    assert vault.masked == ["s3cr3t-value"]


def test_a_missing_one_is_named() -> None:
    """A name without a value is an error that says where to set it."""
    with pytest.raises(
        SecretError, match=r"\$\{NO_KEY\} has no value\. Set NO_KEY in the worker's environment"
    ) as caught:
        make(Vault(), {})("NO_KEY")
    assert caught.value.name == "NO_KEY"


@pytest.mark.parametrize("name", ["AIRFLOW__CORE__FERNET_KEY", "AIRFLOW_HOME", "airflow_home", "_PRIVATE", "__X"])
def test_airflows_own_names_are_never_read(name: str) -> None:
    """Airflow's settings and private names stay unreadable, whatever is allowed."""
    vault = Vault(**{name: "x"})
    with pytest.raises(SecretError, match="may not be read"):
        make(vault, {name: "x"})(name)
    assert vault.asked == []


def test_a_setting_narrows_the_names() -> None:
    """Only names that fit a pattern are read; the message tells an administrator what to change."""
    secrets = make(Vault(), {"SHOP_KEY": "a-value", "BANK_KEY": "b-value"}, "SHOP_*", "WEBHOOK_SECRET")
    assert secrets("SHOP_KEY") == "a-value"
    with pytest.raises(
        SecretError, match=r"\$\{BANK_KEY\} may not be read by this workflow\..* \(now: SHOP_\*, WEBHOOK_SECRET\)"
    ):
        secrets("BANK_KEY")


FOLDERS = '{"flows": "A_*", "./flows/team/": "B_*, C", "shared": ["D"]}'


@pytest.mark.parametrize(
    "setting,file,patterns",
    [
        ("", "flows/a.yaml", ("*",)),
        ("*", "flows/a.yaml", ("*",)),
        (" A_* , B ", "a.yaml", ("A_*", "B")),
        (FOLDERS, "flows/a.yaml", ("A_*",)),
        (FOLDERS, "flows/team/a.yaml", ("B_*", "C")),
        (FOLDERS, "flows/team/deep/a.yaml", ("B_*", "C")),
        (FOLDERS, "shared/x/a.yaml", ("D",)),
        (FOLDERS, "flows/team/shared/a.yaml", ("B_*", "C")),
        (FOLDERS, "other/shared/a.yaml", ()),
        (FOLDERS, "elsewhere/a.yaml", ()),
        (FOLDERS, "a.yaml", ()),
        ('{".": "E"}', "a.yaml", ("E",)),
        ('{".": "E", "flows": "A"}', "other/flows/a.yaml", ("E",)),
    ],
)
def test_the_nearest_folder_counts(setting: str, file: str, patterns: tuple[str, ...]) -> None:
    """A JSON object gives each folder its patterns; a file under none of them may read nothing.

    Who may write one folder does not get the secrets of another one by a folder of its name in it.
    """
    assert read_allowed(setting, file) == patterns


def test_a_setting_that_is_not_json_is_an_error() -> None:
    """A broken setting closes the door; it does not open it."""
    with pytest.raises(SecretError, match="not a JSON object"):
        read_allowed('{"a": ', "a.yaml")
