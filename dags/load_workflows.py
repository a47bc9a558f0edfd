"""Make a Dag of every workflow file that lies beside this file or below it, in Airflow's Dags folder."""

from airflow_provider_gimme.loader import load_workflows

load_workflows(".", globals())
