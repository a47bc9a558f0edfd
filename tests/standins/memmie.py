"""Memmie: the studio, which keeps blobs and the deltas of their history, and the core, which writes texts.

What the workflow service's document says of them: the studio validates blobs (``/blobs/validate``) and extracts
fields of their metadata (``/blobs/metadata``), reads and stores them (``/blobs``), triggers providers and rolls that
back (``/providers/trigger``, ``/providers/rollback``), generates deltas of what providers gave (``/deltas/generate``)
and checks the consistency of a story; the core answers ``/generate`` with a text. A delta has an id, its blob and
provider, a type, a path, a new value and a time; it is applied to the storage of blobs.

The document leaves open how deltas are applied and read (here ``POST /deltas/apply`` and ``GET /deltas?blob_id=``: a
delta is applied once, whoever sends it how often), what makes a blob invalid (here: no text as content), and any
credentials (here: none). Nothing links a rollback to what was triggered but the blob: here all of it that was not
rolled back before.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs

from tests.standins.checks import Check, a_number, a_text, an_integer, check, list_of
from tests.standins.exchange import Answer, Handler, Received, Refusal, json_answer, json_body
from tests.standins.system import System

__all__ = ["Core", "Studio"]

_FIELDS = ("content_type", "size", "checksum")
_METADATA = "/metadata/"
_SPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


def _an_object(value: Any) -> str | None:
    return None if isinstance(value, dict) else f"must be an object, not {value!r}"


def _anything(_value: Any) -> str | None:
    return None


def _or_null(inner: Check) -> Check:
    return lambda value: None if value is None else inner(value)


_BLOB = {"content": _anything}
_BLOB_OPTIONS = {"parent_id": a_text, "user_id": a_text, "metadata": _an_object}
_DELTA = dict.fromkeys(("id", "blob_id", "provider_id", "type", "path", "timestamp"), a_text)


class Studio(System):
    """The studio's API."""

    name = "studio"
    settings: ClassVar[Mapping[str, Any]] = {
        "score": 0.9,  # how consistent every story is
        "creates": True,  # whether a provider creates a blob beside its delta
    }

    def reset(self) -> None:
        """Forget every blob, delta and trigger."""
        super().reset()
        self._blobs: dict[str, dict[str, Any]] = {}
        self._deltas: dict[str, dict[str, Any]] = {}
        self._triggers: list[dict[str, Any]] = []

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Return the studio's paths."""
        return {
            ("POST", "/blobs/validate"): self._validate,
            ("POST", "/blobs/metadata"): self._extract,
            ("POST", "/blobs"): self._store,
            ("GET", "/blobs/{blob_id}"): self._read,
            ("POST", "/providers/trigger"): self._trigger,
            ("POST", "/providers/rollback"): self._roll_back,
            ("POST", "/deltas/generate"): self._generate,
            ("POST", "/deltas/apply"): self._apply,
            ("GET", "/deltas"): self._list_deltas,
            ("POST", "/consistency/check"): self._check_consistency,
        }

    def state(self) -> dict[str, Any]:
        """Return the blobs, the deltas that were applied, and what was triggered."""
        return {
            "blobs": list(self._blobs.values()),
            "deltas": list(self._deltas.values()),
            "triggers": self._triggers,
        }

    async def _validate(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, {"blob_id": a_text}, {"schema_id": _or_null(a_text)})
        problem = a_text(self._blob(body["blob_id"])["content"])
        errors = [] if problem is None else [{"path": "/content", "message": problem}]
        return json_answer(200, {"blob_id": body["blob_id"], "valid": not errors, "errors": errors})

    async def _extract(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, {"blob_id": a_text, "extract_fields": list_of(a_text)}, {})
        if unknown := sorted(set(body["extract_fields"]) - set(_FIELDS)):
            raise Refusal(422, "unknown_field", f"there is no field {unknown[0]}; there are {', '.join(_FIELDS)}")
        data = str(self._blob(body["blob_id"])["content"]).encode()
        found = dict(zip(_FIELDS, ("text/plain", len(data), hashlib.sha256(data).hexdigest()), strict=True))
        return json_answer(200, {name: found[name] for name in body["extract_fields"]})

    async def _store(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, _BLOB, _BLOB_OPTIONS)
        parent = body.get("parent_id")
        if parent is not None:
            self._blob(parent)
        blob = self._new_blob(body["content"], body.get("metadata", {}), parent)
        kind = blob["metadata"].get("type", "blob")
        told = [{"type": "set", "path": f"/metadata/{kind}", "new_value": blob["id"]}] if parent else []
        return json_answer(201, {**blob, "deltas": told}, Location=f"/blobs/{blob['id']}")

    def _new_blob(self, content: Any, metadata: Mapping[str, Any], parent: str | None) -> dict[str, Any]:
        blob_id = str(uuid.uuid5(_SPACE, f"blob {len(self._blobs) + 1}"))
        blob = {"id": blob_id, "parent_id": parent, "content": content, "metadata": dict(metadata), "derived": []}
        self._blobs[blob_id] = blob
        return blob

    async def _read(self, received: Received, blob_id: str) -> Answer:
        history = sum(delta["blob_id"] == blob_id for delta in self._deltas.values())
        return json_answer(200, {**self._blob(blob_id), "version": 1 + history})

    async def _trigger(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, {"blob_id": a_text, "provider_ids": list_of(a_text), "metadata": _or_null(_an_object)}, {})
        self._blob(body["blob_id"])
        new = [
            {"blob_id": body["blob_id"], "provider_id": each, "rolled_back_by": None} for each in body["provider_ids"]
        ]
        self._triggers += new
        outputs = [{"provider_id": each["provider_id"], "status": "completed"} for each in new]
        return json_answer(200, {"blob_id": body["blob_id"], "outputs": outputs})

    async def _roll_back(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, {"blob_id": a_text, "execution_id": a_text}, {})
        undone = [
            each for each in self._triggers if each["blob_id"] == body["blob_id"] and each["rolled_back_by"] is None
        ]
        for each in undone:
            each["rolled_back_by"] = body["execution_id"]
        return json_answer(200, {"rolled_back": [each["provider_id"] for each in undone]})

    async def _generate(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, {"blob_id": a_text, "provider_outputs": _or_null(_an_object)}, {})
        self._blob(body["blob_id"])
        outputs = (body["provider_outputs"] or {}).get("outputs", [])
        deltas = [self._delta_of(body["blob_id"], output["provider_id"]) for output in outputs]
        created = [self._new_blob("derived", {}, body["blob_id"])["id"] for _ in outputs if self.setting("creates")]
        return json_answer(200, {"deltas": deltas, "created_blobs": created})

    def _delta_of(self, blob_id: str, provider_id: str) -> dict[str, Any]:
        return {
            "id": str(uuid.uuid5(_SPACE, f"delta {blob_id} {provider_id}")),
            "blob_id": blob_id,
            "provider_id": provider_id,
            "type": "transform",
            "path": "/content",
            "new_value": f"as {provider_id} sees it",
            "timestamp": datetime.now(UTC).isoformat(),
        }

    async def _apply(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, {"blob_id": a_text, "deltas": list_of(_an_object)}, {})
        blob = self._blob(body["blob_id"])
        for delta in body["deltas"]:
            check(delta, {**_DELTA, "new_value": _anything}, {"metadata": _an_object})
            if delta["blob_id"] != blob["id"]:
                raise Refusal(422, "wrong_blob", f"delta {delta['id']} is of blob {delta['blob_id']}")
            if delta["path"] not in {"/content", "/derived"} and not delta["path"].startswith(_METADATA):
                raise Refusal(422, "unknown_path", f"a blob has nothing at {delta['path']}")
        new = [delta for delta in body["deltas"] if delta["id"] not in self._deltas]
        for delta in new:
            _change(blob, delta)
            self._deltas[delta["id"]] = delta
        return json_answer(200, {"applied": len(new), "known": len(body["deltas"]) - len(new)})

    async def _list_deltas(self, received: Received) -> Answer:
        (blob_id,) = parse_qs(received.query).get("blob_id", [""])
        self._blob(blob_id)
        found = [delta for delta in self._deltas.values() if delta["blob_id"] == blob_id]
        return json_answer(200, {"deltas": found})

    async def _check_consistency(self, received: Received) -> Answer:
        body = json_body(received)
        wanted = {"book_id": a_text, "chapter_content": a_text, "chapter_number": an_integer(1, 1000)}
        check(body, wanted, {})
        return json_answer(200, {"score": self.setting("score"), "issues": []})

    def _blob(self, blob_id: str) -> dict[str, Any]:
        if blob_id not in self._blobs:
            raise Refusal(404, "not_found", f"there is no blob {blob_id}")
        return self._blobs[blob_id]


class Core(System):
    """The core's API."""

    name = "core"

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Return the core's path."""
        return {("POST", "/generate"): self._generate}

    def state(self) -> dict[str, Any]:
        """Return nothing: it keeps nothing."""
        return {}

    async def _generate(self, received: Received) -> Answer:
        body = json_body(received)
        options = {"temperature": a_number(0, 2), "max_tokens": an_integer(1, 100_000)}
        check(body, {"prompt": a_text, "model": a_text}, options)
        text = f"At length: {body['prompt'].strip().splitlines()[-1]}"
        return json_answer(200, {"text": text, "word_count": len(text.split()), "model": body["model"]})


def _change(blob: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Apply a delta to its blob."""
    path = delta["path"]
    if path == "/content":
        blob["content"] = delta["new_value"]
    elif path == "/derived":
        blob["derived"].append(delta["new_value"])
    else:
        blob["metadata"][path.removeprefix(_METADATA)] = delta["new_value"]
