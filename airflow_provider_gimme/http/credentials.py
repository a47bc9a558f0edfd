"""Send a request with credentials, or without where it goes elsewhere; repeat it once with a new token."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_gimme.errors import RequestError
from airflow_provider_gimme.http.auth import Auth, Token, TokenAuth
from airflow_provider_gimme.http.exchange import Exchange
from airflow_provider_gimme.http.headers import check_headers
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.request import Request, Response
from airflow_provider_gimme.http.targets import Targets
from airflow_provider_gimme.http.tokens import NoToken, TokenHolder

__all__ = ["Credentials"]


@dataclass(frozen=True)
class Credentials:
    """The credentials of one client."""

    auth: Auth
    tokens: TokenHolder | None
    """Holds the token that ``auth`` needs, if it needs one."""
    targets: Targets
    redactor: Redactor

    async def send(self, request: Request, exchange: Exchange, *, foreign: bool) -> Response:
        """Send one request, with credentials unless it is ``foreign``: on its way to another origin than the base's.

        A token that is refused (401) is renewed and the request repeated, once, as a part of the same attempt.
        """
        url = request.target
        if foreign or self.tokens is None:
            return await exchange.send(self.apply(request, exchange, foreign=foreign), url)
        token = await self._token(exchange)
        response = await exchange.send(self._signed(request, token, exchange), url)
        if token is None or response.status != 401 or exchange.expected(401):
            return response
        renewed = await self._token(exchange, refused=token)
        return await exchange.send(self._signed(request, renewed, exchange), url)

    def apply(self, request: Request, exchange: Exchange, *, foreign: bool) -> Request:
        """Return the request as it is sent where no token is needed."""
        if foreign:
            return self.targets.without_credentials(request, self.redactor, self.auth.header_names)
        return self._signed(request, None, exchange)

    async def close(self) -> None:
        """Stop what is being fetched."""
        if self.tokens is not None:
            await self.tokens.close()

    async def _token(self, exchange: Exchange, refused: Token | None = None) -> Token | None:
        """Return the token that the credentials need, None where they need none."""
        if self.tokens is None:
            return None
        failures = exchange.failures
        token = await self.tokens.get(refused, failures.timeout - exchange.elapsed, failures.limit)
        if isinstance(token, NoToken):
            raise failures.no_token(token.reason, token.cause, exchange.elapsed)
        return token

    def _signed(self, request: Request, token: Token | None, exchange: Exchange) -> Request:
        """Return a request with credentials."""
        signed, refusal = request, None
        try:
            if token is not None and isinstance(self.auth, TokenAuth):
                signed = self.auth.with_token(request, token)
            else:
                signed = self.auth.sign(request)
        except RequestError as error:
            refusal = str(error)
        if signed is not request:
            refusal = self._refuse(signed, request)
        if refusal is not None:
            raise exchange.failures.refused(refusal)
        return signed

    def _refuse(self, signed: Request, request: Request) -> str | None:
        """Say why a request with credentials may not be sent; what they leave as it was has been looked at."""
        if signed.url == request.url and signed.method == request.method:
            return check_headers(signed.headers)
        if reason := self.targets.refusal(signed):
            return reason
        return None if self.targets.trust(signed.url) == "own" else "credentials go to the base's own origin only"
