"""What a service gets and gives: requests and answers as plain data, and the table of its paths."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "Handler", "Received", "Refusal", "Router", "json_answer", "json_body"]


@dataclass(frozen=True)
class Received:
    """One request as it came; ``headers`` has every one of them, in order, with the case it was sent in."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first header of this name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Answer:
    """One answer; ``replayed`` tells that it was given before, for the same idempotency key."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault of the program
    """End a request with an error in JSON: ``{"error": {"code", "message", "details"}}``."""

    def __init__(self, status: int, code: str, message: str, *, details: Any = None, **headers: str) -> None:
        super().__init__(message)
        error = {"code": code, "message": message} | ({} if details is None else {"details": details})
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = json_answer(status, {"error": error}, **named)


Handler = Callable[..., Awaitable[Answer]]
"""Takes the request, then the parts of its path by name."""


def json_answer(status: int, value: Any, **headers: str) -> Answer:
    """Return an answer whose body is JSON."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(status, body, {"Content-Type": "application/json; charset=utf-8", **headers})


def json_body(received: Received) -> dict[str, Any]:
    """Return the JSON object a request carries.

    :raises Refusal: 415 where it says it is something else, 400 where it is not a JSON object.
    """
    content_type = (received.header("Content-Type") or "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Refusal(415, "unsupported_media_type", f"send application/json, not {content_type or 'nothing'}")
    try:
        value = json.loads(received.body)
    except ValueError as error:
        raise Refusal(400, "malformed_json", f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Refusal(400, "malformed_json", "the body is not a JSON object")
    return value


class Router:
    """Find who answers a path: ``{name}`` in a pattern stands for one part of it."""

    def __init__(self, routes: Mapping[tuple[str, str], Handler]) -> None:
        self._routes = [(method, _pattern(path), handler) for (method, path), handler in routes.items()]

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """Return the handler and the path's named parts.

        :raises Refusal: 404 for a path that is not there, 405 for a method it does not take.
        """
        matches = [(known, found.groupdict(), handler) for known, pattern, handler in self._routes
                   if (found := pattern.fullmatch(path))]  # fmt: skip
        for known, parts, handler in matches:
            if known == method:
                return handler, parts
        if matches:
            allowed = ", ".join(sorted(known for known, _, _ in matches))
            raise Refusal(405, "method_not_allowed", f"{path} takes {allowed}, not {method}", Allow=allowed)
        raise Refusal(404, "not_found", f"there is nothing at {path}")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
