"""A workflow in Airflow's own pages, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, sync_playwright

from demo.instance import AirflowInstance
from tests.conftest import Need
from tests.e2e.runs import PATIENCE, Run, drop, start

DAG = "ui_doubles"
WORKFLOW = f"""
name: {DAG}
description: Doubles a number, to be started by hand.
inputs:
  type: object
  required: [number]
  properties:
    number: {{type: integer, minimum: 1, default: 1, description: The number to double.}}
steps:
  - {{name: double, type: transform, payload: {{doubled: "{{{{ inputs.number * 2 }}}}"}}}}
"""

APPROVAL = "ui_approval"
ASKING = f"""
name: {APPROVAL}
steps:
  - {{name: ask, type: approval, message: "Publish 48 questions?", details: "They were **checked**.",
     form: {{pages: {{type: integer, default: 2}}}}}}
  - {{name: told, type: transform, payload: {{pages: "{{{{ steps.ask.form.pages }}}}"}}}}
"""

_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
_ALONE = ("--disable-component-update", "--disable-sync")


@pytest.fixture(scope="module")
def page(need: Need) -> Iterator[Page]:
    """Give a page of the machine's own browser."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    need("a browser (chromium)", browser_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=[*_QUIET, *_ALONE])
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def at(airflow: AirflowInstance, workflows: Path) -> str:
    """Give the address of the workflow's page."""
    drop(airflow, workflows, {DAG: WORKFLOW})
    airflow.unpause(DAG)
    return f"{airflow.url}/dags/{DAG}"


def test_the_trigger_form_is_drawn_from_the_inputs_and_starts_a_run(
    page: Page, at: str, airflow: AirflowInstance
) -> None:
    """A person types a number into the form, presses the button, and the run has it."""
    page.goto(at)
    page.get_by_role("button", name="Trigger").first.click()
    field = page.locator("input[name=element_number]")
    field.wait_for()
    assert page.get_by_text("The number to double.").is_visible()
    field.fill("21")
    field.blur()
    page.get_by_role("dialog").get_by_role("button", name="Trigger").last.click()
    page.wait_for_url("**/runs/**")
    run = Run(airflow, DAG, page.url.rpartition("/runs/")[2].partition("?")[0].replace("%3A", ":").replace("%2B", "+"))
    assert airflow.wait_run(DAG, run.run_id, PATIENCE) == "success"
    assert run.xcom("double") == {"doubled": 42}


def test_the_docs_of_the_dag_tell_its_yaml_and_its_plan(page: Page, at: str) -> None:
    """What the workflow does can be read beside its runs."""
    page.goto(at)
    page.get_by_role("button", name="Dag Docs").click()
    page.get_by_text("name: ui_doubles").first.wait_for()
    assert page.get_by_text("Doubles a number").first.is_visible()


def test_a_person_approves_in_the_page(page: Page, airflow: AirflowInstance, workflows: Path) -> None:
    """The question stands there with its details and its form; a click on the answer lets the run go on with it."""
    drop(airflow, workflows, {APPROVAL: ASKING})
    run = start(airflow, APPROVAL)
    airflow.wait(lambda: run.states().get("ask") == "awaiting_input" or None, "the question", PATIENCE)
    page.goto(f"{airflow.url}/dags/{APPROVAL}/runs/{quote(run.run_id, safe='')}/tasks/ask/required_actions")
    page.get_by_text("Publish 48 questions?").first.wait_for()
    assert page.locator("strong", has_text="checked").first.is_visible()
    field = page.locator("input[name=element_pages]")
    field.fill("5")
    field.blur()
    page.get_by_role("button", name="Approve").click()
    assert run.wait() == "success"
    assert run.xcom("told")["pages"] == 5
    assert run.xcom("ask")["option"] == "Approve"
