"""A person's answer, given on Airflow's page or by its REST API."""
