"""Sign requests to AWS: Signature Version 4, by botocore's signer (the extra ``aws``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from airflow_provider_gimme.errors import RequestError, StepError
from airflow_provider_gimme.http.auth import Auth, whole_body
from airflow_provider_gimme.http.headers import replace_header
from airflow_provider_gimme.http.request import Request
from airflow_provider_gimme.http.targets import quote_url

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["AwsSigV4Auth", "find_signer"]

_DATE = "%Y%m%dT%H%M%SZ"
_LIKE_S3 = frozenset({"s3", "s3-object-lambda", "s3-outposts", "s3express"})
"""Services that sign the path as it is sent, not encoded once more, and want the body's hash as a header."""


def find_signer() -> ModuleType:
    """Return botocore's module of signers.

    :raises StepError: where botocore is not installed.
    """
    try:
        import botocore.auth  # type: ignore[import-untyped] # it ships no types
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "botocore":
            raise
        raise StepError(
            "'auth' of type 'aws_sigv4' needs botocore, which is not installed here. "
            "Install it: pip install 'airflow-provider-gimme[aws]'."
        ) from None
    signers: ModuleType = botocore.auth
    return signers


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class AwsSigV4Auth(Auth):
    """Sign the request for one AWS service of one region.

    The query is sent as it is signed: percent-encoded, a space as ``%20``. A body that is streamed is not signed
    (``UNSIGNED-PAYLOAD``), which AWS takes by https alone.
    """

    access_key: str
    secret_key: str = field(repr=False)
    region: str
    service: str
    session_token: str | None = field(default=None, repr=False)
    now: Callable[[], datetime] = field(default=_now, repr=False, compare=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret key, and the token of a session."""
        return (self.secret_key, self.session_token or "")

    @property
    def header_names(self) -> tuple[str, ...]:
        """The headers of the signature."""
        return ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-SHA256")

    def sign(self, request: Request) -> Request:
        """Return the request with its signature.

        :raises RequestError: where the body is streamed and the URL is not https.
        :raises StepError: where botocore is not installed.
        """
        signers = find_signer()
        from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped] # as above
        from botocore.credentials import ReadOnlyCredentials  # type: ignore[import-untyped] # as above

        keys = ReadOnlyCredentials(self.access_key, self.secret_key, self.session_token)
        of_s3 = self.service in _LIKE_S3
        signer = (signers.S3SigV4Auth if of_s3 else signers.SigV4Auth)(keys, self.service, self.region)
        request = _with_plain_query(request)
        signed = AWSRequest(request.method, quote_url(request.target), self._headers(request), _body(request))
        if of_s3 and "X-Amz-Content-SHA256" not in signed.headers:
            signed.headers["X-Amz-Content-SHA256"] = signer.payload(signed)
        signed.context["timestamp"] = signed.headers["X-Amz-Date"]
        headers = dict(signed.headers.items())
        return replace(request, headers=headers | {"Authorization": _authorization(signer, signed)})

    def sketch(self, request: Request) -> Request:
        """Return the request with ``<signature>``."""
        scope = f"{self.access_key}/<day>/{self.region}/{self.service}/aws4_request"
        value = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=<headers>, Signature=<signature>"
        return replace(request, headers=replace_header(self._headers(request), "Authorization", value))

    def _headers(self, request: Request) -> dict[str, str]:
        """Return the headers that are signed."""
        headers = {name: text for name, text in request.headers.items() if name.lower() != "authorization"}
        headers = replace_header(headers, "X-Amz-Date", self.now().astimezone(UTC).strftime(_DATE))
        if self.session_token:
            headers = replace_header(headers, "X-Amz-Security-Token", self.session_token)
        if _is_streamed(request):
            if not request.url.lower().startswith("https:"):
                raise RequestError("its body is streamed from a file, and AWS takes an unsigned body by https alone")
            headers = replace_header(headers, "X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")
        return headers


def _is_streamed(request: Request) -> bool:
    body: object = request.body
    return body is not None and not isinstance(body, bytes)


def _body(request: Request) -> bytes:
    return b"" if _is_streamed(request) else whole_body(request)


def _with_plain_query(request: Request) -> Request:
    """Return the request with its query encoded as AWS reads it, whoever has written it."""
    parts = urlsplit(request.target)
    pairs = [pair.partition("=")[::2] for pair in parts.query.split("&") if pair]
    query = tuple((unquote_plus(name), unquote_plus(value)) for name, value in pairs)
    url = urlunsplit(parts._replace(netloc=parts.netloc.lower(), query="", fragment=""))
    return replace(request, url=url, query=query)


def _authorization(signer: Any, signed: Any) -> str:
    """Return the header ``Authorization``; step by step, since what signs in one step logs the session's token."""
    canonical = signer.canonical_request(signed)
    signature = signer.signature(signer.string_to_sign(signed, canonical), signed)
    headers = signer.signed_headers(signer.headers_to_sign(signed))
    return f"AWS4-HMAC-SHA256 Credential={signer.scope(signed)}, SignedHeaders={headers}, Signature={signature}"
