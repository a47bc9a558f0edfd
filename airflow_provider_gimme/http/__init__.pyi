# What a type checker sees of the package, whose names are loaded where they are first used.

from airflow_provider_gimme.http.auth import ApiKeyAuth as ApiKeyAuth
from airflow_provider_gimme.http.auth import Auth as Auth
from airflow_provider_gimme.http.auth import BasicAuth as BasicAuth
from airflow_provider_gimme.http.auth import BearerAuth as BearerAuth
from airflow_provider_gimme.http.auth import HeaderAuth as HeaderAuth
from airflow_provider_gimme.http.auth import NoAuth as NoAuth
from airflow_provider_gimme.http.auth import Token as Token
from airflow_provider_gimme.http.auth import TokenAuth as TokenAuth
from airflow_provider_gimme.http.client import Client as Client
from airflow_provider_gimme.http.headers import Headers as Headers
from airflow_provider_gimme.http.oauth2 import OAuth2Auth as OAuth2Auth
from airflow_provider_gimme.http.record import CallRecord as CallRecord
from airflow_provider_gimme.http.record import format_call as format_call
from airflow_provider_gimme.http.redaction import Redactor as Redactor
from airflow_provider_gimme.http.request import Request as Request
from airflow_provider_gimme.http.request import Response as Response
from airflow_provider_gimme.http.retry import RETRIED_BY_DEFAULT as RETRIED_BY_DEFAULT
from airflow_provider_gimme.http.retry import Decision as Decision
from airflow_provider_gimme.http.retry import RetryRules as RetryRules
from airflow_provider_gimme.http.retry import asked_wait as asked_wait
from airflow_provider_gimme.http.retry import decide as decide
from airflow_provider_gimme.http.session import SessionAuth as SessionAuth
from airflow_provider_gimme.http.signing import HmacAuth as HmacAuth
from airflow_provider_gimme.http.signing import StandardWebhooksAuth as StandardWebhooksAuth
from airflow_provider_gimme.http.sigv4 import AwsSigV4Auth as AwsSigV4Auth

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
