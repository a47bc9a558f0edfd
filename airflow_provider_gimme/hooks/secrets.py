"""The values behind ``${NAME}``, found on the worker when a call is made."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_gimme.errors import SecretError
from airflow_provider_gimme.hooks.secrets_allow import check_readable, read_allowed

if TYPE_CHECKING:
    from airflow_provider_gimme.http.redaction import Redactor

__all__ = ["Secrets", "read_variable"]


def read_variable(name: str) -> str | None:
    """Return an Airflow Variable, asking the secrets backends too; None where there is none."""
    from airflow.sdk import Variable

    value = Variable.get(name, default=None)
    return None if value is None else str(value)


def _mask(secret: str) -> None:
    from airflow.sdk.log import mask_secret

    mask_secret(secret)


@dataclass
class Secrets:
    """Give the values behind ``${NAME}``: of the environment, else of Airflow's Variables and secrets backends.

    Calling it with a name gives the value, which from then on is hidden by ``redactor`` and in Airflow's own logs.
    ``allowed`` are the patterns of names that may be read. What has been given is in ``given``, by name.
    """

    redactor: Redactor
    allowed: tuple[str, ...] = ("*",)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    variable: Callable[[str], str | None] = field(default=read_variable, repr=False)
    mask: Callable[[str], None] = field(default=_mask, repr=False)
    given: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of_file(cls, file: str, redactor: Redactor) -> Secrets:
        """Return the secrets that a workflow's file may read, by ``[gimme] secrets_allow``."""
        from airflow.sdk.configuration import conf

        return cls(redactor, read_allowed(conf.get("gimme", "secrets_allow", fallback="*"), file))

    def __call__(self, name: str) -> str:
        """Return the value of a name.

        :raises SecretError: where the name may not be read, or has no value anywhere.
        """
        if name not in self.given:
            check_readable(name, self.allowed)
            self.given[name] = self._hide(self._find(name))
        return self.given[name]

    def hide(self, secret: str) -> str:
        """Hide a secret that was found elsewhere, a connection's password for one, and return it."""
        return self._hide(secret)

    def _find(self, name: str) -> str:
        value = self.environ.get(name)
        if value is None:
            value = self.variable(name)
        if value is None:
            raise SecretError(
                f"${{{name}}} has no value. Set {name} in the worker's environment or as an Airflow Variable.",
                name=name,
            )
        return value

    def _hide(self, secret: str) -> str:
        if secret:
            self.redactor.add(secret)
            self.mask(secret)
        return secret
