"""Stand-ins for secrets in what is written down: a request that is rendered here and filled in elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex

from airflow_provider_gimme.errors import StepError

__all__ = ["Marks", "fill"]


@dataclass
class Marks:
    """Give a mark in place of each secret that is asked for.

    A mark cannot be guessed, so that no data can hold one; it is made of letters and digits of both cases, so that no
    encoding changes it, and whatever else an expression does to it can be seen.
    """

    secret: Callable[[str], str] = field(repr=False)
    """Gives the value of a ``${NAME}``: one that is missing or empty has no mark."""
    names: dict[str, str] = field(default_factory=dict)
    """The name of the secret that each mark stands for."""
    _nonce: str = field(default_factory=lambda: token_hex(12), init=False, repr=False)

    def __call__(self, name: str) -> str:
        """Return a mark for a secret; the value itself where that is empty."""
        if not self.secret(name):
            return ""
        mark = f"Xs{self._nonce}n{len(self.names):04d}sX"
        self.names[mark] = name
        return mark

    @property
    def base(self) -> str:
        """The mark of the base URL."""
        return f"Xb{self._nonce}bX"

    def check(self, texts: Iterable[str]) -> None:
        """Make sure that each mark stands somewhere in what was rendered, as it was given.

        :raises StepError: where an expression made something else of a secret, or used it up.
        """
        rendered = "\n".join(texts)
        lost = sorted({name for mark, name in self.names.items() if mark not in rendered})
        if lost:
            shown = ", ".join(f"${{{name}}}" for name in lost)
            raise StepError(
                f"{shown} is used within an expression of a call about a job, and there it stands for a value that is "
                "only known when the call is made. Write it outside of {{ }}, or use 'auth'."
            )


def fill(text: str, values: Mapping[str, str], encode: Callable[[str], str] = str) -> str:
    """Return a text with each mark replaced by its value, encoded for where it stands."""
    for mark, value in values.items():
        text = text.replace(mark, encode(value))
    return text
