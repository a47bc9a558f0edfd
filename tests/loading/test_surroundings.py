"""What lies around a workflow file shapes it: the defaults of its folder, and the schemas that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_gimme.errors import WorkflowError
from airflow_provider_gimme.loading.surroundings import Surroundings, read_surroundings
from airflow_provider_gimme.plan import Plan, plan_file, plan_text

BASE = "name: orders\napi_base: https://api.example.com\n"
STEPS = "steps: [{name: fetch, endpoint: /orders}, {name: told, type: transform, payload: 1}]\n"


def write(folder: Path, **texts: str) -> Path:
    """Write files by path, with ``__`` for a slash and ``.yaml`` left out; return the workflow."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "team" / "flow.yaml"


def plan(defaults: str, text: str = BASE + STEPS) -> Plan:
    """Plan a workflow beside a ``_defaults.yaml``."""
    return plan_text(text, "flow.yaml", surroundings=Surroundings.of({"_defaults.yaml": defaults}))


class TestDefaults:
    def test_they_are_the_farthest(self) -> None:
        """Step, group, service and the file's own `defaults` are nearer; maps merge, lists replace."""
        text = f"""{BASE}
defaults: {{timeout: 2s, headers: {{a: file}}, retry: {{delay: 7s}}}}
services: {{slow: {{timeout: 3s, retry: {{delay: 8s}}}}}}
groups: {{many: {{timeout: 4s}}}}
steps:
  - {{name: plain, endpoint: /a}}
  - {{name: served, endpoint: /a, service: slow}}
  - {{name: member, endpoint: /a, service: slow, parallel_group: many}}
  - {{name: own, endpoint: /a, timeout: 5s, retry: {{limit: 1}}}}
"""
        made = plan("timeout: 1s\nheaders: {a: folder, b: folder}\nretry: {limit: 9, delay: 6s}\n", text)
        seconds = {step.task_id: step.timeout.total_seconds() for step in made.steps if step.timeout}
        assert seconds == {"plain": 2, "served": 3, "member": 4, "own": 5}
        configs: dict[str, Any] = {step.task_id: step.config for step in made.steps}
        assert configs["plain"].headers == {"a": "file", "b": "folder"}
        assert (configs["plain"].retry.limit, configs["plain"].retry.delay.total_seconds()) == (9, 7)
        assert (configs["served"].retry.limit, configs["served"].retry.delay.total_seconds()) == (9, 8)
        assert (configs["own"].retry.limit, configs["own"].retry.delay.total_seconds()) == (1, 7)

    def test_a_nearer_word_for_the_same_takes_their_place(self) -> None:
        """Of keys that exclude each other the nearer one counts, as everywhere."""
        made = plan("timeout: 1s\nretry: {limit: 9}\n", BASE + "defaults: {timeout_seconds: 5}\n" + STEPS)
        assert made.steps[0].timeout is not None
        assert made.steps[0].timeout.total_seconds() == 5

    def test_a_step_takes_what_its_type_knows(self) -> None:
        """A folder may have defaults that only calls know beside transforms."""
        assert plan("retry: {limit: 2}\nmethod: post\n").by_id["told"].type == "transform"

    @pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}\n"])
    def test_they_may_be_empty(self, text: str) -> None:
        """A file in which all is commented out is no problem."""
        assert plan(text).warnings == ()

    def test_they_may_be_json(self, tmp_path: Path) -> None:
        """The endings of workflow files are theirs too."""
        file = write(tmp_path, team__flow=BASE + STEPS)
        (tmp_path / "team" / "_defaults.json").write_text('{"timeout": "17s"}')
        made = plan_file(file)
        assert made.steps[0].timeout is not None
        assert made.steps[0].timeout.total_seconds() == 17
        assert made.around == (str(tmp_path / "team" / "_defaults.json"),)


class TestNearest:
    def test_only_the_nearest_counts(self, tmp_path: Path) -> None:
        """A folder with `_defaults` of its own takes none from above; what it lacks comes from above."""
        file = write(
            tmp_path,
            _defaults="timeout: 1s\nsensitive: true\n",
            team___defaults="timeout: 2s\n",
            schemas__a="id: a\ndefinition: {type: object}\n",
            team__flow=BASE + "input_schema_id: a\n" + STEPS,
        )
        made = plan_file(file)
        assert (made.steps[0].timeout, made.steps[0].config.sensitive) == (made.by_id["told"].timeout, False)
        assert made.around == (str(tmp_path / "team/_defaults.yaml"), str(tmp_path / "schemas/a.yaml"))

    def test_names_are_as_the_file_was_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Called with a relative path, messages name what lies above by a relative path too."""
        write(tmp_path, _defaults="timeout: 1s\n", schemas__a="id: a\n", team__flow=BASE + STEPS)
        monkeypatch.chdir(tmp_path / "team")
        found = read_surroundings(Path("flow.yaml"))
        assert [near.file for near in found.files] == ["../_defaults.yaml", "../schemas/a.yaml"]
        monkeypatch.chdir(tmp_path)
        assert [near.file for near in read_surroundings(Path("team/flow.yaml")).files][:1] == ["_defaults.yaml"]

    def test_what_cannot_be_read_is_a_problem_of_who_uses_it(self, tmp_path: Path) -> None:
        """A file that is far too large is not read, and only those that need it are told."""
        schema = "id: a\ndefinition: {type: object}\n"
        file = write(tmp_path, schemas__a=schema, schemas__big="#" * 5_000_001, team__flow=BASE + STEPS)
        assert plan_file(file).around == ()
        write(tmp_path, team__flow=BASE + "input_schema_id: a\n" + STEPS)
        assert plan_file(file).around == (str(tmp_path / "schemas/a.yaml"),)
        write(tmp_path, team__flow=BASE + "input_schema_id: b\n" + STEPS)
        with pytest.raises(WorkflowError, match=r"big\.yaml:1:1: the file cannot be read: it has 5,000,001 bytes"):
            plan_file(file)


class TestSchemas:
    SCHEMAS = Surroundings.of(
        {
            "schemas/a.yaml": "id: order\nversion: 1.0\ndefinition: {type: object, required: [a]}\n",
            "schemas/b.yaml": "id: order\nversion: 1.10\ndefinition: {type: object, required: [b]}\n",
        }
    )

    @pytest.mark.parametrize("version, required", [("1.0", ["a"]), ("1.10", ["b"])])
    def test_a_version_is_named_as_it_was_written(self, version: str, required: list[str]) -> None:
        """``1.10`` is not ``1.1``: versions are text."""
        text = f"{BASE}input_schema_id: order@{version}\noutput_schema_id: order@{version}\n{STEPS}"
        made = plan_text(text, "flow.yaml", surroundings=self.SCHEMAS)
        assert made.input_schema is not None
        assert made.output_schema is not None
        assert made.input_schema["required"] == made.output_schema["required"] == required
        assert (made.needs_inputs_task, made.needs_result_task, len(made.around)) == (True, True, 1)

    def test_an_environment_names_another_one(self) -> None:
        """The overlay's schema takes the place of the file's own inputs."""
        text = f"{BASE}inputs: {{type: object}}\nenvironments: {{new: {{input_schema_id: order@1.10}}}}\n{STEPS}"
        made = plan_text(text, "flow.yaml", environment="new", surroundings=self.SCHEMAS)
        assert made.input_schema is not None
        assert made.input_schema["required"] == ["b"]
        assert plan_text(text, "flow.yaml", surroundings=self.SCHEMAS).input_schema == {"type": "object"}
