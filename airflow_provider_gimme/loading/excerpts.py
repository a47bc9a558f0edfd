"""What a message may show of a value: a short piece of the file's own text, and never a secret."""

from __future__ import annotations

from airflow_provider_gimme.loading.nodes import Mapping, Node, Path, Scalar, Sequence

__all__ = ["SECRET_KEYS", "excerpt", "got", "holds_secret"]

SECRET_KEYS = frozenset(
    {"token", "password", "secret", "api_key", "webhook_secret", "client_secret", "refresh_token", "private_key"}
    | {"secret_key", "session_token"}
)
"""Keys whose value is a secret."""

_HIDING = SECRET_KEYS | {
    "auth",
    "custom_headers",
    "headers",
    "authorization",
    "cookie",
    "x-api-key",
    "api_base",
    "webhook_url",
}
_LONGEST = 40


def holds_secret(path: Path) -> bool:
    """Say whether what stands at a path may be a secret, or have one in it."""
    return any(isinstance(part, str) and part.lower() in _HIDING for part in path)


def excerpt(node: Node) -> str:
    """Return what a message shows of a value: ``'daily'``, ``3``, ``a list``; ``a secret`` where it may be one."""
    if isinstance(node, Mapping | Sequence):
        return node.noun
    if holds_secret(node.path):
        return "a value not shown here"
    return _scalar(node) if isinstance(node, Scalar) else node.noun


def _scalar(node: Scalar) -> str:
    if node.value is None:
        return "nothing"
    text = " ".join(node.source.split())
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return f"'{text}'" if isinstance(node.value, str) else text


def got(node: Node) -> str:
    """Return `` (got VALUE)`` for a message; empty where the value may be a secret."""
    shown = excerpt(node)
    return "" if shown == "a value not shown here" else f" (got {shown})"
