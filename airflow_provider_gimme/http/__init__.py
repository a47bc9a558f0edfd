"""The HTTP engine: one path for every call, usable without a workflow.

Importing this package loads nothing else; a name is loaded where it is first used, aiohttp with :class:`Client`.
"""

from __future__ import annotations

from importlib import import_module

__all__ = [
    "RETRIED_BY_DEFAULT",
    "ApiKeyAuth",
    "Auth",
    "AwsSigV4Auth",
    "BasicAuth",
    "BearerAuth",
    "CallRecord",
    "Client",
    "Decision",
    "HeaderAuth",
    "Headers",
    "HmacAuth",
    "NoAuth",
    "OAuth2Auth",
    "Redactor",
    "Request",
    "Response",
    "RetryRules",
    "SessionAuth",
    "StandardWebhooksAuth",
    "Token",
    "TokenAuth",
    "asked_wait",
    "decide",
    "format_call",
]

_HOMES = {
    "auth": ("ApiKeyAuth", "Auth", "BasicAuth", "BearerAuth", "HeaderAuth", "NoAuth", "Token", "TokenAuth"),
    "client": ("Client",),
    "headers": ("Headers",),
    "oauth2": ("OAuth2Auth",),
    "session": ("SessionAuth",),
    "signing": ("HmacAuth", "StandardWebhooksAuth"),
    "sigv4": ("AwsSigV4Auth",),
    "record": ("CallRecord", "format_call"),
    "redaction": ("Redactor",),
    "request": ("Request", "Response"),
    "retry": ("RETRIED_BY_DEFAULT", "Decision", "RetryRules", "asked_wait", "decide"),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a listed name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """List the names of the package."""
    return sorted(__all__)
