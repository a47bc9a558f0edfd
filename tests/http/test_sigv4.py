"""Signatures for AWS: the published vectors of Signature Version 4, and what is sent."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_gimme.errors import RequestError, StepError
from airflow_provider_gimme.http import AwsSigV4Auth, Client, Request
from airflow_provider_gimme.http.multipart import FileBody
from tests.http.conftest import SECOND, Serve

KEYS = {"access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
EXAMPLE = "https://example.amazonaws.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def auth_of(**options: Any) -> AwsSigV4Auth:
    now = options.pop("now", datetime(2015, 8, 30, 12, 36, tzinfo=UTC))
    return AwsSigV4Auth(**{**KEYS, "region": "us-east-1", "service": "service", "now": lambda: now, **options})


VECTORS = {
    "get-vanilla": (
        Request("GET", f"{EXAMPLE}/"),
        "host;x-amz-date",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-vanilla without a path": (
        Request("GET", EXAMPLE),
        "host;x-amz-date",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-vanilla-empty-query-key": (
        Request("GET", f"{EXAMPLE}/", (("Param1", "value1"),)),
        "host;x-amz-date",
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    "get-vanilla-query-order-key-case": (
        Request("GET", f"{EXAMPLE}/?Param2=value2", (("Param1", "value1"),)),
        "host;x-amz-date",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-vanilla-query-unreserved": (
        Request("GET", f"{EXAMPLE}/", ((UNRESERVED, UNRESERVED),)),
        "host;x-amz-date",
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    "get-header-value-trim": (
        Request("GET", f"{EXAMPLE}/", headers={"My-Header1": " value1", "My-Header2": ' "a   b   c"'}),
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "post-vanilla": (
        Request("POST", f"{EXAMPLE}/"),
        "host;x-amz-date",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "post-header-key-sort": (
        Request("POST", f"{EXAMPLE}/", headers={"My-Header1": "value1"}),
        "host;my-header1;x-amz-date",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-header-value-case": (
        Request("POST", f"{EXAMPLE}/", headers={"My-Header1": "VALUE1"}),
        "host;my-header1;x-amz-date",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-x-www-form-urlencoded": (
        Request("POST", f"{EXAMPLE}/", headers=FORM, body=b"Param1=value1"),
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_published_vectors(name: str) -> None:
    """The requests of AWS's test suite get its signatures, letter by letter."""
    request, headers, signature = VECTORS[name]
    signed = auth_of().sign(request)
    scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    assert signed.headers["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={headers}, Signature={signature}"
    )
    assert signed.headers["X-Amz-Date"] == "20150830T123600Z"


def test_a_path_is_encoded_once_more_but_for_s3() -> None:
    """Published vectors for /ሴ and a space hold for paths that are not yet encoded, which no HTTP request can have.

    AWS says to encode each segment twice for all services but S3, and botocore does: what it signs for the encoded path
    is not what the suite's files, written for a path in plain text, hold.
    """
    plain = "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"
    service, s3 = (
        auth_of(service=name).sign(Request("GET", f"{EXAMPLE}/ሴ")).headers["Authorization"]
        for name in ("service", "s3")
    )
    assert plain not in service
    assert "SignedHeaders=host;x-amz-content-sha256;x-amz-date" in s3


S3_KEYS = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


@pytest.mark.parametrize(
    "request_,signature",
    [
        (
            Request("GET", "https://examplebucket.s3.amazonaws.com/test.txt", headers={"Range": "bytes=0-9"}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            Request(
                "PUT",
                "https://examplebucket.s3.amazonaws.com/test%24file.text",
                headers={"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
                body=b"Welcome to Amazon S3.",
            ),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            Request("GET", "https://examplebucket.s3.amazonaws.com/?lifecycle"),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            Request("GET", "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J"),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_published_examples_of_s3(request_: Request, signature: str) -> None:
    """Those of the documentation of S3: the path as it is sent, the body's hash as a header."""
    auth = auth_of(service="s3", now=datetime(2013, 5, 24, tzinfo=UTC), **S3_KEYS)
    assert f"Signature={signature}" in auth.sign(request_).headers["Authorization"]


def test_the_token_of_a_session_is_sent_and_signed(caplog: pytest.LogCaptureFixture) -> None:
    """And what botocore logs while it signs does not hold it."""
    caplog.set_level(logging.DEBUG)
    auth = auth_of(session_token="session-s3cr3t")
    headers = auth.sign(Request("GET", EXAMPLE, headers={"authorization": "old"})).headers
    assert headers["X-Amz-Security-Token"] == "session-s3cr3t"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in headers["Authorization"]
    assert [name for name in headers if name.lower() == "authorization"] == ["Authorization"]
    assert "s3cr3t" not in caplog.text
    assert auth.secrets == (KEYS["secret_key"], "session-s3cr3t")
    assert "s3cr3t" not in repr(auth)
    assert "wJalr" not in repr(auth)


def test_the_query_is_sent_as_it_is_signed() -> None:
    """Whatever encodes less or otherwise than AWS does is encoded anew, so that both sides see the same text."""
    signed = auth_of().sign(Request("GET", "https://EXAMPLE.amazonaws.com/a b?x=1+2:3&y=%7e&z", (("q", "ä/"),)))
    assert signed.target == "https://example.amazonaws.com/a b?x=1%202%3A3&y=~&z=&q=%C3%A4%2F"


def test_a_streamed_body_is_sent_unsigned_by_https_alone() -> None:
    """Its signature would need all of it."""
    body = FileBody("x.bin", 1, lambda: io.BytesIO(b"x"))
    signed = auth_of(service="s3").sign(Request("PUT", f"{EXAMPLE}/x", body=body))
    assert signed.headers["X-Amz-Content-SHA256"] == "UNSIGNED-PAYLOAD"
    assert signed.body is body
    with pytest.raises(RequestError, match="AWS takes an unsigned body by https alone"):
        auth_of().sign(Request("PUT", "http://h/x", body=body))


async def test_what_is_signed_is_what_arrives(serve: Serve) -> None:
    """A server that signs what it got comes to the same signature."""
    server = await serve()
    auth = auth_of()
    async with Client(server.base, auth=auth) as client:
        await client.send(
            Request("POST", f"{server.base}/v1/a b", (("q", "ä b"),), {"X-A": "1"}, b"{}"), timeout=10 * SECOND
        )
    (got,) = server.calls
    again = Request("POST", f"http://{got.headers['Host']}{got.raw_path}", headers={"X-A": "1"}, body=server.bodies[0])
    assert auth.sign(again).headers["Authorization"] == got.headers["Authorization"]
    assert got.raw_path == "/v1/a%20b?q=%C3%A4%20b"


def test_a_sketch_needs_no_botocore() -> None:
    """Nor does it hold a signature."""
    headers = auth_of().sketch(Request("GET", EXAMPLE)).headers
    assert headers["Authorization"].endswith("Signature=<signature>")


async def test_without_botocore_nothing_is_sent(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the step's own, not the call's."""
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    server = await serve()
    async with Client(server.base, auth=auth_of()) as client:
        with pytest.raises(StepError, match="needs botocore, which is not installed here"):
            await client.send(Request("GET", server.base), timeout=10 * SECOND)
    assert server.calls == []


def test_without_botocore_the_way_out_is_told() -> None:
    """It comes with an extra of the package."""
    program = (
        "import sys; sys.modules['botocore'] = None\n"
        "from airflow_provider_gimme.errors import StepError\n"
        "from airflow_provider_gimme.http.sigv4 import find_signer\n"
        "try:\n    find_signer()\nexcept StepError as error:\n    print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'airflow-provider-gimme[aws]'" in ran.stdout
