"""Steps that call for each item of a list: from a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet

from airflow_provider_gimme.errors import ItemsError, StepError
from airflow_provider_gimme.http.retry import RetryRules
from airflow_provider_gimme.operators.engine import Engine
from airflow_provider_gimme.operators.fanning import JOURNAL, finish, item_codec
from airflow_provider_gimme.operators.journal import Journal
from airflow_provider_gimme.operators.series import HEAD
from tests.operators.api import Api, Got
from tests.operators.conftest import RunWorkflow
from tests.operators.fan_outs import KEY, LOG, Bench

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

Answer = tuple[int, Any, dict[str, str]]


@pytest.fixture
def echo(api: Api) -> Api:
    """Answer with what was sent; items in `faults` get that status."""
    api.handlers["/a"] = lambda got: (200, {"got": got.json["n"]}, {})
    return api


def failing(api: Api, *numbers: Any, status: int = 500) -> None:
    """Let the calls for some items fail from now on."""
    api.handlers["/a"] = lambda got: (status if got.json["n"] in numbers else 200, {"got": got.json["n"]}, {})


def sent(api: Api) -> list[Any]:
    return [got.json["n"] for got in api.got]


def keys(api: Api) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for got in api.got:
        found.setdefault(got.json["n"], []).append(got.headers["Idempotency-Key"])
    return found


def test_outputs_are_in_the_items_order(echo: Api, tmp_path: Path) -> None:
    """However late an answer comes, its output has the place of its item; each call has a key of its own."""
    begun: list[int] = []

    def late(got: Got) -> Answer:
        begun.append(got.json["n"])
        return 200, {"got": got.json["n"]}, {}

    echo.handlers["/a"] = late
    bench = Bench(echo.url, tmp_path, "{items: 'range(40) | list', max_parallel: 7}")
    assert bench.run() == [{"v": n} for n in range(40)]
    assert sorted(begun) == list(range(40))
    assert len({got.headers["Idempotency-Key"] for got in echo.got}) == 40
    assert bench.store.values["progress"] | {"calls_per_second": 0} == {
        "total": 40,
        "done": 40,
        "failed": 0,
        "in_flight": 0,
        "calls_per_second": 0,
        "seconds_left": 0,
    }


def test_no_more_are_called_at_once_than_may(echo: Api, tmp_path: Path) -> None:
    """`max_parallel` bounds the calls that are open."""
    bench = Bench(echo.url, tmp_path, "{items: 'range(12) | list', max_parallel: 3}")
    fan_out, most = bench.fan_out(), 0
    echo.delays["/a"] = 0.02

    async def watch() -> None:
        nonlocal most
        work = asyncio.create_task(finish(fan_out))
        while not work.done():
            most = max(most, fan_out.ledger.progress.in_flight)
            await asyncio.sleep(0.002)
        await work

    asyncio.run(watch())
    assert most == 3


@pytest.mark.parametrize(
    "tolerate, failed, enough",
    [("0", (2,), False), ("1", (2,), True), ("1", (2, 5), False), ("20%", (2, 5), True), ("19%", (2, 5), False)],
)
def test_as_many_may_fail_as_are_tolerated(
    echo: Api, tmp_path: Path, tolerate: str, failed: tuple[int, ...], *, enough: bool
) -> None:
    """Failed items are null and told in order; one too many fails the step, which tells the first one's reason."""
    failing(echo, *failed, status=400)
    bench = Bench(echo.url, tmp_path, f"{{items: 'range(10) | list', tolerate: {tolerate}, max_parallel: 1}}")
    if enough:
        assert bench.run() == [None if n in failed else {"v": n} for n in range(10)]
    else:
        with pytest.raises(ItemsError, match=rf"allows {tolerate}; \d are done. Item 2: .* answered 400"):
            bench.run()
        assert sent(echo) == list(range(failed[-1] + 1))
    told = bench.pushed["failed"]
    assert [(one["index"], one["status"], one["attempts"]) for one in told] == [(n, 400, 1) for n in failed]
    assert all("answered 400" in one["reason"] for one in told)


def test_an_item_has_its_own_attempts(echo: Api, tmp_path: Path) -> None:
    """A call that fails for a moment is made again, under its key, while the others go on."""
    seen: list[int] = []

    def flaky(got: Got) -> Answer:
        seen.append(got.json["n"])
        return (503 if got.json["n"] == 1 and seen.count(1) < 3 else 200), {"got": got.json["n"]}, {}

    echo.handlers["/a"] = flaky
    bench = Bench(echo.url, tmp_path, "'[0, 1, 2]'", retry=RetryRules(limit=2, delay=timedelta(0)))
    assert bench.run() == [{"v": 0}, {"v": 1}, {"v": 2}]
    assert seen.count(1) == 3
    assert len(set(keys(echo)[1])) == 1


def test_a_failing_step_does_not_wait_for_other_attempts(echo: Api, tmp_path: Path) -> None:
    """Who waits an hour for its next attempt does not hold up a step that fails anyway, and is not counted."""
    bench = Bench(echo.url, tmp_path, "'[0, 1]'", retry=RetryRules(limit=1, delay=timedelta(0)))
    echo.handlers["/a"] = lambda got: (400, None, {}) if got.json["n"] else (503, None, {"Retry_After": "1000"})
    began = time.monotonic()
    with pytest.raises(ItemsError, match="1 of 2 items failed"):
        bench.run()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "items, message",
    [
        ("inputs.items", "needs a list, or the reference to a saved one, not an object"),
        ("'1'", "not a number"),
        ("{items: '[1, 2, 1]', key: 'k{{ item }}'}", "items 0 and 2 the same key, 'k1'"),
        ("{items: '[{}]', key: '{{ item.id }}'}", "item 0 has no key: for_each.key: there is no member 'id'"),
    ],
)
def test_what_is_no_list_of_items(echo: Api, tmp_path: Path, items: str, message: str) -> None:
    """It is told before anything is sent."""
    with pytest.raises(StepError, match=message):
        Bench(echo.url, tmp_path, items, items={}).run()
    assert echo.got == []


@pytest.mark.parametrize("items", ["'[]'", "{items: '[]', batch_size: 3, tolerate: 0%}"])
def test_an_empty_list(echo: Api, tmp_path: Path, items: str) -> None:
    """Nothing is called, and the output is empty."""
    bench = Bench(echo.url, tmp_path, items)
    assert (bench.run(), bench.pushed, echo.got) == ([], {"failed": []}, [])


def test_an_item_that_cannot_be_written(echo: Api, tmp_path: Path) -> None:
    """A template that one item does not fit is that item's failure, and nothing is sent for it."""
    step = 'endpoint: /a, payload: {n: "{{ order.id }}", at: "{{ index }}"}'
    bench = Bench(echo.url, tmp_path, "{items: '[{\"id\": 1}, {}]', as: order, tolerate: 1}", step)
    assert bench.run() == [{"got": 1}, None]
    assert "payload: 'n': there is no member 'id'" in bench.pushed["failed"][0]["reason"]
    assert [got.json for got in echo.got] == [{"n": 1, "at": 0}]


def test_several_items_in_one_call(echo: Api, tmp_path: Path) -> None:
    """`item` is a list, the outputs are laid out one by one, and a call that fails fails all its items."""
    step = 'endpoint: /a, payload: {n: "{{ item }}", at: "{{ index }}"}, response_transform: "{{ response.body.got }}"'
    bench = Bench(echo.url, tmp_path, "{items: 'range(7) | list', batch_size: 3, tolerate: 3, max_parallel: 1}", step)
    failing(echo, [3, 4, 5])
    assert bench.run() == [0, 1, 2, None, None, None, 6]
    assert [got.json for got in echo.got] == [
        {"n": [0, 1, 2], "at": 0},
        {"n": [3, 4, 5], "at": 3},
        {"n": [6], "at": 6},
    ]
    assert [one["index"] for one in bench.pushed["failed"]] == [3, 4, 5]
    wrong = Bench(echo.url, tmp_path, "{items: '[1, 2]', batch_size: 2}", step.replace("body.got", "body"))
    with pytest.raises(ItemsError, match="for 2 items, and its output is no list"):
        wrong.run()


def test_a_key_tells_the_items_apart(echo: Api, tmp_path: Path) -> None:
    """With a written key an item is known again at another place of the list."""
    bench = Bench(echo.url, tmp_path, "{items: inputs.items, key: 'k{{ item }}', max_parallel: 1}", items=[1, 2, 3])
    failing(echo, 3)
    with pytest.raises(ItemsError):
        bench.run()
    failing(echo)
    bench.items = [4, 3, 2, 1]
    assert bench.run(9) == [{"v": n} for n in (4, 3, 2, 1)]
    assert sent(echo) == [1, 2, 3, 4, 3]


def test_a_process_goes_on_where_another_one_stopped(echo: Api, tmp_path: Path) -> None:
    """Items that were recorded, failures too, are not called for again, and the output is what it would have been."""
    bench = Bench(echo.url, tmp_path, "{items: 'range(6) | list', tolerate: 1, max_parallel: 1}")
    failing(echo, 1)
    engine, give = Engine(), echo.handlers["/a"]

    def fourth(got: Got) -> Answer:
        if len(echo.got) == 4:
            echo.delays["/a"] = 30
            engine.stop("enough")
        return give(got)

    echo.handlers["/a"] = fourth
    with pytest.raises(asyncio.CancelledError):
        engine.run(finish(bench.fan_out()))
    echo.delays.clear()
    echo.handlers["/a"] = give
    assert bench.run() == [{"v": 0}, None, *({"v": n} for n in (2, 3, 4, 5))]
    assert sent(echo) == [0, 1, 2, 3, 3, 4, 5]
    assert len(set(keys(echo)[3])) == 1
    assert [one["index"] for one in bench.pushed["failed"]] == [1]
    assert bench.run() == [{"v": 0}, None, *({"v": n} for n in (2, 3, 4, 5))]
    assert len(echo.got) == 7


def test_a_clear_after_a_failure_calls_for_what_is_missing(echo: Api, tmp_path: Path) -> None:
    """What failed gets a new key; what was not begun, or whose outcome nobody knows, keeps its first one."""
    bench = Bench(echo.url, tmp_path, "{items: 'range(4) | list', max_parallel: 1}")
    for max_tries, wrong in ((3, 1), (7, 2), (11, 2)):
        failing(echo, wrong)
        with pytest.raises(ItemsError):
            bench.run(max_tries)
    failing(echo)
    assert bench.run(15) == [{"v": n} for n in range(4)]
    assert sent(echo) == [0, 1, 1, 2, 2, 2, 3]
    found = keys(echo)
    assert [len(set(found[n])) for n in range(4)] == [1, 2, 3, 1]
    untouched = Bench(echo.url, tmp_path, bench.for_each)
    untouched.run(3)
    assert [keys(echo)[n][-1] for n in (0, 3)] == [found[0][0], found[3][0]]


def test_a_clear_after_a_success_begins_anew(echo: Api, tmp_path: Path) -> None:
    """Who clears what has succeeded wants it done again, with other keys."""
    bench = Bench(echo.url, tmp_path, "{items: '[0, 1]', tolerate: 1}")
    failing(echo, 0)
    assert bench.run() == [None, {"v": 1}]
    failing(echo)
    assert bench.run(9) == [{"v": 0}, {"v": 1}]
    assert [len(set(each)) for each in keys(echo).values()] == [2, 2]


@pytest.mark.parametrize("save_to", ["", ", save_to: 'all/{{ inputs.items }}.jsonl'"])
def test_many_outputs_are_a_file(echo: Api, tmp_path: Path, save_to: str) -> None:
    """Over the limit, or where the file says so, the output is the reference to JSON lines in item order."""
    bench = Bench(echo.url, tmp_path, "{items: 'range(30) | list', tolerate: 1}", items=7)
    bench.step += save_to
    bench.large = 10**6 if save_to else 100
    failing(echo, 4)
    saved = bench.run()
    assert (saved["items"], saved["path"]) == (30, "f/all/7.jsonl" if save_to else "f/r/a/3-outputs.jsonl")
    assert list(bench.storage.lines(saved)) == [None if n == 4 else {"v": n} for n in range(30)]


def test_a_large_journal_goes_on_after_a_clear(echo: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parts in the storage are found again by the next series, and removed in the end; a retry calls no more."""
    monkeypatch.setattr("airflow_provider_gimme.operators.journal.STATE_CHARACTERS", 300)
    bench = Bench(echo.url, tmp_path, "{items: 'range(20) | list', max_parallel: 1}", large=100)
    failing(echo, 15)
    with pytest.raises(ItemsError):
        bench.run()
    failing(echo)
    saved = bench.run(9)
    assert list(bench.storage.lines(saved)) == [{"v": n} for n in range(20)]
    assert sent(echo) == [*range(16), *range(15, 20)]
    assert [path.name for path in (tmp_path / "storage").rglob("*") if path.is_file()] == ["9-outputs.jsonl"]
    assert bench.store.values[HEAD]["finished"]["output"] == saved


def test_items_are_read_from_files(echo: Api, tmp_path: Path) -> None:
    """The reference to JSON lines, CSV or a JSON array stands for the list in it."""
    texts = {"n.jsonl": '{"n": 1}\n{"n": 2}\n', "n.csv": "n,m\n1,x\n2,y\n", "n.json": '[{"n": 1}, {"n": 2}]'}
    for name, text in texts.items():
        path = tmp_path / "storage" / "f" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        saved = {"type": "saved", "path": f"f/{name}", "bytes": len(text), "media_type": "application/octet-stream"}
        step = 'endpoint: /a, payload: {n: "{{ item.n | int }}"}, output_map: {v: $.got}'
        assert Bench(echo.url, tmp_path, "inputs.items", step, saved).run() == [{"v": 1}, {"v": 2}], name


def test_a_credential_in_an_answer_is_hidden(echo: Api, tmp_path: Path) -> None:
    """What an API repeats of our credentials is neither in the output nor in the task's state."""
    bench = Bench(echo.url, tmp_path, "'[1, 2]'", "endpoint: /b, payload: {}")
    echo.answer("/b", 200, {"echo": f"Bearer {KEY}"})
    assert bench.run() == [{"echo": "Bearer ***"}] * 2
    assert KEY not in json.dumps(bench.store.values)


def test_a_sensitive_list_is_recorded_sealed(echo: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads its outputs in the task's state, and the next process can."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    bench = Bench(echo.url, tmp_path, "'[\"secret word\"]'")
    for _ in range(2):
        fan_out = bench.fan_out()
        journal = Journal(bench.store, JOURNAL, 3, codec=item_codec(fan_out.run, sensitive=True))
        fan_out.ledger.journal = fan_out.keeper.journal = journal
        assert asyncio.run(finish(fan_out)) == [{"v": "secret word"}]
    assert len(echo.got) == 1
    assert "secret word" not in json.dumps(bench.store.values)


def test_many_items(echo: Api, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They need no more tasks than are at work, and no line of the log each."""
    caplog.set_level(logging.DEBUG, LOG.name)
    step = 'endpoint: /a, payload: {n: "{{ item }}"}'
    bench = Bench(echo.url, tmp_path, "{items: 'range(1001) | list', max_parallel: 32}", step)
    assert bench.run() == [{"got": n} for n in range(1001)]
    assert len([record for record in caplog.records if record.name == LOG.name]) < 10


def test_it_stops_at_once(echo: Api, tmp_path: Path) -> None:
    """A task that Airflow ends sends nothing more, and keeps what it has."""
    bench = Bench(echo.url, tmp_path, "{items: 'range(100000) | list', max_parallel: 4}")
    engine, fan_out = Engine(), bench.fan_out()
    threading.Timer(0.3, lambda: engine.stop("Airflow ended the task")).start()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError, match="Airflow ended the task"):
        engine.run(finish(fan_out))
    assert time.monotonic() - began < 20
    count = len(echo.got)
    time.sleep(0.1)
    assert len(echo.got) == count
    assert 0 < bench.store.values["items"]["records"] >= count - 4


def test_it_stops_where_airflow_has_cleared_the_task(echo: Api, tmp_path: Path) -> None:
    """A task that Airflow does not know any more cannot keep what it does, so it does nothing more."""

    class GoneError(Exception):
        error = SimpleNamespace(detail={"status_code": 404})

    engine = Engine()
    bench = Bench(echo.url, tmp_path, "{items: 'range(100000) | list', max_parallel: 2}")
    fan_out = bench.fan_out(stop=engine.stop)

    def gone(_key: str, _value: Any) -> None:
        raise GoneError

    bench.store.set = gone
    with pytest.raises((asyncio.CancelledError, GoneError)):
        engine.run(finish(fan_out))
    assert 0 < len(echo.got) < 100000


PROGRAM = """
import json, sys
from pathlib import Path
from tests.operators.fan_outs import Bench
from tests.operators.test_fan_out import FileStore

folder = Path(sys.argv[2])
bench = Bench(sys.argv[1], folder, "{items: 'range(300) | list', max_parallel: 8}", store=FileStore(folder / "store"))
print(json.dumps(bench.run()))
"""


class FileStore:
    """A store that outlives a process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> dict[str, Any]:
        return dict(json.loads(self.path.read_text())) if self.path.exists() else {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.all().get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.path.with_suffix(".new").write_text(json.dumps({**self.all(), key: value}))
        self.path.with_suffix(".new").replace(self.path)


def test_a_killed_process_costs_one_second(echo: Api, tmp_path: Path) -> None:
    """After `kill -9` only what was open or just answered is called for again, under its first key; none is lost."""
    command = [sys.executable, "-c", PROGRAM, echo.url, str(tmp_path)]
    store, times = FileStore(tmp_path / "store"), dict[int, float]()
    echo.delays["/a"] = 0.02

    def kill(got: Got) -> Answer:
        times.setdefault(got.json["n"], time.monotonic())
        if len(echo.got) > 150 and store.get("items", {}).get("records", 0) > 20:
            process.kill()
            killed.append(time.monotonic())
        return 200, {"got": got.json["n"]}, {}

    killed: list[float] = []
    echo.handlers["/a"] = kill
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.wait(60) == -signal.SIGKILL
    recorded = store.get("items")["records"]
    echo.handlers["/a"] = lambda got: (200, {"got": got.json["n"]}, {})
    before = len(echo.got)
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(ran.stdout) == [{"v": n} for n in range(300)]
    assert len(echo.got) - before == 300 - recorded
    again = {n for n, each in keys(echo).items() if len(each) > 1}
    open_then = killed[0]  # what was not even answered has no time
    assert all(times.get(n, open_then) > killed[0] - 3 for n in again)
    assert {len(set(each)) for each in keys(echo).values()} == {1}


def test_a_step_as_it_runs(
    run_workflow: RunWorkflow, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later steps see the list, what failed, and a saved list as a list; a fallback is tried for each item."""
    monkeypatch.setenv("AIRFLOW__GIMME__STORAGE", f"file://{tmp_path}/storage")
    failing(api, 2, 3)
    api.handlers["/b"] = lambda got: (400 if got.json["n"] == 3 else 200, {"got": -got.json["n"]}, {})
    ran = run_workflow(
        """
name: flow
api_base: API
defaults: {retry: {limit: 1, delay: 10ms}}
variables: {numbers: [1, 2, 3, 4]}
steps:
  - name: a
    endpoint: /a
    for_each: {items: numbers, as: n, tolerate: 25%}
    payload: {n: "{{ n }}"}
    response_transform: "{{ {'item': item, 'got': response.body.got} }}"
    fallback: [{endpoint: /b}]
  - {name: b, endpoint: /c, for_each: steps.a, save_to: b.jsonl, payload: {n: "{{ item | default(0) }}"}}
  - {name: c, endpoint: /c, for_each: steps.b, payload: {n: "{{ item.path }}"}, output_map: {at: $.path}}
  - name: d
    type: transform
    payload:
      failed: "{{ steps.a.failed | map(attribute='index') | list }}"
      count: "{{ steps.b | length }}"
      first: "{{ steps.b[0].path }}"
      all: $.steps.b.output[*].path
      each: "{% for one in steps.b %}{{ one.path }}{% endfor %}"
      file: "{{ steps.b }}"
  - {name: e, endpoint: /e, for_each: numbers, payload: {n: "{{ nothing }}"}, on_failure: continue}
""".replace("{{ nothing }}", "{{ inputs.nothing }}")
    )
    assert ran.states["d"] == "success"
    got = [{"item": 1, "got": 1}, {"item": 2, "got": -2}, None, {"item": 4, "got": 4}]
    assert ran.xcom("a") == got
    assert ran.xcom("c") == [{"at": "/c"}] * 4
    assert ran.xcom("d") == {
        "failed": [2],
        "count": 4,
        "first": "/c",
        "all": ["/c"] * 4,
        "each": "/c" * 4,
        "file": ran.xcom("b"),
    }
    assert (ran.states["e"], ran.xcom("e", "error")["type"], ran.tries["e"]) == ("skipped", "items", 1)
    assert [one["index"] for one in ran.xcom("e", "failed")] == [0, 1, 2, 3][: len(ran.xcom("e", "failed"))]
