"""Signatures by a shared secret: of parts you choose, and by Standard Webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from airflow_provider_gimme.errors import RequestError
from airflow_provider_gimme.http import Client, HmacAuth, Request, StandardWebhooksAuth
from airflow_provider_gimme.http.multipart import FileBody
from airflow_provider_gimme.http.patterns import unknown_parts
from airflow_provider_gimme.http.signing import sign_webhook
from tests.http.conftest import SECOND, Serve

MOMENT = datetime(2021, 2, 25, 14, 55, 30, 123_456, tzinfo=UTC)


def moment() -> datetime:
    return MOMENT


def signed(request: Request, **options: Any) -> dict[str, str]:
    """Return the headers of a signed request."""
    return dict(HmacAuth(now=moment, nonce=lambda: "n0nce", **{"secret": "key", **options}).sign(request).headers)


def test_githubs_published_example() -> None:
    """The documentation of GitHub's webhooks gives a secret, a payload and their signature."""
    headers = signed(
        Request("POST", "https://h/hook", body=b"Hello, World!"),
        secret="It's a Secret to Everybody",
        pattern="{body}",
        headers={"X-Hub-Signature-256": "sha256={signature}"},
    )
    published = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert headers == {"X-Hub-Signature-256": published}


SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
    b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
    b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
    b"trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


def test_slacks_published_example() -> None:
    """The documentation of Slack's signed requests gives a secret, a timestamp, a body and their signature."""
    auth = HmacAuth(
        secret="8f742231b10e8888abcd99yyyzzz85a5",
        pattern="v0:{timestamp}:{body}",
        headers={"X-Slack-Request-Timestamp": "{timestamp}", "X-Slack-Signature": "v0={signature}"},
        now=lambda: datetime.fromtimestamp(1531420618, UTC),
    )
    assert auth.sign(Request("POST", "https://h/", body=SLACK_BODY)).headers == {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }


def test_binances_published_example() -> None:
    """The documentation of Binance signs query and body, and sends the signature as the query's last parameter."""
    auth = HmacAuth(
        secret="NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
        pattern="{query}{body}",
        key_id="vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        timestamp_format="unix_ms",
        headers={"X-MBX-APIKEY": "{key_id}"},
        query={"signature": "{signature}", "timestamp": "{timestamp}"},
        now=lambda: datetime.fromtimestamp(1499827319.559, UTC),
    )
    query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    request = auth.sign(Request("POST", f"https://h/api/v3/order?{query}"))
    assert request.query == (
        ("timestamp", "1499827319559"),
        ("signature", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
    )
    assert request.headers == {"X-MBX-APIKEY": auth.key_id}


@pytest.mark.parametrize(
    "pattern,expected",
    [
        ("{method}", "POST"),
        ("{host}", "api.test:8443"),
        ("{path}", "/v1/a%20b"),
        ("{query}", "q=1&x=%C3%A4%20%26"),
        ("{path_and_query}", "/v1/a%20b?q=1&x=%C3%A4%20%26"),
        ("{url}", "https://api.test:8443/v1/a%20b?q=1&x=%C3%A4%20%26"),
        ("{body}", "b\xff"),
        ("{body_sha256}", hashlib.sha256(b"b\xff").hexdigest()),
        ("{body_sha256_base64}", base64.b64encode(hashlib.sha256(b"b\xff").digest()).decode()),
        ("{body_md5}", base64.b64encode(hashlib.md5(b"b\xff", usedforsecurity=False).digest()).decode()),
        ("{timestamp}\n{nonce}\n{key_id}", "1614264930\nn0nce\nk1"),
        ("{header:X-Own}|{header:x-time}|{header:absent}", "mine|1614264930|"),
        ('{"a": {method}}', '{"a": POST}'),
        ("plain {Text} {}", "plain {Text} {}"),
    ],
)
def test_each_part_is_what_is_sent(pattern: str, expected: str) -> None:
    """Path and query are signed as they go out, headers that the signature adds too; other braces are text."""
    request = Request("POST", "https://api.test:8443/v1/a b?q=1", (("x", "ä &"),), {"x-own": "mine"}, b"b\xff")
    headers = signed(request, pattern=pattern, key_id="k1", headers={"X-S": "{signature}", "X-Time": "{timestamp}"})
    message = expected.encode("latin-1")
    assert headers["X-S"] == hmac.digest(b"key", message, "sha256").hex()


def test_a_url_without_a_path_is_signed_as_it_is_sent() -> None:
    """Its path is that of the root."""
    headers = signed(Request("GET", "https://h?a=1"), pattern="{path} {path_and_query}", headers={"S": "{signature}"})
    assert headers["S"] == hmac.digest(b"key", b"/ /?a=1", "sha256").hex()


@pytest.mark.parametrize(
    "form,expected",
    [
        ("unix", "1614264930"),
        ("unix_ms", "1614264930123"),
        ("iso", "2021-02-25T14:55:30Z"),
        ("iso_ms", "2021-02-25T14:55:30.123Z"),
        ("http_date", "Thu, 25 Feb 2021 14:55:30 GMT"),
    ],
)
def test_a_moment_is_written_as_the_api_wants_it(form: Any, expected: str) -> None:
    """The one that is signed is the one that is sent."""
    headers = signed(
        Request("GET", "https://h/"),
        pattern="{timestamp}",
        timestamp_format=form,
        headers={"Date": "{timestamp}", "S": "{signature}"},
    )
    assert headers == {"Date": expected, "S": hmac.digest(b"key", expected.encode(), "sha256").hex()}


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("secret,encoding", [("\x00\xffkey", "text"), ("AMO/a2V5", "base64"), ("00c3bf6b6579", "hex")])
def test_the_secret_may_be_encoded_and_the_hash_chosen(algorithm: Any, secret: str, encoding: Any) -> None:
    """A secret in Base64 or hex stands for its bytes."""
    headers = signed(
        Request("GET", "https://h/"),
        secret=secret,
        secret_encoding=encoding,
        pattern="x",
        algorithm=algorithm,
        headers={"S": "{signature}"},
    )
    assert headers == {"S": hmac.digest("\x00\xffkey".encode(), b"x", algorithm).hex()}


@pytest.mark.parametrize("encoding,expected", [("base64", "+/+/"), ("base64url", "-_-_"), ("hex", "fbffbf")])
def test_a_signature_is_written_as_the_api_wants_it(encoding: Any, expected: str) -> None:
    """In hex, in Base64, or in that of URLs."""
    auth = HmacAuth(secret="k", pattern="x", encoding=encoding)
    assert auth._encode(b"\xfb\xff\xbf") == expected


@pytest.mark.parametrize("encoding", ["base64", "hex"])
def test_a_secret_that_is_not_encoded_as_told_is_an_error_without_it(encoding: Any) -> None:
    """Nothing is sent, and the secret is not told."""
    with pytest.raises(RequestError, match=f"the secret of its signature is not {encoding}") as caught:
        signed(Request("GET", "https://h/"), secret="no s3cr3t!", secret_encoding=encoding, pattern="x", headers={})
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_body_that_is_streamed_cannot_be_signed() -> None:
    """The signature needs all of it; what does not sign the body takes it."""
    request = Request("POST", "https://h/", body=FileBody("x.bin", 1, lambda: io.BytesIO(b"x")))
    with pytest.raises(RequestError, match="its body is streamed"):
        signed(request, pattern="{body}", headers={"S": "{signature}"})
    with pytest.raises(RequestError, match="its body is streamed"):
        StandardWebhooksAuth(secret="x").sign(request)
    assert "S" in signed(request, pattern="{path}", headers={"S": "{signature}"})


def test_a_pattern_is_checked() -> None:
    """What is no part is named, in order; headers are parts."""
    assert unknown_parts("{bdy} {body} {header:X-A} {signature} {a}") == ["a", "bdy", "signature"]
    assert unknown_parts("{signature}", "signature") == []


WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK_BODY = b'{"test": 2432232314}'
WEBHOOK_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_signature_of_a_webhook_is_that_of_the_standard() -> None:
    """The example of Standard Webhooks (github.com/standard-webhooks) gives its published signature."""
    message = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, WEBHOOK_BODY)
    assert sign_webhook(WEBHOOK_SECRET, *message) == WEBHOOK_SIGNATURE


def test_the_preset_sends_what_the_standard_says() -> None:
    """Id, time and signature; an id that is there is kept, else the idempotency key is one, else it is new."""
    auth = StandardWebhooksAuth(
        secret=WEBHOOK_SECRET, now=lambda: datetime.fromtimestamp(1614265330.9, UTC), nonce=lambda: "new"
    )
    for given, message_id in [
        ({"Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek"}, "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ({"Idempotency-Key": "p5jXN8AQM9LWM0D4loKWxJek"}, "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ({}, "msg_new"),
    ]:
        headers = auth.sign(Request("POST", "https://h/", (), given, WEBHOOK_BODY)).headers
        assert (headers["webhook-id"], headers["webhook-timestamp"]) == (message_id, "1614265330")
        assert (headers["webhook-signature"] == WEBHOOK_SIGNATURE) is (message_id != "msg_new")


def test_a_webhooks_secret_that_is_not_base64_is_taken_as_it_is() -> None:
    """Any text can be a secret; the prefix is no part of it."""
    assert sign_webhook("not base64!", "a", 1, b"") != sign_webhook("another one!", "a", 1, b"")
    assert sign_webhook("whsec_c2VjcmV0", "a", 1, b"") == sign_webhook("c2VjcmV0", "a", 1, b"")


async def test_each_attempt_and_each_redirect_is_signed_anew(serve: Serve) -> None:
    """With a moment and a nonce of its own, over the path that is sent; the server can check it from what it got."""

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/b ?x=ä"}) if request.path == "/a" else web.Response()

    server = await serve(redirect)
    auth = HmacAuth(
        secret="key",
        pattern="{method} {host} {path_and_query} {nonce}",
        headers={"N": "{nonce}", "S": "{signature}"},
    )
    async with Client(server.base, auth=auth) as client:
        for _ in range(2):
            await client.send(Request("GET", f"{server.base}/a"), timeout=10 * SECOND)
    assert server.lines == ["GET /a", "GET /b%20?x=%C3%A4"] * 2
    assert len({call.headers["N"] for call in server.calls}) == 4
    for got in server.calls:
        message = f"{got.method} {got.headers['Host']} {got.raw_path} {got.headers['N']}"
        assert got.headers["S"] == hmac.digest(b"key", message.encode(), "sha256").hex()


async def test_a_signature_goes_to_no_other_origin(serve: Serve) -> None:
    """An allowed host gets neither key nor signature."""
    other, server = await serve(), await serve()
    auth = HmacAuth(secret="key", key_id="id", pattern="{path}", headers={"X-Id": "{key_id}", "X-S": "{signature}"})
    async with Client(server.base, auth=auth, allow_hosts=[other.host]) as client:
        await client.send(Request("GET", f"{other.base}/a", headers={"X-Id": "mine"}), timeout=10 * SECOND)
    assert not {"X-Id", "X-S"} & set(other.calls[0].headers)


def test_a_sketch_shows_no_signature() -> None:
    """What a person reads before the call is not a signature by a secret that is not there."""
    auth = HmacAuth(secret="?", secret_encoding="hex", pattern="x", headers={"S": "v1={signature}"})
    assert auth.sketch(Request("GET", "https://h/")).headers == {"S": "v1=<signature>"}
