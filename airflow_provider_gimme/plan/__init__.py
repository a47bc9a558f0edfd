"""From a workflow to its plan: what runs, in which order, with what. Pure data, without Airflow."""

from __future__ import annotations

from airflow_provider_gimme.plan.models import GroupPlan, Plan, SchedulePlan, StepPlan
from airflow_provider_gimme.plan.read import plan_file, plan_text

__all__ = ["GroupPlan", "Plan", "SchedulePlan", "StepPlan", "plan_file", "plan_text"]
