"""APIs that misbehave: what a step does about it, how many calls the API sees, what the user reads."""

from __future__ import annotations

import pytest

from tests.misbehaviours.conftest import RunKind
from tests.misbehaviours.kinds import KINDS, Kind
from tests.misbehaviours.page import PAGE, render_page
from tests.misbehaviours.row import Row
from tests.misbehaviours.table import ROWS

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates


MEETINGS = [
    pytest.param(kind, row, id=f"{kind.name}-{row.name}") for kind in KINDS for row in ROWS if kind.name in row.meets
]


@pytest.mark.parametrize("kind,row", MEETINGS)
def test_a_misbehaviour(run_kind: RunKind, kind: Kind, row: Row, capfd: pytest.CaptureFixture[str]) -> None:
    """The step ends as the table says, after as many calls as it says, and says why in its words."""
    met = run_kind(kind, capfd)[row.name]
    failure, error = met.ran.xcom(row.name, "error"), kind.error(row)
    calls = met.door.ledger().calls[kind.calls_before :]
    ended = (met.ran.states[row.name], failure and failure["type"])
    assert ended == ("failed" if error else "success", error), failure
    assert len(calls) == kind.calls(row) or (kind.waits and row.lasts and len(calls) > kind.calls(row))
    assert kind.is_silent(row) or row.pattern.search(f"{failure and failure['message']}\n{met.log}"), (failure, met.log)
    assert error or met.ran.xcom(row.name) == kind.output
    # from the first call's begin: the client may have its whole answer before the server has noted that it is sent
    assert not row.waits or calls[1].opened - calls[0].opened >= row.waits


def test_the_page_says_what_is_tested() -> None:
    """The tables of the documentation are those of the suite, chapter by chapter."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == render_page(page), "python -m tests.misbehaviours writes it anew"
    assert len({row.name for row in ROWS}) == len(ROWS) >= 40
