"""The Key Account Manager (KAM): who the clients are, what they may order, and the templates of pipelines.

What the integration's document says: ``POST /auth/login`` gives a session, whose token ``x-bitware-session-token``
opens the dashboard (``GET /clients``); clients order with ``X-API-Key`` (``POST /requests``), and KAM looks whether
they may; workers read templates (``GET /api/master-templates/{name}``) with a bearer token and ``X-Worker-ID``. It
keeps clients, users, requests and templates. The document leaves open what the bodies look like and how a request
comes to know its end: here workers tell it by ``PATCH /requests/{id}``, the listing has pages, and what a client may
order is the list ``templates`` of its subscription.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs

from tests.standins.checks import a_number, a_text, an_integer, an_object, any_text, check, one_of
from tests.standins.exchange import Answer, Handler, Received, Refusal, json_answer, json_body
from tests.standins.system import System
from tests.standins.workers import caller, same

__all__ = ["Kam"]

EMAIL = "dashboard@bitware.example"
SESSION = "x-bitware-session-token"
API_KEY = "X-API-Key"
NETWORK = ("bitware-orchestrator-v2", "bitware-content-granulator", "test-worker")
"""The workers that KAM knows."""
ENDS = ("completed", "failed")

_ORDER = {"templateName": a_text, "input": an_object}
_ORDER_OPTIONS = {"priority": an_integer(1, 10)}
_UPDATE = {"status": one_of(("processing", *ENDS))}
_UPDATE_OPTIONS = {
    "executionId": any_text,
    "qualityScore": a_number(0, 100),
    "metrics": an_object,
    "error": any_text,
}


class Kam(System):
    """The Key Account Manager. Its token is the workers'; the client's key and the password are made of it."""

    name = "kam"
    settings: ClassVar[Mapping[str, Any]] = {
        "clients": 5,  # how many there are; the first one is the one whose key is known
        "may_order": ["course", "quiz", "lecture"],  # its subscription
        "templates": ["course", "quiz"],  # the master templates there are
        "role": "admin",  # of the dashboard's one user; only an admin may list the clients
        "session_calls": None,  # how many calls a session is good for; None: any number
        "session_seconds": 3600,  # how long it lives
    }

    def reset(self) -> None:
        """Forget every session and every request."""
        super().reset()
        self._sessions: dict[str, list[float]] = {}
        self._requests: dict[str, dict[str, Any]] = {}

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Return KAM's paths."""
        return {
            ("POST", "/auth/login"): self._login,
            ("GET", "/clients"): self._list_clients,
            ("GET", "/api/master-templates/{name}"): self._get_template,
            ("POST", "/requests"): self._order,
            ("GET", "/requests/{request}"): self._get_request,
            ("PATCH", "/requests/{request}"): self._update_request,
        }

    def state(self) -> dict[str, Any]:
        """Return how many sessions were opened, and the requests."""
        return {"sessions": len(self._sessions), "requests": list(self._requests.values())}

    def environment(self, url: str) -> dict[str, str]:
        """Return the base and the credentials of all three kinds."""
        return {
            "KAM_API_BASE": url,
            "KAM_API_KEY": self._made("client"),
            "KAM_EMAIL": EMAIL,
            "KAM_PASSWORD": self._made("password"),
            "WORKER_SECRET": self.token,
        }

    def _made(self, what: str) -> str:
        return f"{what}-{hashlib.sha256(f'{what}.{self.token}'.encode()).hexdigest()[:32]}"

    async def _login(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, {"email": a_text, "password": a_text}, {})
        if body["email"] != EMAIL or not same(body["password"], self._made("password")):
            raise Refusal(401, "unauthorized", "email or password is wrong")
        token = self._made(f"session-{len(self._sessions) + 1}")
        self._sessions[token] = [time.monotonic()]
        user = {"email": EMAIL, "role": self.setting("role")}
        return json_answer(200, {"token": token, "expiresIn": self.setting("session_seconds"), "user": user})

    def _enter(self, received: Received) -> None:
        """Let the dashboard in.

        :raises Refusal: 401 without a session, or with one that is used up; 403 for a user who is no admin.
        """
        session, most = self._sessions.get(received.header(SESSION) or ""), self.setting("session_calls")
        if session is None:
            raise Refusal(401, "unauthorized", "the session's token is missing or wrong")
        opened, *calls = session
        if (most is not None and len(calls) >= most) or time.monotonic() - opened > self.setting("session_seconds"):
            raise Refusal(401, "session_expired", "the session has expired")
        session.append(time.monotonic())
        if self.setting("role") != "admin":
            raise Refusal(403, "forbidden", f"a {self.setting('role')} may not list the clients")

    async def _list_clients(self, received: Received) -> Answer:
        self._enter(received)
        query = {name: int(values[0]) for name, values in parse_qs(received.query).items() if values[0].isdecimal()}
        page, limit, total = query.get("page", 1), query.get("limit", 20), self.setting("clients")
        numbers = range((page - 1) * limit + 1, min(page * limit, total) + 1)
        pages = -(-total // limit)
        pagination = {"page": page, "limit": limit, "total": total, "totalPages": pages, "hasNext": page < pages}
        return json_answer(200, {"clients": [self._client(number) for number in numbers], "pagination": pagination})

    def _client(self, number: int) -> dict[str, Any]:
        templates = self.setting("may_order") if number == 1 else ["quiz"]
        subscription = {"plan": "professional" if number == 1 else "basic", "templates": templates}
        status = "inactive" if number % 5 == 0 else "active"
        return {"clientId": f"client_{number}", "name": f"Client {number}", "status": status,
                "subscription": subscription}  # fmt: skip

    async def _get_template(self, received: Received, name: str) -> Answer:
        caller(received, self.token, NETWORK)
        if name not in self.setting("templates"):
            raise Refusal(404, "not_found", f"Template not found: {name}")
        stages = [{"action": "granulate", "resourceRequirements": {"estimatedTokens": 2000, "timeoutMs": 30000}}]
        return json_answer(200, {"name": name, "version": "2.1.0", "stages": stages})

    def _customer(self, received: Received) -> str:
        """Return the client whose key it is.

        :raises Refusal: 401 for a key that is nobody's.
        """
        if not same(received.header(API_KEY), self._made("client")):
            raise Refusal(401, "unauthorized", f"{API_KEY} is missing or wrong")
        return "client_1"

    async def _order(self, received: Received) -> Answer:
        client = self._customer(received)
        body = json_body(received)
        check(body, _ORDER, _ORDER_OPTIONS)
        if body["templateName"] not in self.setting("may_order"):
            raise Refusal(403, "forbidden", f"the subscription of {client} has no template {body['templateName']}")
        request = f"req_{len(self._requests) + 1}"
        ordered = {"requestId": request, "clientId": client, "status": "pending", "priority": 5, **body}
        self._requests[request] = ordered
        return json_answer(201, ordered, Location=f"/requests/{request}")

    async def _get_request(self, received: Received, request: str) -> Answer:
        self._customer(received)
        return json_answer(200, self._find(request))

    async def _update_request(self, received: Received, request: str) -> Answer:
        caller(received, self.token, NETWORK)
        body = json_body(received)
        check(body, _UPDATE, _UPDATE_OPTIONS)
        known = self._find(request)
        if known["status"] in ENDS:
            raise Refusal(409, "conflict", f"{request} has {known['status']} already")
        known.update(body)
        return json_answer(200, known)

    def _find(self, request: str) -> dict[str, Any]:
        if request not in self._requests:
            raise Refusal(404, "not_found", f"there is no request {request}")
        return self._requests[request]
