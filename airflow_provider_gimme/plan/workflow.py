"""From a workflow to its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.expressions import ANY
from airflow_provider_gimme.plan.graph import plan_graph
from airflow_provider_gimme.plan.groups import check_pools, plan_groups, plan_pools, pool_of
from airflow_provider_gimme.plan.models import Plan, StepPlan
from airflow_provider_gimme.plan.names import Names
from airflow_provider_gimme.plan.references import check_references
from airflow_provider_gimme.plan.schedule import plan_schedule
from airflow_provider_gimme.plan.state import plan_state
from airflow_provider_gimme.plan.steps import StepDraft, draft_step, plan_step

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.plan.context import Context

__all__ = ["draft_steps", "plan_workflow"]


def plan_workflow(context: Context) -> Plan | None:
    """Plan a workflow; problems go into ``context``, and where there is no order the result is None."""
    workflow = context.workflow
    names = Names.of(workflow)
    drafts = draft_steps(context, names)
    groups = plan_groups(context, names)
    check_pools(context, groups)
    graph = plan_graph(drafts, names, context)
    outputs, read = _outputs(context, names)
    state = plan_state(context, names, outputs)
    if graph is None:
        return None
    steps = tuple(plan_step(drafts[name], graph, pool_of(drafts[name].config, groups)) for name in graph.order)
    leaves = _leaves(steps)
    _check_result(context, steps, leaves)
    return Plan(
        dag_id=workflow.dag_id,
        display_name=workflow.display_name,
        file=context.loaded.file,
        text=context.loaded.text,
        workflow=workflow,
        steps=steps,
        groups=groups,
        phases=graph.phases,
        schedule=plan_schedule(workflow),
        pools=plan_pools(workflow.pools, groups),
        input_schema=context.input_schema,
        outputs=outputs,
        outputs_read=read,
        output_schema=context.loaded.schemas.outputs,
        state=state,
        leaves=leaves,
        output_keys=names.output_keys,
        variables=workflow.variables,
        around=context.loaded.around,
    )


def draft_steps(context: Context, names: Names) -> dict[str, StepDraft]:
    """Compile the expressions of all steps and check what they refer to; problems go into ``context``."""
    steps = context.workflow.steps
    return {name: draft_step(steps[at], context.step(at), names) for name, at in names.place.items()}


def _outputs(context: Context, names: Names) -> tuple[Compiled[Any] | None, frozenset[str]]:
    written = context.workflow.outputs
    if written is None:
        return None, frozenset()
    place = context.of_run().separate()
    compiled = place.at("outputs").compile("value", written)
    read = check_references(place, names)
    for name in sorted(read & {step.task_id for step in context.workflow.steps if step.sensitive}):
        place.at("outputs").report(
            f"the output of step '{name}' is 'sensitive', so there is '***' in its place. Leave it out.", warning=True
        )
    return compiled, frozenset(names.listed) if ANY in read else read


def _check_result(context: Context, steps: tuple[StepPlan, ...], leaves: tuple[str, ...]) -> None:
    """Report a result that is to be checked, and that nobody may see."""
    workflow = context.workflow
    if workflow.output_schema_id is None or workflow.outputs is not None:
        return
    for name in sorted(step.task_id for step in steps if step.task_id in leaves and step.config.sensitive):
        context.at("output_schema_id").report(
            f"the workflow's result is the output of step '{name}', which is 'sensitive': it cannot be checked. "
            "Write what the result is as 'outputs'."
        )


def _leaves(steps: tuple[StepPlan, ...]) -> tuple[str, ...]:
    waited_for = {name for step in steps for name in step.upstream}
    return tuple(step.task_id for step in steps if step.task_id not in waited_for)
