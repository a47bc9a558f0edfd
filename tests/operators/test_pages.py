"""Steps that read all pages of a listing: on Airflow's own machinery, from a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet

from airflow_provider_gimme.errors import RequestError, StatusError
from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.hooks.target import Target
from airflow_provider_gimme.http.auth import BearerAuth
from airflow_provider_gimme.http.calling import Terms
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.retry import RetryRules
from airflow_provider_gimme.operators import journal as journal_module
from airflow_provider_gimme.operators import pages as module
from airflow_provider_gimme.operators.engine import Engine
from airflow_provider_gimme.operators.journal import Journal
from airflow_provider_gimme.operators.large import StoredParts
from airflow_provider_gimme.operators.pages import JOURNAL, PagesReader
from airflow_provider_gimme.operators.paging import page_codec
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.plan.call import CallWork
from tests.operators.api import Api, Got, serve_api
from tests.operators.conftest import KEY, RunWorkflow
from tests.operators.test_attempts import MemoryStore
from tests.operators.test_run_info import run_of

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

HEAD = """
name: flow
api_base: API
auth: {type: bearer, token: "${API_KEY}"}
defaults: {retry: {limit: 1, delay: 10ms}}
"""


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__GIMME__STORAGE", f"file://{tmp_path}/storage")
    return tmp_path / "storage"


def asked(got: Got) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(got.path).query).items()}


Answer = tuple[int, Any, dict[str, str]]
LOG = logging.getLogger("tests.pages")
PAGED = "endpoint: /page, paginate: {kind: page, items: $.data}"
ALL = [{"id": n} for n in range(8)]


@dataclass
class Listing:
    """A listing of numbered items, three a page; `faults` are given, by page, before it is answered."""

    api: Api
    count: int = 8
    faults: dict[int, list[Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in ("link_header", "next_url", "cursor", "offset", "page", "body"):
            self.api.handlers[f"/{kind}"] = getattr(self, kind)

    def link_header(self, got: Got) -> Answer:
        number = int(asked(got).get("p", 1))
        link = {"Link": f'</link_header?p={number + 1}>; rel="next"'} if number < 3 else {}
        return self._give(number, self._items(number), link)

    def next_url(self, got: Got) -> Answer:
        number = int(asked(got).get("p", 1))
        url = f"{self.api.url}/next_url?p={number + 1}" if number < 3 else None
        return self._give(number, {"data": self._items(number), "next": url})

    def cursor(self, got: Got) -> Answer:
        number = int(asked(got).get("after", "c1")[1:])
        return self._give(
            number, {"data": self._items(number), "meta": {"after": f"c{number + 1}" if number < 3 else ""}}
        )

    def offset(self, got: Got) -> Answer:
        number = int(asked(got)["offset"]) // 3 + 1
        return self._give(number, {"data": self._items(number), "total": self.count})

    def page(self, got: Got) -> Answer:
        number = int(asked(got)["page"])
        return self._give(number, {"data": self._items(number)})

    def body(self, got: Got) -> Answer:
        number, limit = got.json["page"], got.json["limit"]
        assert limit == 3
        return self._give(number, {"content_items": self._items(number), "pagination": {"total_pages": 3}})

    def _items(self, number: int) -> list[dict[str, int]]:
        return [{"id": n} for n in range((number - 1) * 3, min(number * 3, self.count))]

    def _give(self, number: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
        if self.faults.get(number):
            return self.faults[number].pop(0)
        return 200, body, headers or {}


@pytest.fixture
def listing(api: Api) -> Listing:
    return Listing(api)


KINDS = {
    "link_header": "{kind: link_header}",
    "next_url": "{kind: next_url, items: $.data}",
    "cursor": "{kind: cursor, items: $.data, param: after, cursor: $.meta.after}",
    "offset": "{kind: offset, items: $.data, total: $.total}",
    "page": "{kind: page, items: $.data, size: 3}",
    "body": "{kind: page, in: body, size: 3, items: $.content_items, total_pages: $.pagination.total_pages}",
}


def paths(api: Api) -> list[str]:
    return [got.path for got in api.got]


def test_every_kind_gives_all_items_once(run_workflow: RunWorkflow, api: Api, listing: Listing) -> None:
    """The output is the list of all pages' items, in order; each page was asked for once, with credentials."""
    body = ", payload: {a: 1}"
    steps = "".join(
        f"  - {{name: {kind}, endpoint: /{kind}, paginate: {paginate}{body if kind == 'body' else ''}}}\n"
        for kind, paginate in KINDS.items()
    )
    listing.faults[2] = [(503, {}, {})]
    ran = run_workflow(f"{HEAD}steps:\n{steps}")
    assert ran.state == "success"
    for kind in KINDS:
        assert ran.xcom(kind) == ALL, kind
        calls = [got for got in api.got if urlsplit(got.path).path == f"/{kind}"]
        assert len({(got.path, got.body) for got in calls}) == 3, kind
        assert len(calls) == (4 if kind == "link_header" else 3)
        assert {got.headers["Authorization"] for got in calls} == {f"Bearer {KEY}"}
    assert ran.record("page", 1)["reason"] == "done: 3 pages, 8 items"
    assert len({got.headers["Idempotency-Key"] for got in api.got if got.path == "/body"}) == 3


def test_a_page_that_cannot_be_had_fails_the_step(run_workflow: RunWorkflow, api: Api, listing: Listing) -> None:
    """Each page has its own attempts; when they are used up Airflow does not try the step again."""
    listing.faults = {2: [(503, {}, {})], 3: [(500, {}, {}), (500, {}, {})]}
    ran = run_workflow(
        HEAD
        + """
steps:
  - {name: a, endpoint: /page, paginate: {kind: page, items: $.data}, on_failure: continue}
  - {name: b, endpoint: /page, paginate: {kind: page, items: $.data, max_pages: 2}, on_failure: continue}
  - {name: c, endpoint: /other, paginate: {kind: page, items: $.data}}
"""
    )
    assert (ran.state, ran.tries["a"], ran.tries["b"], ran.tries["c"]) == ("failed", 1, 1, 1)
    assert [path for path in paths(api) if "/page?" in path][:5] == [f"/page?page={n}" for n in (1, 2, 2, 3, 3)]
    assert (ran.xcom("a", "error")["status"], ran.xcom("a", "error")["attempts"]) == (500, 2)
    assert ran.record("a", 1)["reason"] == "failed after 2 pages, 6 items"
    assert "'max_pages' 2 were read" in ran.xcom("b", "error")["message"]
    assert "page 1: paginate.items: '$.data' selects nothing" in ran.xcom("c", "error")["message"]


@pytest.mark.usefixtures("listing")
def test_the_whole_list_is_what_the_file_makes_an_output_of(run_workflow: RunWorkflow, api: Api) -> None:
    """A transform and a map see all items as the body, once; a file has them line by line; a template the number."""
    page = "endpoint: /page, paginate: {kind: page, items: $.data"
    ran = run_workflow(
        HEAD
        + f"""
steps:
  - {{name: a, {page}}}, response_transform: "{{{{ response.body | length }}}} of {{{{ response.status }}}}"}}
  - {{name: b, {page}, max_items: 4}}, output_map: {{first: "$[0].id", last: "$[-1].id"}}}}
  - {{name: c, {page}}}, save_to: "list/{{{{ index_of }}}}.jsonl"}}
  - {{name: d, endpoint: "/n/{{{{ page }}}}", paginate: {{kind: page, param: null, items: $.path}}}}
variables: {{index_of: 7}}
"""
    )
    assert (ran.xcom("a"), ran.xcom("b")) == ("8 of 200", {"first": 0, "last": 3})
    saved = ran.xcom("c")
    assert (saved["path"], saved["items"], saved["media_type"]) == ("flow/list/7.jsonl", 8, "application/x-ndjson")
    assert list(Storage.of("flow").lines(saved)) == ALL
    assert "'items' is no list but text" in ran.xcom("d", "error")["message"]
    assert paths(api)[-1] == "/n/1"


# The same below the tasks: what a process leaves, and what the next one makes of it.


def reader(api: Api, store: Any, step: str, folder: Path, max_tries: int = 3, **options: Any) -> PagesReader:
    """Return what reads the pages of a step; `store` outlives it."""
    work = plan_text(f"name: f\napi_base: {api.url}\nsteps:\n  - {{name: a, {step}}}", "f.yaml").by_id["a"].work
    assert isinstance(work, CallWork)
    assert work.pages is not None
    run = replace(run_of(max_tries=max_tries), store=store)
    storage = Storage(f"file://{folder}/storage", "f")
    target = Target(api.url, BearerAuth(KEY), credentials=frozenset({KEY}), allow_addresses=())
    terms = Terms(RetryRules(limit=1, delay=timedelta(0)))
    journal = Journal(store, JOURNAL, max_tries, parts=StoredParts(storage, run, JOURNAL))
    about: dict[str, Any] = {"target": target, "terms": terms, "journal": journal, "storage": storage}
    about |= {"redactor": Redactor([KEY]), "log": LOG, "scope": Scope(), **options}
    return PagesReader(run, work, work.pages, **about)


def read(*args: Any, **options: Any) -> Any:
    return asyncio.run(reader(*args, **options).read())


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_process_goes_on(api: Api, listing: Listing, tmp_path: Path, kind: str) -> None:
    """After a failure in the middle the pages before it are not asked for again, and nothing is missing or double."""
    store, step = MemoryStore(), f"endpoint: /{kind}, payload: {{}}, paginate: {KINDS[kind]}"
    listing.faults[3] = [(400, {}, {})]
    with pytest.raises(StatusError):
        read(api, store, step, tmp_path)
    assert read(api, store, step, tmp_path) == ALL
    assert len(api.got) == 4
    assert (api.got[2].path, api.got[2].body) == (api.got[3].path, api.got[3].body)
    assert api.got[2].headers["Idempotency-Key"] == api.got[3].headers["Idempotency-Key"]
    assert read(api, store, step, tmp_path) == ALL
    assert len(api.got) == 4


def test_a_clear_begins_anew(api: Api, listing: Listing, tmp_path: Path) -> None:
    """Who clears the task wants the listing as it is now."""
    store = MemoryStore()
    assert read(api, store, PAGED, tmp_path) == ALL
    listing.count = 4
    assert read(api, store, PAGED, tmp_path, max_tries=9) == ALL[:4]


PROGRAM = """
import json, sys
from pathlib import Path
from tests.operators.api import Api
from tests.operators.test_pages import PAGED, read

class FileStore:
    def __init__(self, path):
        self.path = path
    def all(self):
        return json.loads(self.path.read_text()) if self.path.exists() else {}
    def get(self, key, default=None):
        return self.all().get(key, default)
    def set(self, key, value):
        self.path.with_suffix(".new").write_text(json.dumps({**self.all(), key: value}))
        self.path.with_suffix(".new").replace(self.path)

folder = Path(sys.argv[2])
print(json.dumps(read(Api(sys.argv[1]), FileStore(folder / "store"), PAGED, folder)))
"""


def test_a_killed_process_costs_one_page(api: Api, listing: Listing, tmp_path: Path) -> None:
    """Who is killed by `kill -9` amid a page has kept those before it, and the next process asks for no other."""
    command = [sys.executable, "-c", PROGRAM, api.url, str(tmp_path)]
    give, store = api.handlers["/page"], tmp_path / "store"

    def kill(got: Got) -> Answer:
        if "page=3" in got.path:
            while not store.exists() or '"records": 2' not in store.read_text():
                time.sleep(0.01)
            process.kill()
        return give(got)

    api.handlers["/page"] = kill
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.wait(30) == -signal.SIGKILL
    api.handlers["/page"] = give
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(ran.stdout) == ALL
    assert paths(api) == [f"/page?page={n}" for n in (1, 2, 3, 3, 4)]


def test_it_stops_at_once_and_keeps_what_it_has(api: Api, listing: Listing, tmp_path: Path) -> None:
    """A task that Airflow ends does not wait for its page."""
    store, engine, give = MemoryStore(), Engine(), api.handlers["/page"]
    stopped: list[float] = []

    def stop() -> None:
        stopped.append(time.monotonic())
        engine.stop("Airflow ended the task")

    def hang_after_two(got: Got) -> Answer:
        if "page=2" in got.path:
            api.delays["/page"] = 30
            threading.Timer(0.2, stop).start()
        return give(got)

    api.handlers["/page"] = hang_after_two
    with pytest.raises(asyncio.CancelledError, match="Airflow ended the task"):
        engine.run(reader(api, store, PAGED, tmp_path).read())
    assert time.monotonic() - stopped[0] < 10
    assert [len(record["items"]) for record in Journal(store, JOURNAL, 3).records()] == [3, 3]


def test_a_link_to_another_host(api: Api, tmp_path: Path) -> None:
    """A next page elsewhere is refused; at an allowed host it is read without credentials."""
    step = "endpoint: /first, paginate: {kind: next_url, items: $.data}"
    with serve_api() as other:
        other.answer("/second", 200, {"data": [2]})
        api.answer("/first", 200, {"data": [1], "next": f"{other.url}/second"})
        with pytest.raises(RequestError, match="in 'allow_hosts' to allow it"):
            read(api, MemoryStore(), step, tmp_path)
        assert other.got == []
        allowed = reader(api, MemoryStore(), step, tmp_path)
        allowed.target = replace(allowed.target, allow_hosts=("127.0.0.1",))
        assert asyncio.run(allowed.read()) == [1, 2]
        assert "Authorization" in api.got[-1].headers
        assert "Authorization" not in other.got[0].headers


def test_a_credential_in_an_answer_is_hidden(api: Api, tmp_path: Path) -> None:
    """What an API repeats of our credentials is neither in the output nor in the task's state."""
    store = MemoryStore()
    api.answer("/a", 200, [{"echo": f"Bearer {KEY}"}])
    assert read(api, store, "endpoint: /a, paginate: {kind: link_header}", tmp_path) == [{"echo": "Bearer ***"}]
    assert KEY not in json.dumps(store.values)


@pytest.mark.parametrize("sensitive", [False, True])
def test_a_secret_in_a_link_is_kept_sealed(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sensitive: bool
) -> None:
    """An API may write our credential into its next link: nobody reads it in the state, and the next process can."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    store = MemoryStore()
    api.answer("/a", 200, {"data": ["first word"], "next": f"/b?token={KEY}"})
    api.answer("/b", 400)
    api.answer("/b", 200, {"data": ["second"], "next": "/c"})
    api.answer("/c", 200, {"data": ["third"]})
    step = "endpoint: /a, paginate: {kind: next_url, items: $.data}"

    def opened() -> Journal:
        run = replace(run_of(), store=store)
        return Journal(store, JOURNAL, 3, codec=page_codec(run, Redactor([KEY]), sensitive=sensitive))

    with pytest.raises(StatusError):
        read(api, store, step, tmp_path, journal=opened())
    assert KEY not in json.dumps(store.values)
    assert read(api, store, step, tmp_path, journal=opened()) == ["first word", "second", "third"]
    assert KEY not in json.dumps(store.values)
    assert ("third" in json.dumps(store.values)) is not sensitive
    assert paths(api) == ["/a", f"/b?token={KEY}", f"/b?token={KEY}", "/c"]


def test_a_list_that_is_too_large_is_a_file(
    api: Api, listing: Listing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit the output is a reference by itself, also where an earlier process read the first pages."""
    monkeypatch.setattr(module, "LARGE_CHARACTERS", 200)
    store = MemoryStore()
    listing.faults[3] = [(400, {}, {})]
    with pytest.raises(StatusError):
        read(api, store, PAGED, tmp_path)
    saved = read(api, store, PAGED, tmp_path)
    assert (saved["type"], saved["items"], saved["path"]) == ("saved", 8, "f/r/a/3-items.jsonl")
    assert list(Storage(f"file://{tmp_path}/storage", "f").lines(saved)) == ALL
    shaped = f"{PAGED}, response_transform: '{{{{ response.body | length }}}}'"
    assert read(api, store, shaped, tmp_path) == 8


def test_a_key_of_the_files_own_is_one_for_each_page(api: Api, listing: Listing, tmp_path: Path) -> None:
    """Under one key the API would give the first page again."""
    step = f"endpoint: /body, payload: {{}}, idempotency: {{key: mine}}, paginate: {KINDS['body']}"
    assert read(api, MemoryStore(), step, tmp_path) == ALL
    assert [got.headers["Idempotency-Key"] for got in api.got] == ["mine-1", "mine-2", "mine-3"]


def test_an_answer_is_judged_page_by_page(api: Api, listing: Listing, tmp_path: Path) -> None:
    """The rules of `expect` hold for each page, and a page that they call for again has its attempts."""
    listing.faults[2] = [(200, {"data": [], "busy": True}, {})]
    step = f"{PAGED}, expect: {{retry_when: response.body.busy == true}}"
    assert read(api, MemoryStore(), step, tmp_path) == ALL
    assert paths(api) == [f"/page?page={n}" for n in (1, 2, 2, 3, 4)]


def test_the_log_stays_readable(api: Api, listing: Listing, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line every few seconds tells how far it is; each failed attempt has one, each good one only at debug."""
    caplog.set_level(logging.DEBUG, LOG.name)
    times = iter(range(0, 1000, 3))
    listing.faults[2] = [(503, {}, {})]
    read(api, MemoryStore(), PAGED, tmp_path, clock=lambda: float(next(times)))
    told = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == LOG.name]
    assert [text for level, text in told if level == "INFO"] == [
        "2 pages so far, 6 items",
        "4 pages so far, 8 items",
        "The listing has 4 pages (4 were read now), 8 items",
    ]
    (warning,) = (text for level, text in told if level == "WARNING")
    assert warning.startswith("Page 2: GET ")
    assert "503" in warning
    assert "tried again in" in warning
    assert sum(level == "DEBUG" for level, _ in told) == 5


def test_a_list_of_any_length_takes_the_memory_of_some_pages(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items that become a file are not held: not in a list, and not while they wait for the journal."""
    monkeypatch.setattr(journal_module, "STATE_CHARACTERS", 400_000)
    monkeypatch.setattr(journal_module, "_PART_CHARACTERS", 400_000)
    items = [{"id": n, "text": "x" * 20_000} for n in range(10)]
    page = json.dumps({"data": items, "more": True}).encode()
    api.handlers["/many"] = lambda got: (200, page if "=60" not in got.path else {"data": [], "more": False}, {})
    step = "endpoint: /many, paginate: {kind: page, items: $.data, more: $.more}, save_to: many.jsonl"
    read(api, MemoryStore(), f"{step}, retry: {{limit: 0}}", tmp_path)  # imports what it needs
    tracemalloc.start()
    try:
        saved = read(api, MemoryStore(), step, tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (saved["items"], saved["bytes"] > 11_000_000) == (590, True)
    assert peak < 8_000_000
    assert [path.name for path in (tmp_path / "storage").rglob("*.jsonl")] == ["many.jsonl"]


def test_a_listing_that_was_read_is_not_read_again_before_airflow_knows(
    api: Api, listing: Listing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies when its pages are kept no more; the next one knows the file, a clear reads all anew."""
    monkeypatch.setattr(journal_module, "STATE_CHARACTERS", 60)
    store, step = MemoryStore(), f"{PAGED}, save_to: all.jsonl"
    saved = read(api, store, step, tmp_path)
    assert saved["items"] == 8
    assert [path.name for path in (tmp_path / "storage").rglob("*") if path.is_file()] == ["all.jsonl"]
    assert read(api, store, step, tmp_path) == saved
    assert len(api.got) == 4
    assert read(api, store, step, tmp_path, max_tries=4)["items"] == 8
    assert len(api.got) == 8
