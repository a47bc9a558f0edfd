"""The stand-ins of memmie's services behave as their document says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from tests.standins import StandIn


@pytest.fixture(scope="module")
def studio() -> Iterator[StandIn]:
    with StandIn("studio") as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def core() -> Iterator[StandIn]:
    with StandIn("core") as stand_in:
        yield stand_in


@pytest.fixture
async def client(studio: StandIn) -> AsyncIterator[aiohttp.ClientSession]:
    studio.reset()
    async with aiohttp.ClientSession(studio.url) as session:
        yield session


async def call(session: aiohttp.ClientSession, path: str, body: Any = None) -> tuple[int, Any]:
    async with session.request("GET" if body is None else "POST", path, json=body) as response:
        return response.status, await response.json()


async def new_blob(session: aiohttp.ClientSession, content: Any = "Once.", **more: Any) -> dict[str, Any]:
    status, blob = await call(session, "/blobs", {"content": content, **more})
    assert status == 201
    found: dict[str, Any] = blob
    return found


async def test_a_blob_is_stored_and_read(client: aiohttp.ClientSession) -> None:
    """A blob has an id of its own; one with a parent tells the operations that the parent has to take."""
    parent = await new_blob(client, metadata={"type": "chapter"})
    child = await new_blob(client, "Twice.", parent_id=parent["id"], metadata={"type": "expanded_chapter"})
    assert (parent["deltas"], child["deltas"][0]["path"]) == ([], "/metadata/expanded_chapter")
    status, read = await call(client, f"/blobs/{child['id']}")
    assert (status, read["content"], read["parent_id"], read["version"]) == (200, "Twice.", parent["id"], 1)
    assert (await call(client, "/blobs/none"))[0] == 404


async def test_a_blob_is_validated_and_looked_into(client: aiohttp.ClientSession) -> None:
    """A blob without text is invalid, and says why; the fields that were asked for are extracted."""
    good, bad = await new_blob(client), await new_blob(client, None)
    assert (await call(client, "/blobs/validate", {"blob_id": good["id"], "schema_id": None}))[1]["valid"] is True
    _, told = await call(client, "/blobs/validate", {"blob_id": bad["id"]})
    assert (told["valid"], told["errors"][0]["path"]) == (False, "/content")
    asked = {"blob_id": good["id"], "extract_fields": ["size"]}
    assert await call(client, "/blobs/metadata", asked) == (200, {"size": 5})
    assert (await call(client, "/blobs/metadata", {**asked, "extract_fields": ["colour"]}))[0] == 422


async def test_providers_are_triggered_and_rolled_back_once(client: aiohttp.ClientSession, studio: StandIn) -> None:
    """A rollback undoes what was triggered for the blob, and a second one finds nothing."""
    blob = (await new_blob(client))["id"]
    body = {"blob_id": blob, "provider_ids": ["a", "b"], "metadata": None}
    status, triggered = await call(client, "/providers/trigger", body)
    assert (status, [each["provider_id"] for each in triggered["outputs"]]) == (200, ["a", "b"])
    undo = {"blob_id": blob, "execution_id": "exec-1"}
    assert (await call(client, "/providers/rollback", undo))[1] == {"rolled_back": ["a", "b"]}
    assert (await call(client, "/providers/rollback", undo))[1] == {"rolled_back": []}
    assert {each["rolled_back_by"] for each in studio.state()["triggers"]} == {"exec-1"}


async def test_deltas_are_generated_applied_and_read(client: aiohttp.ClientSession) -> None:
    """A delta that is sent twice is applied once; a path that no blob has changes nothing at all."""
    blob = (await new_blob(client))["id"]
    outputs = {"outputs": [{"provider_id": "a", "status": "completed"}]}
    _, made = await call(client, "/deltas/generate", {"blob_id": blob, "provider_outputs": outputs})
    assert (len(made["deltas"]), len(made["created_blobs"])) == (1, 1)
    for counts in ({"applied": 1, "known": 0}, {"applied": 0, "known": 1}):
        assert await call(client, "/deltas/apply", {"blob_id": blob, "deltas": made["deltas"]}) == (200, counts)
    _, read = await call(client, f"/blobs/{blob}")
    assert (read["content"], read["version"]) == ("as a sees it", 2)
    assert (await call(client, f"/deltas?blob_id={blob}"))[1]["deltas"] == made["deltas"]
    others = [{**made["deltas"][0], "id": "x", "path": path} for path in ("/content", "/nowhere")]
    assert (await call(client, "/deltas/apply", {"blob_id": blob, "deltas": others}))[0] == 422
    assert len((await call(client, f"/deltas?blob_id={blob}"))[1]["deltas"]) == 1
    nothing = {"blob_id": blob, "provider_outputs": None}
    assert (await call(client, "/deltas/generate", nothing))[1] == {"deltas": [], "created_blobs": []}


async def test_the_core_writes_and_the_studio_checks(client: aiohttp.ClientSession, core: StandIn) -> None:
    """A text has its number of words; a story needs a book and a chapter."""
    async with aiohttp.ClientSession(core.url) as session:
        prompt = {"prompt": "Expand:\n\nOnce.\n", "model": "gpt-4", "temperature": 0.7, "max_tokens": 3000}
        status, written = await call(session, "/generate", prompt)
        assert (status, written["text"], written["word_count"]) == (200, "At length: Once.", 3)
        assert (await call(session, "/generate", {**prompt, "temperature": 3}))[0] == 422
    check = {"book_id": "book:my-novel", "chapter_content": "Once.", "chapter_number": 1}
    assert (await call(client, "/consistency/check", check))[1] == {"score": 0.9, "issues": []}
    assert (await call(client, "/consistency/check", {**check, "chapter_number": None}))[0] == 422
