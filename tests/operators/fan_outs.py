"""Fan-outs below the tasks: what one process leaves in a store, and what the next one makes of it."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.hooks.target import Target
from airflow_provider_gimme.http.auth import BearerAuth
from airflow_provider_gimme.http.calling import Terms
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.retry import RetryRules
from airflow_provider_gimme.operators.fan_out import Entry, FanOut
from airflow_provider_gimme.operators.fanning import JOURNAL, finish
from airflow_provider_gimme.operators.items import Items
from airflow_provider_gimme.operators.journal import Codec, Journal
from airflow_provider_gimme.operators.keeping import Keeper
from airflow_provider_gimme.operators.large import LARGE_CHARACTERS, StoredParts
from airflow_provider_gimme.operators.ledger import Ledger
from airflow_provider_gimme.operators.outputs import Outputs
from airflow_provider_gimme.operators.progress import Progress
from airflow_provider_gimme.operators.series import Series
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.plan.call import CallWork
from tests.operators.test_attempts import MemoryStore
from tests.operators.test_run_info import run_of

KEY = "key-of-the-api-0123456789"
LOG = logging.getLogger("tests.fan_out")


@dataclass
class Bench:
    """A step with `for_each`, a server that it calls, a store and a storage that outlive its processes."""

    url: str
    folder: Path
    for_each: str
    step: str = 'endpoint: /a, payload: {n: "{{ item }}"}, output_map: {v: $.got}'
    items: Any = None
    store: Any = field(default_factory=MemoryStore)
    retry: RetryRules = field(default_factory=lambda: RetryRules(limit=0))
    large: int = LARGE_CHARACTERS
    pushed: dict[str, Any] = field(default_factory=dict)

    def fan_out(self, max_tries: int = 3, stop: Any = None) -> FanOut:
        """Return the fan-out as a process begins it."""
        text = f"name: f\napi_base: {self.url}\nsteps:\n  - {{name: a, {self.step}, for_each: {self.for_each}}}"
        plan = plan_text(text, "f.yaml")
        work = plan.by_id["a"].work
        assert isinstance(work, CallWork)
        assert work.each is not None
        run = replace(run_of(max_tries=max_tries), store=self.store)
        run.ti.xcom_push = lambda key, value: self.pushed.update({key: value})
        scope = Scope(inputs={"items": self.items})
        items = Items(work.each.items.evaluate(scope), self.storage, work.each.batch_size)
        series = Series.load(self.store, max_tries)
        parts = StoredParts(self.storage, run, JOURNAL, series.first)
        journal = Journal(self.store, JOURNAL, series.first, parts=parts, codec=Codec(str, json.loads))
        progress = Progress(items.total)
        target = Target(self.url, BearerAuth(KEY), credentials=frozenset({KEY}), allow_addresses=())
        terms = Terms(self.retry, work.accepts, timeout=timedelta(seconds=20))
        return FanOut(
            run=run,
            plan=work.each,
            entries=(Entry(work, terms, target),),
            scope=scope,
            items=items,
            ledger=Ledger(journal, series, progress, Outputs(self.large)),
            keeper=Keeper(journal, self.store, progress, LOG, stop or LOG.warning),
            storage=self.storage,
            redactor=Redactor([KEY]),
            log=LOG,
            secrets=lambda: frozenset({KEY}),
        )

    @property
    def storage(self) -> Storage:
        """The storage of the workflow."""
        return Storage(f"file://{self.folder}/storage", "f")

    def run(self, max_tries: int = 3) -> Any:
        """Run a process to its end and return the step's output."""
        fan_out = self.fan_out(max_tries)
        try:
            return asyncio.run(finish(fan_out))
        finally:
            fan_out.ledger.outputs.close()
