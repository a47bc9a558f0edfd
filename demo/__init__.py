"""The demonstration: a stand-in API, a real Airflow and one workflow, started, watched and ended by one command.

``python -m demo`` runs it. The modules that start and end an Airflow (`demo.instance` and what it needs) are also
what the end-to-end tests use.
"""
