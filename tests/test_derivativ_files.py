"""Derivativ's workflows and their functions are what the document describes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from airflow_provider_gimme.expressions import GroupResult, StepResult, load_functions
from airflow_provider_gimme.plan import Plan, plan_file
from tests.standins import StandIn
from tests.walk import walk

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ROOT / "plugins"
TOPICS = ["algebra", "geometry", "statistics", "trigonometry", "probability", "calculus"]
DAILY = "workflow_configs/derivativ_daily.yaml"
SEED = "tests/workflows/derivativ_seed.yaml"


@pytest.fixture(scope="module")
def functions() -> ModuleType:
    spec = spec_from_file_location("gimme_derivativ_under_test", PLUGINS / "gimme_derivativ.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(topic: str, *scores: float) -> dict[str, Any]:
    questions = [
        {"question_id": f"{topic}-{index}", "topic": topic, "quality_score": score}
        for index, score in enumerate(scores)
    ]
    return {"topic": topic, "questions": questions}


def plan(file: str, environment: str | None = None) -> Plan:
    return plan_file(ROOT / file, environment=environment, functions=load_functions([PLUGINS], entry_points=False))


class TestFunctions:
    def test_a_group_gives_the_ids_of_its_topics_in_order(self, functions: ModuleType) -> None:
        """Ids come topic by topic as listed; topics that failed or were skipped are left out."""
        group = GroupResult(
            {
                "b": StepResult(answer("geometry", 0.8, 0.9), "success"),
                "failed": StepResult(None, "tolerated", error="503"),
                "skipped": StepResult(None, "skipped"),
                "a": StepResult(answer("algebra", 0.7), "success"),
            }
        )
        assert functions.collect_question_ids(group) == ["geometry-0", "geometry-1", "algebra-0"]
        assert functions.mean_quality_score(group) == 0.8
        assert functions.missing_topics(group, ["algebra", "statistics", "geometry"]) == ["statistics"]

    @pytest.mark.parametrize(
        "group,ids",
        [
            (None, []),
            ([], []),
            ([None, answer("algebra", 1), None], ["algebra-0"]),
            ({"first": answer("algebra", 1), "second": None}, ["algebra-0"]),
            (answer("algebra", 1, 1), ["algebra-0", "algebra-1"]),
            ([answer("algebra", 1), answer("algebra", 1)], ["algebra-0"]),
            ([answer("algebra")], []),
        ],
    )
    def test_other_shapes_do_too(self, functions: ModuleType, group: Any, ids: list[str]) -> None:
        """Nothing, lists with null in them, maps and single answers are understood; an id counts once."""
        assert functions.collect_question_ids(group) == ids

    def test_no_questions_have_the_lowest_score(self, functions: ModuleType) -> None:
        """Without any question the mean score is 0, so that a quality gate closes."""
        assert functions.mean_quality_score([]) == 0.0

    @pytest.mark.parametrize(
        "group,message",
        [
            ([{"items": []}], "no 'questions' where it should be (there is: items)"),
            (["text"], "no 'questions' where it should be (there is: str)"),
            ([{"questions": [{"id": 1}]}], "no 'question_id' where it should be (there is: id)"),
        ],
    )
    def test_an_answer_of_another_shape_is_an_error(self, functions: ModuleType, group: Any, message: str) -> None:
        """An answer that is not the question API's is told, not passed over."""
        with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared below, in full
            functions.collect_question_ids(group)
        assert message in str(error.value)

    def test_they_need_no_airflow(self) -> None:
        """The file is found by its name, and only the three functions are the language's."""
        before = set(sys.modules)
        loaded = load_functions([PLUGINS], entry_points=False)
        assert set(loaded.functions) == {"collect_question_ids", "mean_quality_score", "missing_topics"}
        assert not [name for name in set(sys.modules) - before if name.split(".")[0] == "airflow"]


class TestDaily:
    def test_it_does_what_the_document_asks_for(self) -> None:
        """Six topics, three documents and their storage, with the numbers at once that the document recommends."""
        daily = plan(DAILY)
        slots = {group.name: group.max_parallel for group in daily.groups}
        assert slots == {"question_generation": 6, "document_generation": 3, "document_storage": 10}
        members = [step.task_id for step in daily.steps if step.group == "question_generation"]
        assert members == [f"generate_{topic}_questions" for topic in TOPICS]
        assert daily.variables["topics"] == TOPICS
        assert daily.input_schema is not None
        assert daily.input_schema["properties"]["questions_per_topic"]["default"] * len(TOPICS) == 48

    def test_every_call_may_be_tried_again(self) -> None:
        """Each call of the file says itself how it is retried, so its POSTs are retried after any passing failure."""
        calls = [step for step in plan(DAILY).steps if step.type == "api_call"]
        assert len(calls) == 14
        assert [step.task_id for step in calls if step.retry.safe_only or step.retry.limit < 3] == []

    def test_only_topics_are_tolerated(self) -> None:
        """A topic that fails does not end the run; any other step does."""
        tolerated = [step.task_id for step in plan(DAILY).steps if step.tolerated]
        assert tolerated == [f"generate_{topic}_questions" for topic in TOPICS]

    def test_documents_wait_for_the_gate_and_storage_for_its_document(self) -> None:
        """No document is made before the gate has passed; each is stored as soon as it is there."""
        daily = plan(DAILY)
        assert "quality_gate" in daily.by_id["create_worksheet"].upstream
        assert daily.by_id["store_worksheet"].upstream == ("create_worksheet",)

    def test_it_runs_at_two_in_singapore(self) -> None:
        """The schedule is 18:00 UTC, and the file's warning, if there is one, is about nothing else."""
        daily = plan(DAILY)
        assert daily.schedule is not None
        assert (daily.schedule.cron, daily.schedule.timezone) == ("0 18 * * *", "UTC")
        assert all(warning.path == "schedule" for warning in daily.warnings), daily.warnings

    def test_dev_is_small_and_unscheduled(self) -> None:
        """In `dev` there is no schedule, and a run orders two questions per topic."""
        dev = plan(DAILY, "dev")
        assert dev.schedule is None
        assert dev.input_schema is not None
        properties = dev.input_schema["properties"]
        assert (properties["questions_per_topic"]["default"], properties["grade_level"]["default"]) == (2, 9)


class TestOtherFiles:
    def test_the_documents_own_file_loads(self) -> None:
        """The workflow that the document shows is planned as it stands there."""
        seed = plan(SEED)
        assert [step.task_id for step in seed.steps] == [
            "generate_algebra_questions",
            "generate_geometry_questions",
            "create_worksheet",
            "create_answer_key",
            "create_teaching_notes",
            "store_documents",
        ]
        assert seed.by_id["create_answer_key"].retry.safe_only

    def test_the_newcomers_file_loads(self) -> None:
        """The first example is planned without a warning."""
        hello = plan("workflow_configs/hello_api.yaml")
        assert hello.warnings == ()
        assert [step.upstream for step in hello.steps] == [(), ("fetch_user",)]


@pytest.fixture(scope="module")
def started() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def api(started: StandIn) -> StandIn:
    started.reset()
    return started


class TestWalks:
    """The files against the stand-in API, step by step, without Airflow."""

    def test_a_good_night(self, api: StandIn) -> None:
        """48 questions; three documents over all of them, stored for students and teachers; nothing partial."""
        results = walk(plan(DAILY), api.environment)
        skipped = [name for name, result in results.items() if result.status != "success"]
        assert skipped == ["save_partial_results", "quality_gate", "save_questions_after_failure"]
        state = api.state()
        assert len(state["questions"]) == 48
        assert [document["question_count"] for document in state["documents"]] == [48, 48, 48]
        stored = {each["type"]: each["versions"] for each in state["stored"]}
        assert sorted(stored) == ["answer_key", "teaching_notes", "worksheet"]
        assert all(sorted(versions) == ["student", "teacher"] for versions in stored.values())
        assert sorted(stored["worksheet"]["teacher"]) == ["docx", "html", "pdf"]
        assert results["store_worksheet"].output["document_id"] == results["create_worksheet"].output["document_id"]
        assert state["partial_results"] == []

    def test_a_topic_fails(self, api: StandIn) -> None:
        """The other topics' questions are saved, and become the documents."""
        api.fail(where={"topic": "geometry"}, nth=None, status=500)
        results = walk(plan(DAILY), api.environment)
        assert results["generate_geometry_questions"].status == "tolerated"
        assert results["quality_gate"].status == "skipped"
        (partial,) = api.state()["partial_results"]
        assert (len(partial["question_ids"]), partial["missing_topics"]) == (40, ["geometry"])
        assert api.state()["documents"][0]["question_ids"] == partial["question_ids"]

    def test_every_topic_fails(self, api: StandIn) -> None:
        """Without any question the gate closes, and nothing is saved or made."""
        api.fail("/api/questions/generate", nth=None, status=500)
        results = walk(plan(DAILY), api.environment)
        assert results["quality_gate"].error == (
            "0 of 48 questions with a mean quality score of 0.0 are not enough: at least 50.0 % of them and a mean "
            "score of 0.75 are wanted."
        )
        assert results["create_worksheet"].status == "upstream_failed"
        assert (results["save_partial_results"].status, results["save_questions_after_failure"].status) == (
            "skipped",
            "skipped",
        )

    def test_poor_questions_end_at_the_gate(self, api: StandIn) -> None:
        """Questions that are not good enough make no document, but are kept."""
        api.configure(quality=0.5)
        results = walk(plan(DAILY), api.environment, questions_per_topic=1)
        assert results["quality_gate"].status == "failed"
        assert api.state()["documents"] == []
        (partial,) = api.state()["partial_results"]
        assert (len(partial["question_ids"]), partial["reason"]) == (6, "the documents could not be made")

    def test_a_document_fails(self, api: StandIn) -> None:
        """The questions are kept where a document cannot be made; the other documents are stored."""
        api.fail(where={"document_type": "worksheet"}, nth=None, status=500)
        results = walk(plan(DAILY), api.environment)
        assert (results["create_worksheet"].status, results["store_worksheet"].status) == ("failed", "upstream_failed")
        assert len(api.state()["stored"]) == 2
        assert len(api.state()["partial_results"][0]["question_ids"]) == 48

    def test_the_documents_own_file(self, api: StandIn) -> None:
        """The workflow that the document shows makes and stores three documents of 16 questions."""
        results = walk(plan(SEED), api.environment)
        assert {result.status for result in results.values()} == {"success"}
        assert [document["question_count"] for document in api.state()["documents"]] == [16, 16, 16]
        assert results["store_documents"].output["count"] == 3

    def test_the_newcomers_file(self) -> None:
        """The first example greets the user that it has read, whose id is still a number."""
        with StandIn("hello") as hello:
            walk(plan("workflow_configs/hello_api.yaml"), {**hello.environment, "DERIVATIV_API_KEY": "none"})
            (post,) = hello.state()["posts"]
        assert (post["userId"], post["body"]) == (1, "Nice to meet you, User 1.")
