"""From a file's text to a plan, or to its problems."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from airflow_provider_gimme.errors import WorkflowError
from airflow_provider_gimme.plan import Plan, plan_text

HEAD = "name: w\napi_base: https://api.example\n"


def plan(body: str) -> Plan:
    """Plan a workflow whose head is given."""
    return plan_text(HEAD + dedent(body).strip("\n") + "\n", "w.yaml")


def problems(body: str) -> list[str]:
    """Return the problems of a workflow whose head is given."""
    with pytest.raises(WorkflowError) as raised:
        plan(body)
    return [str(problem) for problem in raised.value.problems if problem.severity == "error"]


def steps(*lines: str) -> str:
    """Write steps, each as a flow map."""
    return "steps:\n" + indent("\n".join(f"- {{{line}}}" for line in lines), "  ")


def upstream(planned: Plan) -> dict[str, tuple[str, ...]]:
    """Return who waits for whom."""
    return {step.task_id: step.upstream for step in planned.steps}


def test_steps_run_as_listed_where_none_says_otherwise() -> None:
    """A plain list is a sequence."""
    planned = plan(steps("name: a", "name: b", "name: c"))
    assert upstream(planned) == {"a": (), "b": ("a",), "c": ("b",)}
    assert planned.phases == (("a",), ("b",), ("c",))
    assert planned.leaves == ("c",)


def test_one_group_makes_a_graph() -> None:
    """Members of a group start at once, and what depends on the group waits for all of them."""
    planned = plan(
        steps("name: a, parallel_group: g", "name: b, parallel_group: g, max_parallel: 2", "name: c, depends_on: [g]")
    )
    assert upstream(planned) == {"a": (), "b": (), "c": ("a", "b")}
    (group,) = planned.groups
    assert (group.members, group.max_parallel, group.pool) == (("a", "b"), 2, "gimme.w.g")
    assert planned.pools == {"gimme.w.g": 2}
    assert planned.by_id["a"].pool == "gimme.w.g"


def test_a_reference_is_a_dependency() -> None:
    """Reading another step's output means waiting for it, without saying so."""
    planned = plan(
        """
        order: graph
        steps:
          - {name: b, endpoint: "/x/{{ steps.a.id }}", depends_on: []}
          - {name: a, depends_on: []}
          - {name: c, payload: {all: "$.steps.b.output"}}
        """
    )
    assert upstream(planned) == {"a": (), "b": ("a",), "c": ("b",)}
    assert planned.by_id["c"].reads == {"b"}


def test_a_group_is_read_by_its_name() -> None:
    """``steps.<group>`` waits for every member, ``steps.<group>.<member>`` for that one."""
    planned = plan(
        """
        steps:
          - {name: a, parallel_group: g}
          - {name: b, parallel_group: g}
          - {name: all, payload: "{{ steps.g | length }}"}
          - {name: one, payload: "{{ steps.g.b }}"}
        """
    )
    assert upstream(planned)["all"] == ("a", "b")
    assert upstream(planned)["one"] == ("b",)


def test_a_step_named_only_at_run_time_is_one_that_has_ended() -> None:
    """``steps[inputs.which]`` reads all steps before it, however far, and waits for no other."""
    planned = plan(
        """
        steps:
          - {name: a, depends_on: []}
          - {name: b, depends_on: [a]}
          - {name: other, depends_on: []}
          - {name: c, depends_on: [b], payload: "{{ steps[inputs.which] }}"}
        outputs: {all: "{{ steps[inputs.which] }}"}
        """
    )
    assert planned.by_id["c"].reads == {"a", "b"}
    assert planned.by_id["c"].upstream == ("b",)
    assert planned.outputs_read == {"a", "b", "c", "other"}


def test_what_follows_a_catch_waits_for_what_it_watches() -> None:
    """A catch that went well does not let the steps after it start."""
    planned = plan(steps("name: work", "name: catch, run_on: failure", "name: after"))
    assert upstream(planned)["after"] == ("work", "catch")


def test_listed_order_lets_neighbours_of_a_group_run_side_by_side() -> None:
    """``order: listed`` with groups is a list of blocks."""
    planned = plan(
        "order: listed\n" + steps("name: a", "name: b, parallel_group: g", "name: c, parallel_group: g", "name: d")
    )
    assert upstream(planned) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


def test_limits_and_retries_have_the_defaults_of_the_language() -> None:
    """Ten minutes for a try, a minute for an attempt, three retries; a written limit counts for both."""
    planned = plan(
        steps("name: a", "name: b, timeout: 20s", "name: c, retry: {timeout: 5m}", "name: d, method: POST, timeout: 1h")
    )
    limits = {
        s.task_id: (s.timeout and s.timeout.total_seconds(), s.attempt_timeout.total_seconds()) for s in planned.steps
    }
    assert limits == {"a": (600, 60), "b": (20, 20), "c": (300, 300), "d": (3600, 3600)}
    assert planned.by_id["a"].retry.limit == 3
    assert [step.retry.safe_only for step in planned.steps] == [False, False, False, True]


@pytest.mark.parametrize(
    "keys, safe_only",
    [
        ("method: POST", True),
        ("method: PATCH", True),
        ("method: PUT", False),
        ("method: POST, retry: {limit: 1}", False),
        ("method: POST, idempotency: supported", False),
        ("method: POST, idempotency: {supported: true}", False),
    ],
)
def test_a_post_is_retried_freely_only_where_the_file_says_so(keys: str, safe_only: bool) -> None:  # noqa: FBT001
    """Without ``retry`` or a promise of idempotency, a POST or PATCH is not simply sent again."""
    assert plan(steps(f"name: a, {keys}")).by_id["a"].retry.safe_only is safe_only


INVALID = {
    "cycle": (
        steps("name: a, depends_on: [c]", "name: b, depends_on: [a]", "name: c, depends_on: [b]"),
        ["a cycle: ", "a → ", " → "],
    ),
    "itself": (steps("name: a, depends_on: [a]"), ["steps[0] 'a'.depends_on[0]: 'a' depends on itself"]),
    "own group": (
        steps("name: a, parallel_group: g, depends_on: [g]"),
        ["'a' depends on 'g', of which it is a member"],
    ),
    "unknown dependency": (
        steps("name: fetch", "name: b, depends_on: [fetsh]"),
        ["w.yaml:5:28: steps[1] 'b'.depends_on[0]: no step or group is called 'fetsh'. Did you mean 'fetch'?"],
    ),
    "unknown step": (
        steps("name: fetch", 'name: b, payload: "{{ steps.fetsh.id }}"'),
        ["no step or group is called 'fetsh'. Did you mean 'fetch'?"],
    ),
    "forward": (
        steps('name: a, payload: "{{ steps.b }}"', "name: b"),
        ["refers to step 'b', which runs later in the list"],
    ),
    "unknown output key": (
        steps("name: a, output_key: rows", 'name: b, payload: "{{ outputs.row }}"'),
        ["no step has output_key 'row'. Did you mean 'rows'?"],
    ),
    "unknown variable": (
        "variables: {topic: x}\n" + steps('name: a, payload: "{{ variables.topik }}"'),
        ["no variable is called 'topik'. Did you mean 'topic'?"],
    ),
    "variable not allowed": (
        "variables: {one: 1, two: 2}\n" + steps('name: a, variables: [one], payload: "{{ two }}"'),
        ["the variable 'two' is not in this step's 'variables'"],
    ),
    "unknown variable allowed": (
        "variables: {one: 1}\n" + steps("name: a, variables: [onne]"),
        ["steps[0] 'a'.variables[0]: no variable is called 'onne'. Did you mean 'one'?"],
    ),
    "closed inputs": (
        "inputs: {type: object, additionalProperties: false, properties: {count: {type: integer}}}\n"
        + steps('name: a, payload: "{{ inputs.cuont }}"'),
        ["'inputs' has no property 'cuont'. Did you mean 'count'?"],
    ),
    "differing bounds": (
        steps("name: a, parallel_group: g, max_parallel: 2", "name: b, parallel_group: g, max_parallel: 3"),
        ["the members of group 'g' differ in 'max_parallel' (2 and 3)"],
    ),
    "bound without group": (steps("name: a, max_parallel: 2"), ["'max_parallel' bounds a group"]),
    "two bounds": (
        "pools: {p: 1}\n" + steps("name: a, parallel_group: g, max_parallel: 2, pool: p"),
        ["group 'g' is bounded by 'max_parallel', which is a pool of its own"],
    ),
    "unknown pool": (
        "pools: {heavy: 1}\n" + steps("name: a, pool: havy"),
        ["no pool is called 'havy'. Did you mean 'heavy'?"],
    ),
    "path name": (
        "inputs: {type: object, properties: {order_id: {type: string}}}\n" + steps('name: a, endpoint: "/o/{oder_id}"'),
        ["'{oder_id}' is in none of 'input_map', 'inputs' and 'variables'"],
    ),
    "endpoint elsewhere": (
        steps("name: a, endpoint: 'https://other.example/x'"),
        ["steps[0] 'a'.endpoint: no call may go there", "list 'other.example' in 'allow_hosts' to allow it"],
    ),
    "output key of two": (
        steps("name: a, output_key: rows", "name: b, output_key: rows"),
        ["steps[1] 'b'.output_key: output_key 'rows' is another step's (line 4). Rename one of them."],
    ),
    "auth of no connection": (
        "auth: {type: connection}\n" + steps("name: a"),
        ["auth: the credentials of which connection? Write its id as 'connection' in 'auth'."],
    ),
    "auth of no connection in a service": (
        "services: {s: {api_base: https://s.example, auth: {type: connection}}}\n" + steps("name: a, service: s"),
        ["services.s.auth: the credentials of which connection?"],
    ),
    "member that is in no group": (
        steps("name: a, parallel_group: g", 'name: b, depends_on: [g], payload: "{{ steps.g.zz }}"'),
        ["steps[1] 'b'.payload: group 'g' has no member 'zz'. Members: a."],
    ),
    "key of a call where there is none": (
        steps('name: a, type: transform, payload: "{{ call.idempotency_key }}"'),
        ["steps[0] 'a'.payload: unknown name 'call'."],
    ),
    "key in a body that is not there": (
        steps("name: a, method: POST, idempotency: {body: key}"),
        ["steps[0] 'a'.idempotency.body: this call has no body that could carry the key."],
    ),
    "pool of Airflow's": (
        "pools: {default_pool: 3}\n" + steps("name: a"),
        ["pools.default_pool: 'default_pool' is Airflow's own, and no file changes it."],
    ),
    "variable of no name near": (
        steps("name: a, variables: [topic]"),
        ["no variable is called 'topic'. Add it under 'variables' of the workflow."],
    ),
    "bad template": (steps('name: a, payload: "{{ 1 + }}"'), ["steps[0] 'a'.payload"]),
}


@pytest.mark.parametrize("name", INVALID)
def test_a_fault_is_told_with_its_place_and_the_way_out(name: str) -> None:
    """Each of these files is refused with a message that says where, what and what to do."""
    body, parts = INVALID[name]
    told = "\n".join(problems(body))
    assert all(part in told for part in parts), told


def test_all_problems_of_a_file_are_told_at_once() -> None:
    """A fault in one step does not hide the fault of another."""
    told = problems(steps("name: a, depends_on: [x]", 'name: b, payload: "{{ nope }}"', "name: c, pool: q"))
    assert len(told) == 3


def test_a_wrong_step_does_not_hide_what_is_wrong_with_another() -> None:
    """Shapes and expressions are told together; the wrong step is still known by its name."""
    told = problems(
        steps("name: a, retires: 3", 'name: b, payload: "{{ steps.a.id }} {{ nope }}"', "name: c, timeout: soon")
    )
    assert [place in line for place, line in zip(["'a'", "'b'", "'c'"], told, strict=True)] == [True] * 3
    assert "Did you mean 'retry'?" in told[0]
    assert "nope" in told[1]


@pytest.mark.parametrize("wrong", ["output_key: my key", "parallel_group: [g]", "depends_on: b", "retry: 3"])
def test_a_wrong_key_of_a_step_does_not_hide_what_is_wrong_with_another(wrong: str) -> None:
    """Whatever others may know the step by, but for its name."""
    told = problems(steps(f"name: a, {wrong}", 'name: b, payload: "{{ steps.a.id }} {{ nope }}"'))
    assert [place in line for place, line in zip(["'a'", "'b'"], told, strict=True)] == [True] * 2


@pytest.mark.parametrize("head", ["shedule: '@daily'", "auth: {type: bearer}", "services: {x: {}}\ntimezone: Mars"])
def test_a_wrong_key_of_the_workflow_does_not_hide_what_is_wrong_with_a_step(head: str) -> None:
    """Expressions need none of these, and a dependency on nobody is one whatever the schedule is."""
    told = problems(f"{head}\n" + steps('name: a, payload: "{{ nope }}"', "name: b, depends_on: [c]"))
    assert len(told) == 3
    assert "nope" in told[1]
    assert "depends_on[0]: no step or group is called 'c'" in told[2]


@pytest.mark.parametrize("base", ["api_base: api.example.com", "base_url: https://api.example.com"])
def test_a_wrong_base_is_told_once(base: str) -> None:
    """Not again for each step that has none because of it."""
    with pytest.raises(WorkflowError) as raised:
        plan_text(f"name: w\n{base}\n" + steps("name: a, endpoint: /x", "name: b, endpoint: /y") + "\n", "w.yaml")
    assert len(raised.value.problems) == 1


def test_no_follow_up_is_invented_where_what_is_wrong_is_what_expressions_name() -> None:
    """A wrong key of the workflow may be what the expressions need, so they are not judged."""
    (told,) = problems("variabels: {x: 1}\n" + steps('name: a, payload: "{{ x }}"'))
    assert "Did you mean 'variables'?" in told


def test_no_follow_up_is_invented_where_a_wrong_step_orders_the_others() -> None:
    """With its dependency the steps are no list, whatever else it says; nothing is told of the order of the others."""
    (told,) = problems(steps('name: a, payload: "{{ steps.b }}"', "name: b, retires: 3, depends_on: []"))
    assert "Did you mean 'retry'?" in told


def test_each_wrong_expression_of_a_structure_is_told_at_its_own_place() -> None:
    """One fault in a payload does not hide the next, however deep both are."""
    told = problems(
        "steps:\n- name: a\n  payload:\n    x: ['{{ n1 }}', {'y': '{{ n2 }}'}]\n    '{{ k }}': 1\n    z: ok"
    )
    assert [line.split(" ")[0] for line in told] == ["w.yaml:6:9:", "w.yaml:6:27:", "w.yaml:7:16:"]
    assert ["payload.x[0]: " in told[0], "payload.x[1].y: " in told[1], "not a template" in told[2]] == [True] * 3


def test_what_stands_alone_in_a_graph_is_a_warning() -> None:
    """A step without ``depends_on`` starts at once; most people mean something else."""
    planned = plan(steps("name: a", "name: b, depends_on: [a]", "name: c"))
    assert ["steps[2] 'c'" in str(warning) for warning in planned.warnings] == [True]


def test_warnings_stand_in_the_order_of_the_file() -> None:
    """Whatever part of the planning has found them."""
    planned = plan("inputs: {properties: {}}\n" + steps("name: a, payload: '{{ inputs.b }}', endpoint: '/{$.input.c}'"))
    assert ["payload" in str(warning) for warning in planned.warnings] == [True, False]


def test_a_step_without_a_name_is_not_warned_of_by_name() -> None:
    """What lacks a name is told once, as that."""
    with pytest.raises(WorkflowError) as raised:
        plan(steps("name: a, depends_on: []", "endpoint: /x"))
    assert [str(problem) for problem in raised.value.problems] == ["w.yaml:5:5: steps[1]: 'name' is missing. Write it."]


@pytest.mark.parametrize(
    "head, endpoint",
    [
        (HEAD, "https://api.example/v2"),
        (HEAD + "allow_hosts: [other.example]\n", "https://other.example/x"),
        (HEAD, "https://{{ inputs.host }}/x"),
        ("name: w\napi_base: ${BASE}\n", "https://other.example/x"),
        ("name: w\nconnection: other\n", "https://other.example/x"),
    ],
)
def test_an_absolute_endpoint_is_only_refused_where_it_can_be_judged(head: str, endpoint: str) -> None:
    """The base's origin and allowed hosts are good; what a secret, a connection or a run says is seen at the call."""
    plan_text(head + steps(f"name: a, endpoint: '{endpoint}'") + "\n", "w.yaml")


@pytest.mark.parametrize("endpoint", ["/x", "https://api.example/x"])
def test_the_last_message_without_base_says_what_to_write(endpoint: str) -> None:
    """A step needs somewhere to go, and an absolute URL an origin that it may have."""
    with pytest.raises(WorkflowError, match="Write 'api_base' or 'connection'"):
        plan_text(f"name: w\nsteps: [{{name: a, endpoint: '{endpoint}'}}]\n", "w.yaml")


def test_ten_thousand_steps_are_the_limit() -> None:
    """One more is refused, and the message names the limit."""
    text = HEAD + "steps:\n" + "".join(f"- {{name: s{number}}}\n" for number in range(10_001))
    with pytest.raises(WorkflowError, match=r"10,?000"):
        plan_text(text, "w.yaml")
